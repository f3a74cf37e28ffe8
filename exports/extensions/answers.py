"""What a hook is answered: the messages and operations of the attempt that its call became, in Rossum's own form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from exports.models import Attempt, StageRun
from exports.states import State
from exports.wire.rossum.hookpayload import message
from pipelines.fields import Content

Reply = dict[str, Any]
"""`messages` and `operations`, each there only where it holds something; messages always."""


def of(attempt: Attempt, stage: str, fields: Content, *, adopted: bool = False) -> Reply:
    """The reply of an attempt that has ended. `fields` is the tree that Rossum sent, whose ids operations name."""
    run = StageRun.objects.filter(attempt=attempt, name=stage).first()
    messages = list(_messages(run, fields)) if run is not None else []
    if attempt.state == State.SUCCEEDED:
        messages = [said for said in messages if said["type"] != "error"]  # a person has settled what it was about
        if adopted:
            told = f"This was sent before (attempt {attempt.number} in Waybill) and is not sent again."
            messages.append(message(told, "info"))
    elif attempt.state == State.CANCELLED:
        messages.append(message("The export was cancelled in Waybill."))
    elif not any(said["type"] == "error" for said in messages):
        messages.append(message(attempt.message or "The export has failed. Waybill shows why."))
    reply: Reply = {"messages": messages}
    if run is not None and (operations := list(_operations(run, fields))):
        reply["operations"] = operations
    return reply


def failed(reply: Reply) -> bool:
    """Whether Rossum takes the export as failed by it."""
    return any(said["type"] == "error" for said in reply["messages"])


def error(*texts: str) -> Reply:
    return {"messages": [message(text) for text in texts]}


def _messages(run: StageRun, fields: Content) -> Iterator[dict[str, Any]]:
    for said in run.messages:
        found = fields.find(said["field"]) if said["field"] else []
        yield message(said["content"], said["type"], found[0].get("id") if found else None)


def _operations(run: StageRun, fields: Content) -> Iterator[dict[str, Any]]:
    for operation in run.operations:
        node = operation.get("id")
        if node is None and (named := fields.datapoint(operation.get("schema_id") or "")) is not None:
            node = named.get("id")
        if node is None:
            continue
        kept: dict[str, Any] = {"op": operation["op"], "id": node}
        if operation["op"] != "remove":
            kept["value"] = _value(operation["value"])
        yield kept


def _value(value: Any) -> Any:
    """Without `normalized_value`: Rossum makes it by the field's type, and leaves a field alone where ours differs."""
    if isinstance(value, list):
        return [_value(cell) for cell in value]
    if isinstance(value, Mapping) and isinstance(value.get("content"), Mapping):
        content = {key: given for key, given in value["content"].items() if key != "normalized_value"}
        return {**value, "content": content}
    return value
