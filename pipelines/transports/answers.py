"""What a reply says: its text for people, when to try again, and what its status means."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pipelines.blobs import Blob
from pipelines.transports.http import Reply

READABLE = 600
"""Characters of a reply shown in a message; the whole reply is kept with the exchange."""
MESSAGE = 4096
"""Characters of one message; Rossum's platform limit."""

_SAID = frozenset([
    "detail", "details", "message", "messages", "msg", "error", "errors", "error_description",
    "title", "reason", "description", "fault", "faultstring",
])  # fmt: skip
"""Names under which APIs put what they have to say."""
_WHERE = ("field", "property", "attribute", "param", "path", "pointer")
"""Names under which they put what it speaks of."""
_INVISIBLE = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>")


def readable(reply: Reply) -> str:
    """The reply's own words, one line, at most READABLE characters: out of JSON its details, messages and errors, out
    of markup its text; empty where it has none."""
    text = decoded(reply)
    parsed = json_or_text(reply)
    if isinstance(parsed, dict | list):
        text = "; ".join(dict.fromkeys(_lines(parsed, "", said=False))) or text
    elif text.lstrip().startswith("<"):
        text = html.unescape(_INVISIBLE.sub(" ", text))
    text = " ".join(character if character.isprintable() else " " for character in text.split()).strip()
    return text if len(text) <= READABLE else f"{text[:READABLE]}…"


def decoded(reply: Reply) -> str:
    """The body as text, by the charset that it names, else UTF-8; what cannot be read becomes �."""
    found = re.search(r'charset="?([\w.:-]+)', reply.header("Content-Type") or "", re.IGNORECASE)
    try:
        return reply.body.decode(found[1] if found else "utf-8-sig", "replace")
    except LookupError:
        return reply.body.decode("utf-8", "replace")


def _lines(value: Any, name: str, *, said: bool, depth: int = 0) -> Iterator[str]:
    """One line for each text that stands under one of the names in _SAID, with the innermost name it stands under."""
    if depth > 10:
        return
    if isinstance(value, dict):
        told = [key for key in value if str(key).lower() in _SAID]
        where = next((str(value[key]) for key in _WHERE if isinstance(value.get(key), str)), name)
        for key, inner in value.items():
            if key in told:
                yield from _lines(inner, where, said=True, depth=depth + 1)
            elif said and not told:
                yield from _lines(inner, str(key), said=True, depth=depth + 1)
            elif isinstance(inner, dict | list):
                yield from _lines(inner, "", said=False, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value[:50]:
            yield from _lines(inner, name, said=said, depth=depth + 1)
    elif said and value not in (None, "") and not isinstance(value, bool):
        yield f"{name}: {value}" if name else str(value)


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Seconds from the Retry-After header, or from its date (RFC 9110, 10.2.3); None without a valid one."""
    value = (reply.header("Retry-After") or "").strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:12]), 10 * 365 * 86400))
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)


def documents(reply: Reply, *, headers: str | None, payload: str | None) -> dict[str, Blob]:
    """The reply as artifacts under these keys, in the form of reference/rossum.md 8.4, whatever its status."""
    kept: dict[str, Blob] = {}
    if headers:
        told = {"status_code": reply.status, "headers": by_name(reply), "raw": [list(pair) for pair in reply.headers]}
        kept[headers] = Blob.of(json.dumps(told).encode(), name=f"{headers}.json", media_type="application/json")
    if payload:
        media_type = (reply.header("Content-Type") or "").strip()
        if len(media_type) > 100:
            media_type = media_type.partition(";")[0][:100]
        kept[payload] = Blob.of(reply.body, name=payload, media_type=media_type or "application/octet-stream")
    return kept


def by_name(reply: Reply) -> dict[str, str]:
    """Headers by lower-case name with - as _, repeats joined by ", "."""
    headers: dict[str, str] = {}
    for name, value in reply.headers:
        known = name.lower().replace("-", "_")
        headers[known] = f"{headers[known]}, {value}" if known in headers else value
    return headers


def json_or_text(reply: Reply) -> Any:
    """The body's JSON, or its text where it is none."""
    text = decoded(reply)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def phrase(status: int) -> str:
    """`422 Unprocessable Content`, as far as the status has a name."""
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
