"""Extract: read values out of stored files, most often an API's reply, and write them into fields.

JSON by JMESPath, XML by XPath, reply headers by name, anything by regular expression; all of it in the sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from pipelines import conditions, paths
from pipelines.contract import Filled, Inbox, Message, Outcome, StageConfig, Tools
from pipelines.errors import Misconfigured, StageError
from pipelines.fields import MAX_VALUE, Node, Operation
from pipelines.problems import PlacedError
from pipelines.sandbox import exact

SENDS = False


class Rule(StageConfig):
    """One value and the field it goes to."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    value_path: Filled
    """Where the value is: a JMESPath (@ is the whole document), an XPath, a header's name or status_code, or a
    regular expression (its group named value, else its first group, else the whole match)."""
    target_schema_id: Filled
    """The schema id of the field that is overwritten."""


class Entry(StageConfig):
    """One stored file and what is read out of it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    format: Literal["json", "xml", "headers", "regex"] = "json"
    """How the file is read."""
    condition: str | bool | None = None
    """Skip this entry when the filled text is empty or false, for example "@{api_gate}"."""
    source_reference_key: str
    """The reference key of the file, as the stage that wrote it names it."""
    extract_rules: tuple[Rule, ...]
    """What is read, in order."""
    namespaces: dict[str, str] = Field(default_factory=dict)
    """For xml: the prefixes that the XPaths use, each with its namespace."""

    @field_validator("source_reference_key")
    @classmethod
    def _named(cls, key: str) -> str:
        if not key.strip():
            message = "The reference key is blank."
            raise ValueError(message)
        return key

    @model_validator(mode="after")
    def _readable(self) -> Entry:
        if self.namespaces and self.format != "xml":
            raise PlacedError("Namespaces are for the format xml: delete them, or set the format.", "namespaces")
        for index, rule in enumerate(self.extract_rules):
            wrong = paths.problem(self.format, rule.value_path, self.namespaces)
            if wrong:
                raise PlacedError(wrong, "extract_rules", index, "value_path")
        return self


class Config(StageConfig):
    """Entries are worked off in order; a later one overwrites an earlier one's field."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    extract: tuple[Entry, ...]
    """The files to read."""

    @field_validator("extract")
    @classmethod
    def _some(cls, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        if not entries:
            message = "There is nothing to extract: add an entry, or delete the stage."
            raise ValueError(message)
        return entries


def reads(config: Config) -> frozenset[str]:
    return frozenset(entry.source_reference_key for entry in config.extract)


def writes(config: Config) -> frozenset[str]:  # noqa: ARG001 - the signature of every kind
    return frozenset()


@dataclass
class _Work:
    """What the entries add up to."""

    operations: list[Operation] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome:
    """Raises Misconfigured where a target is no field of the document, or a path cannot be followed."""
    work = _Work()
    for index, entry in enumerate(config.extract):
        place = f"config.extract[{index}]"
        targets = [_target(rule, inbox, f"{place}.extract_rules[{i}]") for i, rule in enumerate(entry.extract_rules)]
        reason = conditions.skip_reason(entry.condition, inbox.fields)
        if reason:
            work.skipped.append(reason)
            continue
        try:
            values = list(_values(entry, inbox, tools, work.messages))
        except StageError as error:
            error.place = f"{place}, {error.place}" if error.place else place
            raise
        for rule, node, value in zip(entry.extract_rules, targets, values, strict=True):
            text = _cut(text_of(value), rule, work.messages)
            work.operations.append(_write(node, rule.target_schema_id, text))
    done = len(work.skipped) < len(config.extract)
    return Outcome(work.messages, work.operations, skipped="" if done else "; ".join(work.skipped))


def _values(entry: Entry, inbox: Inbox, tools: Tools, messages: list[Message]) -> Iterator[Any]:
    """One value a rule. What cannot be read empties its fields: an old run's value must not look like this run's."""
    from pipelines.sandbox import Unreadable

    artifact = inbox.artifacts.get(entry.source_reference_key)
    if artifact is None:
        text = f'There is no file "{entry.source_reference_key}", so the fields read from it are empty.'
        messages.append(Message("info", text))
        yield from (None for _ in entry.extract_rules)
        return
    source = artifact.read()
    rules = [{"path": rule.value_path, "namespaces": dict(entry.namespaces)} for rule in entry.extract_rules]
    try:
        yield from tools.sandbox.extract(rules, source, format=entry.format)
    except Unreadable as error:
        text = f'The file "{entry.source_reference_key}" cannot be read as {entry.format}: {error.message}'
        messages.append(Message("warning", text))
        whole = source.decode("utf-8-sig", "replace")
        yield from (whole if rule.value_path.strip() == "@" else None for rule in entry.extract_rules)


def text_of(value: Any) -> str:
    """A value as a field's text: 201 → "201", true → "true", nothing → "", lists and objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return exact.dumps(value)


def _cut(text: str, rule: Rule, messages: list[Message]) -> str:
    if len(text) <= MAX_VALUE:
        return text
    note = f"{rule.value_path} gave {len(text):,} characters; a field holds {MAX_VALUE:,}, the rest is cut off."
    messages.append(Message("warning", note, rule.target_schema_id))
    return text[:MAX_VALUE]


def _target(rule: Rule, inbox: Inbox, place: str) -> Node:
    """The datapoint that is overwritten. A cell of a table is one only while the table has one row."""
    found = [node for node in inbox.fields.find(rule.target_schema_id) if node.get("category") == "datapoint"]
    if len(found) == 1:
        return found[0]
    place = f"{place}.target_schema_id"
    if found:
        message = (
            f'The field "{rule.target_schema_id}" stands {len(found)} times in this document, once a row, '
            "and one value cannot be written to all. Use a field outside the table."
        )
        raise Misconfigured(message, place=place)
    known = {node["schema_id"] for node in inbox.fields.nodes() if node.get("category") == "datapoint"}
    near = get_close_matches(rule.target_schema_id, sorted(known), 1)
    message = (
        f'The document has no field "{rule.target_schema_id}".'
        f"{f' Did you mean {near[0]}?' if near else ''} Add it to the queue's schema, or correct the rule."
    )
    raise Misconfigured(message, place=place)


def _write(node: Node, schema_id: str, text: str) -> Operation:
    content: Mapping[str, Any] = {"content": {"value": text, "normalized_value": text}}
    return Operation("replace", id=node.get("id"), schema_id=schema_id, value=content)
