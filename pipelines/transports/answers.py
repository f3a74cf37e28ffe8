"""What a reply says: its text for people, when to try again, and what its status means."""

from __future__ import annotations

import codecs
import html
import json
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

from pipelines.blobs import Blob
from pipelines.fields import Content
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
_CHARSET = re.compile(r'charset="?([\w.:-]{1,40})', re.IGNORECASE)
_NO_CHARSETS = frozenset(["idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"])
"""What Python calls encodings and no reply is written in; the first two take the square of the length."""
LOOKED_AT = 256 * 1024
"""Bytes of a reply that are searched for its own words."""
_UNSEEN = re.compile(r"(script|style|head)\b", re.IGNORECASE)
"""Elements whose text is not the page's."""
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def readable(reply: Reply) -> str:
    """The reply's own words, one line, at most READABLE characters: out of JSON its details, messages and errors, out
    of markup its text; empty where it has none."""
    parsed = json_or_text(reply)
    text = decoded(reply, LOOKED_AT)
    if isinstance(parsed, dict | list):
        said = dict.fromkeys(islice(_lines(parsed, "", said=False), READABLE))
        text = "; ".join(said) or text
    elif text.lstrip().startswith("<"):
        text = html.unescape(" ".join(_outside_tags(text)))
    text = "".join(character if character.isprintable() else " " for character in " ".join(text.split()))
    text = " ".join(text.split())
    return text if len(text) <= READABLE else f"{text[:READABLE]}…"


def _outside_tags(text: str) -> Iterator[str]:
    """The pieces of a page that people would see. Each character is looked at once, however broken the page: a regular
    expression that skips to an end that never comes takes the square of the length, and with it the whole worker."""
    lower = text.translate(_LOWER)  # unlike lower() it keeps every character's place
    at = 0
    while (begin := text.find("<", at)) >= 0:
        yield text[at:begin]
        if text.startswith("<!--", begin):
            end = text.find("-->", begin + 4) + 2
        else:
            unseen = _UNSEEN.match(lower, begin + 1)
            close = lower.find(f"</{unseen[1]}", begin) if unseen else begin
            end = text.find(">", close) if close >= 0 else -1
        if end < begin:
            return  # it never ends: nothing after it is the page's
        at = end + 1
    yield text[at:]


def decoded(reply: Reply, most: int | None = None) -> str:
    """The body as text (its first `most` bytes), by the charset that it names, else UTF-8; what cannot be read
    becomes �."""
    found = _CHARSET.search(reply.header("Content-Type") or "")
    try:
        return reply.body[:most].decode(_charset(found[1]) if found else "utf-8-sig", "replace")
    except (LookupError, UnicodeError):
        return reply.body[:most].decode("utf-8", "replace")


def _charset(name: str) -> str:
    """Raises LookupError where it names none in which replies are written."""
    known = codecs.lookup(name).name
    if known.replace("-", "_") in _NO_CHARSETS:
        raise LookupError(name)
    return "utf-8-sig" if known == "utf-8" else known


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
    """The reply as artifacts under these keys, in the form of docs/stages/rest_api.md, whatever its status."""
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


def holds(found: Collection[int] | str, reply: Reply, fields: Content, *, place: str) -> bool:
    """Whether a reply is what was hoped for: by its status, or by an expression over `status`, `body`, `headers` and
    `field`. Raises Misconfigured at `place`."""
    if not isinstance(found, str):
        return reply.status in found
    from pipelines import expressions

    names = {"status": reply.status, "body": json_or_text(reply), "headers": by_name(reply), "field": fields.values}
    return bool(expressions.parse(found, place=place).evaluate(names))
