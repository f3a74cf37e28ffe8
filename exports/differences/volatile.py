"""Which changes come of sending twice: when it was sent, under which request id, with which token. They are set aside,
so that what a person must see is not lost among them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

HEADERS = frozenset({
    "age", "cf-ray", "connection", "content-length", "date", "etag", "expires", "idempotency-key", "keep-alive",
    "last-modified", "server-timing", "set-cookie", "cookie", "authorization", "traceparent", "tracestate", "via",
    "x-amz-id-2", "x-runtime", "x-response-time", "x-served-by", "x-timer", "x-cache", "x-idempotency-key", "report-to",
    "nel", "retry-after",
})  # fmt: skip
_HEADER = re.compile(
    r".*(?:request|correlation|trace|span|transaction|message|operation)-?id$|x-rate-?limit.*|rate-?limit.*|.*-date$"
    r"|.*(?:token|signature|nonce)$",
    re.IGNORECASE,
)

_MEMBER = re.compile(
    r"(?:idempotency_?key|nonce|trace_?id|span_?id|correlation_?id|request_?id|message_?id|transmission_?id"
    r"|sent_?(?:at|on|time)?|send_?(?:at|date|time)|timestamp|time_?stamp|generated_?(?:at|on)?|created_?(?:at|on)"
    r"|creation_?date_?time|exported_?(?:at|on)|server_?time|request_?time|(?:access_|refresh_|id_)?token|expires_?in"
    r"|signature|etag)",
    re.IGNORECASE,
)
"""Names of members and elements that say how and when something was sent, never what."""

NEAR = timedelta(minutes=15)
"""An instant this close to when its own attempt sent it is the time of sending, whatever it is called."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")
_ENDS = re.compile(r"[^\W\d](?:\w|-)*(?=(?:\[[^\]]*\]|/text\(\))*$)")


def is_header(name: str) -> bool:
    return name.lower() in HEADERS or bool(_HEADER.fullmatch(name))


def is_value(place: str, before: Any, after: Any, sent: tuple[datetime | None, datetime | None] = (None, None)) -> bool:
    """Whether a changed value says only that it was sent at another time. `sent` is when each side was."""
    name = _ENDS.search(place[-200:])
    if name is not None and _MEMBER.fullmatch(name[0].replace("-", "_")):
        return True
    return _is_time_of_sending(before, sent[0]) and _is_time_of_sending(after, sent[1])


def _is_time_of_sending(value: Any, sent: datetime | None) -> bool:
    if sent is None or not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return False
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return False
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return abs(at - sent) <= NEAR
