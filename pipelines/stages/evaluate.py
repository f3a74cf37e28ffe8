"""Evaluate: judge whether the export succeeded, from fields and stored replies, and say so in words.

A message of the type error fails the export; warnings and infos do not. Expressions are our own small language, never
Python's eval (docs/stages/expressions.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from pipelines import expressions, jsontemplates, paths
from pipelines.contract import Filled, Inbox, Message, MessageType, Outcome, StageConfig, Tools
from pipelines.errors import Misconfigured, Rejected
from pipelines.replyerrors import Judgement, judge
from pipelines.typedfields import Fields

SENDS = False


def _an_expression(text: str) -> str:
    if text.strip():
        try:
            expressions.parse(text)
        except Misconfigured as error:
            raise ValueError(error.message) from None
    return text


class Check(StageConfig):
    """One sentence about the document, said when its condition holds."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    condition: Filled
    """An expression, for example field.api1_status_code >= 400."""
    type: Literal["error", "warning", "info"] = "error"
    """What the message is: an error fails the export."""
    message: Filled
    """What is said when the condition holds; @{field} placeholders allowed."""
    field: str = ""
    """The schema id of the field that the message is shown at; without it, the whole document."""

    @field_validator("condition")
    @classmethod
    def _readable(cls, text: str) -> str:
        return _an_expression(text)


class ReplyCheck(StageConfig):
    """One call's stored reply: its status, and the errors that its body lists."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    call: str
    """What the messages call it, for example "Create invoice"."""
    status_code_field: str = ""
    """The schema id of the field that holds the status code; or give headers_reference_key."""
    headers_reference_key: str = ""
    """The reference key of the stored reply headers, which hold the status code."""
    payload_field: str = ""
    """The schema id of the field that holds the reply's body; or give payload_reference_key."""
    payload_reference_key: str = ""
    """The reference key of the stored reply body."""
    errors_path: str = "errors"
    """JMESPath to the errors in the body: a text, a list, or an object of texts or lists by key."""
    failed_from: int = Field(default=400, ge=0, le=1000)
    """Statuses from this number up are judged. 0 looks into every reply: then only errors that it lists count below
    400."""
    type: Literal["error", "warning"] = "error"
    """What the messages are: an error fails the export."""
    fallback: str = "{call} was answered with status {status}, and the reply names no reason."
    """What is said when the body lists no error; {call}, {status} and @{field} placeholders allowed."""
    required: bool = False
    """Without a status the call was not made. True: say so with this type; false: that is in order."""

    @field_validator("errors_path")
    @classmethod
    def _readable(cls, path: str) -> str:
        wrong = paths.problem("json", path)
        if wrong:
            raise ValueError(wrong)
        return path

    @model_validator(mode="after")
    def _one_source_each(self) -> ReplyCheck:
        if bool(self.status_code_field) == bool(self.headers_reference_key):
            message = "Say once where the status code is: status_code_field or headers_reference_key."
            raise ValueError(message)
        if self.payload_field and self.payload_reference_key:
            message = "Say once where the reply's body is: payload_field or payload_reference_key."
            raise ValueError(message)
        return self


class Config(StageConfig):
    """The condition of the simplest form, checks, and replies to look into; at least one of them."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    condition: str = ""
    """The export has failed when this expression holds, for example r.field.api1_status_code != '201'."""
    message: str = ""
    """What is said then; @{field} placeholders allowed. Without it: the condition and the values it read."""
    checks: tuple[Check, ...] = ()
    """Further conditions, each with its own message."""
    replies: tuple[ReplyCheck, ...] = ()
    """Calls whose stored replies are looked into for errors."""

    @field_validator("condition")
    @classmethod
    def _readable(cls, text: str) -> str:
        return _an_expression(text)

    @model_validator(mode="after")
    def _something(self) -> Config:
        if not (self.condition.strip() or self.checks or self.replies):
            message = "There is nothing to judge by: give condition, checks or replies."
            raise ValueError(message)
        return self


def reads(config: Config) -> frozenset[str]:
    keys = (key for reply in config.replies for key in (reply.headers_reference_key, reply.payload_reference_key))
    return frozenset(key for key in keys if key)


def writes(config: Config) -> frozenset[str]:  # noqa: ARG001 - the signature of every kind
    return frozenset()


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome:
    """Messages only. Raises Misconfigured where an expression asks for what there is not."""
    return Outcome(list(_messages(config, inbox, tools)))


def _messages(config: Config, inbox: Inbox, tools: Tools) -> Iterator[Message]:
    fields = Fields(inbox.fields, inbox.schema)
    if config.condition.strip():
        yield from _judged(config.condition, config.message, "error", "", "config.condition", fields, inbox)
    for index, check in enumerate(config.checks):
        place = f"config.checks[{index}].condition"
        yield from _judged(check.condition, check.message, check.type, check.field, place, fields, inbox)
    for index, reply in enumerate(config.replies):
        try:
            yield from judge(_judgement(reply), inbox, tools)
        except Misconfigured as error:
            error.place = f"config.replies[{index}]" + (f", {error.place}" if error.place else "")
            raise


def _judged(
    condition: str, message: str, kind: MessageType, field: str, place: str, fields: Fields, inbox: Inbox
) -> Iterator[Message]:
    expression = expressions.parse(condition, place=place)
    try:
        holds = expression.evaluate(expressions.names_for(fields, payload=inbox.payload))
    except Rejected as error:
        unable: MessageType = "error" if kind == "error" else "warning"
        yield Message(unable, f"This cannot be judged: {error}", field)
        return
    except Misconfigured as error:
        error.place = place
        raise
    if holds:
        text = jsontemplates.fill_text(message, inbox.fields) if message.strip() else _explained(expression, inbox)
        yield Message(kind, text, field)


def _explained(expression: expressions.Expression, inbox: Inbox) -> str:
    """The condition, and what its fields hold, for who must act on it without opening the pipeline."""
    values = [f'{name} is "{inbox.fields.text(name) or ""}"' for name in sorted(expression.reads)]
    return f"The export failed, because {expression.text.strip()}" + (f" ({', '.join(values)})." if values else ".")


def _judgement(reply: ReplyCheck) -> Judgement:
    return Judgement(
        call=reply.call,
        status_field=reply.status_code_field,
        headers_key=reply.headers_reference_key,
        body_field=reply.payload_field,
        body_key=reply.payload_reference_key,
        errors_path=reply.errors_path,
        failed_from=reply.failed_from,
        kind=reply.type,
        fallback=reply.fallback,
        required=reply.required,
    )
