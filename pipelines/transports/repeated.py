"""A request that an earlier attempt sent, put together once more: its bytes as they were, what lets it in made afresh.

How a request is first put together lives in `pipelines/transports/calls.py`.
"""

from __future__ import annotations

from pipelines.contract import Sent
from pipelines.errors import Misconfigured
from pipelines.redaction import HIDDEN, SENSITIVE_HEADER
from pipelines.transports import calls
from pipelines.transports.calls import RequestBlock
from pipelines.transports.http import Request
from pipelines.transports.placeholders import Filling

_HIDDEN = (HIDDEN[:-1], "%5bsecret")


def holds_a_secret(text: str) -> bool:
    """Whether something was hidden in a text before it was kept."""
    return any(mark in text.lower() for mark in _HIDDEN)


def compose(
    sent: Sent, block: RequestBlock, filling: Filling, *, bearer: bool, timeout: float, idempotency_header: str
) -> Request:
    """The same method, address, headers, key and body. Raises Misconfigured where a header that was hidden is not made
    by the config."""
    headers: dict[str, str] = {}
    for name, value in sent.headers:
        if idempotency_header and name.lower() == idempotency_header.lower() and sent.idempotency_key:
            headers[name] = sent.idempotency_key
        elif SENSITIVE_HEADER.fullmatch(name) or holds_a_secret(value):
            headers[name] = _afresh(name, block, filling, bearer=bearer)
        else:
            headers[name] = value
    return Request(sent.method, sent.url, headers, sent.body, sent.parts, timeout, idempotency_header)


def _afresh(name: str, block: RequestBlock, filling: Filling, *, bearer: bool) -> str:
    place = f"config.request.headers.{name}"
    if configured := block.header(name.lower()):
        return calls.header(name, filling.text(configured, place), configured, "config.request")
    if name.lower() == "authorization":
        if bearer:
            return calls.bearer_of(filling)
        if basic := calls.without_user(filling.url(block.url, "config.request.url"), block.url)[1]:
            return basic
    message = f"The header {name} was hidden when it was kept, and the config does not make it any more."
    raise Misconfigured(message, place=place)
