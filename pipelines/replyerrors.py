"""The errors that a stored reply lists, as messages: one for every text, naming the call and the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines import jsontemplates
from pipelines.contract import Inbox, Message, MessageType, Tools
from pipelines.sandbox import Unreadable, exact

MOST = 50
"""Messages of one reply; how many more there were is said."""
LONGEST = 4000
"""Characters of one message; Rossum takes 4096."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one call is judged. Exactly one of `status_field` and `headers_key`, at most one of the two for the body."""

    call: str
    status_field: str
    headers_key: str
    body_field: str
    body_key: str
    errors_path: str
    failed_from: int
    kind: MessageType
    fallback: str
    required: bool


def judge(one: Judgement, inbox: Inbox, tools: Tools) -> Iterator[Message]:
    """Nothing where the call went well, or was not made and need not be."""
    try:
        text = _status(one, inbox, tools)
    except Unreadable:
        yield Message(one.kind, f"{one.call}: the file {one.headers_key} holds no reply headers.")
        return
    if not text:
        if one.required:
            yield Message(one.kind, f"{one.call}: there is no status code, so the call was not made or not answered.")
        return
    try:
        status = int(text)
    except ValueError:
        yield Message(one.kind, f'{one.call}: "{text[:60]}" is no status code.', one.status_field)
        return
    if status < one.failed_from:
        return
    texts = list(flatten(_errors(one, inbox, tools)))
    for key, said in texts[:MOST]:
        yield Message(one.kind, _cut(f"{one.call}: {key}: {said}" if key else f"{one.call}: {said}"))
    if len(texts) > MOST:
        yield Message(one.kind, f"{one.call}: and {len(texts) - MOST} more errors, see the reply.")
    if not texts and status >= 400:
        filled = one.fallback.replace("{call}", one.call).replace("{status}", str(status))
        yield Message(one.kind, _cut(jsontemplates.fill_text(filled, inbox.fields)))


def _status(one: Judgement, inbox: Inbox, tools: Tools) -> str:
    if one.status_field:
        return (inbox.fields.text(one.status_field) or "").strip()
    blob = inbox.artifacts.get(one.headers_key)
    if blob is None:
        return ""
    [status] = tools.sandbox.extract([{"path": "status_code"}], blob.read(), format="headers")
    return "" if status is None else str(status)


def _errors(one: Judgement, inbox: Inbox, tools: Tools) -> Any:
    """What stands at the path to the errors; None where there is no body, or none that is JSON."""
    if one.body_field:
        source = (inbox.fields.text(one.body_field) or "").encode()
    else:
        blob = inbox.artifacts.get(one.body_key) if one.body_key else None
        source = blob.read() if blob is not None else b""
    if not source.strip():
        return None
    try:
        [found] = tools.sandbox.extract([{"path": one.errors_path}], source, format="json")
    except Unreadable:  # no JSON: an HTML page of a proxy, or a body that a field cut off; the fallback speaks
        return None
    return found


def flatten(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(key, text) of every text: lists are walked, an object's keys are joined by dots."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from flatten(member, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for member in value:
            yield from flatten(member, key)
    elif isinstance(value, str):
        if value.strip():
            yield key, value.strip()
    elif value is not None:
        yield key, exact.dumps(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
