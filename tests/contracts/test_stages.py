"""One suite for every stage kind, whichever the registry names: each example of its docs page is put through it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from types import GeneratorType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines import configs, fields, shapes, stages
from pipelines.blobs import Blob
from pipelines.contract import DocumentFacts, Inbox, Message, Outcome, Recovery
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable, Unconfirmed
from pipelines.fields import Operation
from tests.contracts.tools import NOW, ScriptedTools, answer
from tests.house import tree

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NASTY = (
    "", " ", "0", "null", "-1", "1e400", "NaN", "\x00", "a\r\nX-Evil: 1", "{{ 7 * 7 }}", "{% for a in b %}", "@{x}", "${x}",
    "{secret.password}", "../../etc/passwd", "..\\..\\a", "/abs", "=1+1", "<a>&amp;</a>", "]]>", "'; DROP TABLE x; --",
    "\ud7ff\ue000", "e\u0301", "\u202egpj.exe", "🧾" * 40, "x" * 1500, '{"a": {"a": {"a": 1}}}', "[" * 400, "__class__",
)  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(max_size=60)
REPLIES = (
    st.binary(max_size=200)
    | st.sampled_from(
        [b"", b"null", b"[]", b"{", b'{"a":', b"\xff\xfe\x00", b"<html>", b"<?xml version='1.0'?><a/>", b"[" * 5000]
    )
    | st.recursive(
        st.none() | st.booleans() | st.floats() | TEXTS, lambda inner: st.lists(inner, max_size=3), max_leaves=8
    ).map(lambda value: json.dumps(value).encode())
)
ERRORS = (Rejected("no"), Misconfigured("wrong"), Unavailable("away"), Unconfirmed("who knows"))


@pytest.fixture(params=stages.KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def module(kind):
    return stages.get(kind)


def examples(kind: str) -> list[dict[str, Any]]:
    """The JSON of the docs page that is a whole config of this kind."""
    blocks = re.findall(r"```json\n(.*?)```", tree.read(tree.Path(f"docs/stages/{kind}.md")), re.DOTALL)
    parsed = [configs.parse("example", stages.get(kind), block) for block in blocks]
    found = [one.raw for one in parsed if one.config is not None]
    assert found, f"docs/stages/{kind}.md shows no whole config that is accepted"
    return found


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object schema inside a JSON Schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def inbox(
    config: Any, module: Any, value: str = "2026-11-23", artifact: bytes = b'{"id": 7}', status: str = "exporting"
) -> Inbox:
    """A document whose every field is `value`, with `artifact` under every key that the config reads."""
    names = ("number", "supplier", "amount_total", "currency", "date_issue", "note")
    content = shapes.parse({**dict.fromkeys(names, value), "line_items": [{"item": value, "amount": value}]})
    facts = DocumentFacts(7, value or "ext", f"{value}.pdf", "application/pdf", status, 3, value, NOW, {"key": value})
    return Inbox(
        stage="tried",
        document=facts,
        fields=content,
        artifacts={
            key: Blob.of(artifact, name="a.json", media_type="application/json") for key in module.reads(config)
        },
        original=Blob.of(b"%PDF-1.4 original", name="a.pdf", media_type="application/pdf"),
    )


def ends(module: Any, config: Any, box: Inbox, tools: ScriptedTools) -> Outcome | StageError:
    """What came of a run; any exception that is none of the four errors is a failure of the kind."""
    result: Any
    try:
        result = module.run(config, box, tools)
        while isinstance(result, GeneratorType):
            try:
                next(result)
            except StopIteration as stop:
                result = stop.value
    except StageError as error:
        result = error
    if isinstance(result, StageError):
        assert type(result) in {type(known) for known in ERRORS}, "one of the four says what to do next"
        assert result.message.strip()
    else:
        assert isinstance(result, Outcome)
    return result


def test_every_object_of_the_config_is_closed(module):
    open_ones = [
        part.get("title")
        for part in objects(module.Config.model_json_schema())
        if part.get("additionalProperties") is not False
    ]

    assert open_ones == []


def test_every_option_is_described(module):
    schema = module.Config.model_json_schema()
    silent = []
    for part in objects(schema):
        for name, option in part["properties"].items():
            named = schema.get("$defs", {}).get(option.get("$ref", "").rpartition("/")[2], {})
            if not option.get("description") and not named.get("description"):
                silent.append(f"{part.get('title')}.{name}")

    assert silent == []


def test_an_unknown_option_is_refused_by_name(kind, module):
    for example in examples(kind):
        with pytest.raises(ValidationError, match="no_such_option"):
            module.Config.model_validate({**example, "no_such_option": 1})


def test_a_config_never_changes(kind, module):
    config = module.Config.model_validate(examples(kind)[0])
    name = next(iter(module.Config.model_fields))

    with pytest.raises(ValidationError):
        setattr(config, name, None)


def test_reads_and_writes_are_sets_of_keys(kind, module):
    for example in examples(kind):
        config = module.Config.model_validate(example)
        for keys in (module.reads(config), module.writes(config)):
            assert isinstance(keys, set | frozenset)
            assert all(isinstance(key, str) and key for key in keys)
        assert module.reads(config) == module.reads(config)
        assert module.writes(config) == module.writes(config)


def test_a_kind_that_sends_says_how_it_recovers(module):
    if module.SENDS:
        assert Recovery(module.RECOVERY) in set(Recovery)


def test_a_run_writes_no_more_than_it_said(kind, module):
    for example in examples(kind):
        config = module.Config.model_validate(example)

        outcome = ends(module, config, inbox(config, module), ScriptedTools())

        if isinstance(outcome, Outcome):
            assert set(outcome.artifacts) <= set(module.writes(config))
            assert all(isinstance(operation, Operation) for operation in outcome.operations)
            assert all(isinstance(message, Message) for message in outcome.messages)


def test_a_kind_that_does_not_send_sends_nothing(kind, module):
    for example in examples(kind):
        config = module.Config.model_validate(example)
        tools = ScriptedTools()

        ends(module, config, inbox(config, module), tools)

        if not module.SENDS:
            assert (tools.sent, tools.delivered) == ([], [])


def test_an_empty_inbox_ends_in_words(kind, module):
    for example in examples(kind):
        config = module.Config.model_validate(example)
        facts = DocumentFacts(1, "", "", "", "exporting", 1, "", NOW)

        ends(module, config, Inbox("tried", facts, fields.Content([]), {}), ScriptedTools())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_the_transport_says_is_not_turned_into_something_else(kind, module, error):
    if not module.SENDS:
        return

    def fail(_: Any) -> Any:
        raise error

    for example in examples(kind):
        config = module.Config.model_validate(example)
        tools = ScriptedTools(fail, store_fails=error)

        outcome = ends(module, config, inbox(config, module), tools)

        if tools.sent or tools.delivered:
            assert isinstance(outcome, type(error))


@QUICK
@given(value=TEXTS)
def test_no_field_value_breaks_a_run_or_is_changed_by_it(kind, module, value):
    for example in examples(kind):
        config = module.Config.model_validate(example)
        box = inbox(config, module, value=value)
        before = copy.deepcopy(
            (box.fields.sections, box.document.metadata, {k: b.sha256 for k, b in box.artifacts.items()})
        )

        ends(module, config, box, ScriptedTools())

        assert (box.fields.sections, box.document.metadata, {k: b.sha256 for k, b in box.artifacts.items()}) == before


@QUICK
@given(body=REPLIES, status=st.integers(100, 599))
def test_no_answer_breaks_a_run(kind, module, body, status):
    for example in examples(kind):
        config = module.Config.model_validate(example)
        tools = ScriptedTools(lambda _: answer(status, body))

        ends(module, config, inbox(config, module, artifact=body), tools)
