"""What a Rossum hook sends to an extension: its signature, its payload read and checked. Pure.

Shapes and rules are those of Rossum's webhook events (annotation_content.export and annotation_status.changed).
Whatever is wrong is a PayloadError that names the place; nothing that it says repeats a secret or the token.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from pipelines import rossumrules
from pipelines.rossumhooks import KINDS as KINDS
from pipelines.rossumhooks import PURGE as PURGE
from pipelines.rossumhooks import STORAGE as STORAGE
from pipelines.rossumhooks import STORAGE_PATH as STORAGE_PATH
from pipelines.rossumhooks import TITLES as TITLES
from pipelines.rossumhooks import of_host as of_host

KEPT_AS = "rossum.payload"
"""The reference key under which a document keeps the payload that it came with, token and secrets left out."""

EXPORT, CHANGED = "annotation_content.export", "annotation_status.changed"
SIGNATURE = "X-Rossum-Signature-SHA256"
FRESH = timedelta(hours=2)
"""How old a call may be. Calls are remembered longer than that, so none can be played again."""
AHEAD = timedelta(minutes=10)
"""How far ahead of ours the other clock may be."""
DEEPEST = 60


class PayloadError(ValueError):
    """The payload lacks something, or something in it cannot be."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call, read. `token` and `secrets` are never shown, never logged; the token is never stored."""

    extension: str
    request_id: str
    base_url: str
    hook: str
    event: str
    annotation: Mapping[str, Any]
    annotation_id: int
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    payload: Mapping[str, Any] = field(repr=False)
    """The whole, as it came."""

    @property
    def api(self) -> str:
        """The root of Rossum's API."""
        return f"{self.base_url}/api/v1"

    @property
    def annotation_url(self) -> str:
        return f"{self.api}/annotations/{self.annotation_id}"

    @property
    def document(self) -> Mapping[str, Any]:
        document = self.payload.get("document")
        return document if isinstance(document, Mapping) else {}

    @property
    def document_id(self) -> int | None:
        given = self.document.get("id")
        return given if _an_id(given) else id_of(self.annotation.get("document"))

    @property
    def schema(self) -> list[dict[str, Any]] | None:
        """The sections of the first sideloaded schema; None where none came along."""
        schemas = self.payload.get("schemas")
        first = schemas[0] if isinstance(schemas, list) and schemas else None
        content = first.get("content") if isinstance(first, Mapping) else None
        return content if isinstance(content, list) else None

    @property
    def fingerprint(self) -> str:
        """sha256 of what asks for the work: the same request id with another one is another call."""
        told = json.dumps([self.event, self.annotation_id, self.settings], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def clean(self) -> dict[str, Any]:
        """The payload as it may be kept and read by templates: without token and secrets, and without what is kept
        elsewhere (the fields and the schema)."""
        left_out = {"secrets", "rossum_authorization_token", "schemas"}
        kept = {key: value for key, value in self.payload.items() if key not in left_out}
        kept["annotation"] = {key: value for key, value in self.annotation.items() if key != "content"}
        return kept


def signed(body: bytes, header: str, secrets: Sequence[bytes]) -> bool:
    """Whether the header is the signature of these very bytes by one of the secrets; every secret takes its time."""
    given = header.strip().lower().encode("ascii", "replace")
    good = False
    for secret in secrets:
        expected = b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
        good = hmac.compare_digest(expected, given) or good
    return good


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises PayloadError."""
    try:
        given = json.loads(body.decode(), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise PayloadError("", "The body is no UTF-8 text.") from None
    except (ValueError, RecursionError):
        raise PayloadError("", "The body is no JSON.") from None
    if not isinstance(given, dict):
        raise PayloadError("", "The body must be one JSON object, a hook's payload.")
    for place, text in _texts(given):
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise PayloadError(place, "This holds a character that no text has.")
    return given


def origin_of(payload: Mapping[str, Any]) -> str:
    """`base_url` in one spelling. Raises PayloadError."""
    given = payload.get("base_url")
    if not isinstance(given, str) or not given:
        raise PayloadError("base_url", "This is missing: the address of the Rossum API that calls.")
    try:
        return rossumrules.origin(given)
    except ValueError as error:
        raise PayloadError("base_url", str(error)) from None


def read(extension: str, payload: Mapping[str, Any], now: datetime) -> HookCall:
    """The call that a payload makes. Raises PayloadError naming the first thing that is missing or wrong."""
    base_url = origin_of(payload)
    event = f"{_text(payload, 'event')}.{_text(payload, 'action')}"
    if event != EXPORT and not (event == CHANGED and extension == PURGE):
        wanted = f"{EXPORT} or {CHANGED}" if extension == PURGE else EXPORT
        raise PayloadError("event", f"{TITLES[extension]} is called on {wanted}, not on {event[:100]}.")
    _check_age(_text(payload, "timestamp"), now)
    hook = _text(payload, "hook", most=500)
    if not hook.startswith(f"{base_url}/") or id_of(hook) is None:
        raise PayloadError("hook", "This must be the hook's own address below base_url, ending in its id.")
    annotation = payload.get("annotation")
    if not isinstance(annotation, dict):
        raise PayloadError("annotation", "This is missing: the annotation that is exported.")
    number = annotation.get("id")
    if not _an_id(number):
        raise PayloadError("annotation.id", "This must be the annotation's id, a whole number.")
    if event == EXPORT and not isinstance(annotation.get("content"), list):
        raise PayloadError("annotation.content", "This must be the list of sections with the captured fields.")
    settings = payload.get("settings") or {}
    if not isinstance(settings, dict):
        raise PayloadError("settings", "This must be an object: the hook's configuration.")
    return HookCall(
        extension=extension,
        request_id=_text(payload, "request_id", most=100),
        base_url=base_url,
        hook=hook,
        event=event,
        annotation=annotation,
        annotation_id=number,
        settings=settings,
        secrets=dict(_secrets(payload.get("secrets"))),
        token=_text(payload, "rossum_authorization_token", most=4000, needed=False),
        payload=payload,
    )


def id_of(url: Any) -> int | None:
    """The whole number in the last segment of an address; None where there is none."""
    last = url.rstrip("/").rpartition("/")[2] if isinstance(url, str) else ""
    return int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None


def annotation_id_in(kept: bytes, otherwise: int) -> int:
    """The annotation's id at Rossum, out of a payload as it is kept: file names and templates show that one."""
    try:
        number = json.loads(kept)["annotation"]["id"]
    except (ValueError, KeyError, TypeError):
        return otherwise
    return number if _an_id(number) else otherwise


def message(content: str, kind: str = "error", node: int | str | None = None) -> dict[str, Any]:
    """A message as hooks reply it; without a node it speaks of the whole document."""
    said = {"type": kind, "content": content[:4096]}
    return said if node is None else {**said, "id": node}


def _secrets(given: Any) -> Iterator[tuple[str, str]]:
    if given is None:
        return
    if not isinstance(given, dict):
        raise PayloadError("secrets", "This must be an object of texts.")
    for name, value in given.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield name, str(value)
        elif value is not None:
            raise PayloadError("secrets", "Every secret is one text.")


def _check_age(text: str, now: datetime) -> None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise PayloadError("timestamp", "This is no moment such as 2026-03-02T09:11:00.000000Z.") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if not now - FRESH <= at <= now + AHEAD:
        raise PayloadError("timestamp", "The call is too old or from the future: compare both clocks.")


def _text(payload: Mapping[str, Any], key: str, *, most: int = 200, needed: bool = True) -> str:
    given = payload.get(key)
    if given is None and not needed:
        return ""
    if not isinstance(given, str) or not given or len(given) > most or not given.isprintable():
        raise PayloadError(key, f"This must be a text of 1 to {most} printable characters.")
    return given


def _an_id(given: Any) -> TypeGuard[int]:
    return isinstance(given, int) and not isinstance(given, bool) and 0 < given < 10**18


def _no_number(text: str) -> None:
    raise ValueError(text)


def _texts(given: Any) -> Iterator[tuple[str, str]]:
    """Every text with its place. Raises PayloadError where it is nested too deep for anybody to mean it."""
    stack: list[tuple[str, Any, int]] = [("", given, 0)]
    while stack:
        place, value, depth = stack.pop()
        if depth > DEEPEST:
            raise PayloadError(place[:200], f"This is nested more than {DEEPEST} levels deep.")
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, dict):
            for key, member in value.items():
                yield place, key
                stack.append((f"{place}.{key}"[:200].lstrip("."), member, depth + 1))
        elif isinstance(value, list):
            stack.extend((f"{place}[{index}]"[:200], item, depth + 1) for index, item in enumerate(value))
