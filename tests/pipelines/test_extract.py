"""Extract: what is written into which field, and what is said when there is nothing to write."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from pipelines.errors import Misconfigured
from pipelines.fields import text_of
from pipelines.stages import extract
from tests.pipelines.boxes import inbox, run, said, written

FIELDS = {
    "status": "old", "invoice_id": "old", "all": "old", "gate": "", "line_items": [{"code": "a"}, {"code": "b"}],
    "single": [{"only": "x"}],
}  # fmt: skip
HEADERS = json.dumps(
    {
        "status_code": 201,
        "headers": {"location": "/inv/77"},
        "raw": [["Location", "/inv/77"], ["X-A", "1"], ["X-A", "2"]],
    }
).encode()


def entry(*rules: tuple[str, str], source: str = "reply", **options) -> dict:
    named = [{"value_path": path, "target_schema_id": target} for path, target in rules]
    return {"source_reference_key": source, "extract_rules": named, **options}


def test_values_of_a_reply_become_fields():
    config = {
        "extract": [
            entry(("status_code", "status"), ("headers.location", "invoice_id"), ("@", "all"), source="headers")
        ]
    }
    box = inbox(FIELDS, {"headers": HEADERS})

    outcome = run(extract, config, box)

    assert written(outcome) == {"status": "201", "invoice_id": "/inv/77", "all": HEADERS.decode()}
    after, warnings = box.fields.apply(outcome.operations)
    assert (after.text("status"), after.text("invoice_id"), warnings) == ("201", "/inv/77", [])
    assert extract.reads(extract.Config.model_validate(config)) == {"headers"}


@pytest.mark.parametrize(
    ("body", "path", "text"),
    [
        (b'{"a": 201}', "a", "201"),
        (b'{"a": 1250.40}', "a", "1250.40"),
        (b'{"a": true}', "a", "true"),
        (b'{"a": null}', "a", ""),
        (b"{}", "a", ""),
        (b'{"a": ""}', "a", ""),
        (b'{"a": ["x", 1.10]}', "a", '["x", 1.10]'),
        ('{"a": {"b": "é"}}'.encode(), "a", '{"b": "é"}'),
        (b'{"a": [1, 2]}', "length(a)", "2"),
        (b'{"errors": [{"m": "x"}, {"m": "y"}]}', "join(', ', errors[].m)", "x, y"),
    ],
)
def test_a_value_becomes_text(body, path, text):
    assert written(run(extract, {"extract": [entry((path, "status"))]}, inbox(FIELDS, {"reply": body}))) == {
        "status": text
    }


@pytest.mark.parametrize(
    ("options", "path", "text"),
    [
        ({"format": "xml"}, "/r/id", "7"),
        ({"format": "xml", "namespaces": {"n": "urn:n"}}, "//n:x", "ns"),
        ({"format": "xml"}, "count(//id)", "1"),
        ({"format": "regex"}, "<id>(.*?)</id>", "7"),
        ({"format": "regex"}, r"(?P<value>\d)</id>", "7"),
    ],
)
def test_other_formats(options, path, text):
    body = b'<r><id>7</id><x xmlns="urn:n">ns</x></r>'

    assert written(run(extract, {"extract": [entry((path, "status"), **options)]}, inbox(FIELDS, {"reply": body}))) == {
        "status": text
    }


def test_headers_by_name():
    config = {
        "extract": [entry(("x-a", "status"), ("LOCATION", "invoice_id"), ("none", "all"), source="h", format="headers")]
    }

    assert written(run(extract, config, inbox(FIELDS, {"h": HEADERS}))) == {
        "status": "1, 2",
        "invoice_id": "/inv/77",
        "all": "",
    }


def test_a_missing_file_empties_its_fields_and_says_so():
    outcome = run(extract, {"extract": [entry(("a", "status"), ("@", "all"))]}, inbox(FIELDS))

    assert written(outcome) == {"status": "", "all": ""}
    assert said(outcome) == [("info", 'There is no file "reply", so the fields read from it are empty.')]


def test_a_file_of_another_format_empties_its_fields_and_keeps_the_whole_text():
    outcome = run(
        extract, {"extract": [entry(("a", "status"), ("@", "all"))]}, inbox(FIELDS, {"reply": b"<html>busy</html>"})
    )

    assert written(outcome) == {"status": "", "all": "<html>busy</html>"}
    [(kind, text)] = said(outcome)
    assert kind == "warning"
    assert text.startswith('The file "reply" cannot be read as json')


def test_a_text_that_is_too_long_is_cut_with_a_warning():
    outcome = run(
        extract, {"extract": [entry(("a", "all"))]}, inbox(FIELDS, {"reply": json.dumps({"a": "x" * 1501}).encode()})
    )

    assert written(outcome) == {"all": "x" * 1500}
    assert said(outcome) == [("warning", "a gave 1,501 characters; a field holds 1,500, the rest is cut off.")]


def test_an_entry_whose_condition_does_not_hold_leaves_its_fields_alone():
    config = {"extract": [entry(("a", "status"), condition="@{gate}"), entry(("a", "invoice_id"))]}

    assert written(run(extract, config, inbox(FIELDS, {"reply": b'{"a": 1}'}))) == {"invoice_id": "1"}


def test_a_stage_whose_every_entry_is_skipped_says_why():
    outcome = run(extract, {"extract": [entry(("a", "status"), condition="@{gate}")]}, inbox(FIELDS))

    assert (outcome.skipped, list(outcome.operations)) == ("condition @{gate} is empty", [])


def test_entries_are_worked_off_in_order():
    box = inbox(FIELDS, {"one": b'{"a": 1}', "two": b'{"a": 2}'})

    assert written(run(extract, {"extract": [entry(("a", "status"), source=key) for key in ("one", "two")]}, box)) == {
        "status": "2"
    }


def test_a_cell_of_the_only_row_is_a_target():
    box = inbox(FIELDS, {"reply": b'{"a": "new"}'})

    after, _ = box.fields.apply(run(extract, {"extract": [entry(("a", "only"))]}, box).operations)

    assert [text_of(node) for node in after.find("only")] == ["new"]


@pytest.mark.parametrize(
    ("target", "message"),
    [("code", "stands 2 times in this document"), ("statis", "Did you mean status?"), ("line_items", "has no field")],
)
def test_a_target_that_cannot_be_written_is_a_fault_of_the_config(target, message):
    with pytest.raises(Misconfigured) as refused:
        run(extract, {"extract": [entry(("a", "status"), ("a", target))]}, inbox(FIELDS, {"reply": b"{}"}))

    assert refused.value.place == "config.extract[0].extract_rules[1].target_schema_id"
    assert message in refused.value.message


def test_a_path_that_fails_on_this_reply_names_entry_and_rule():
    with pytest.raises(Misconfigured) as refused:
        run(
            extract,
            {"extract": [entry(("a", "status")), entry(("a", "all"), ("sum(a)", "all"))]},
            inbox(FIELDS, {"reply": b'{"a": "x"}'}),
        )

    assert refused.value.place == "config.extract[1], rule 2"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"extract": []}, "nothing to extract"),
        ({"extract": [entry(("a..b", "status"))]}, "This is no JMESPath"),
        ({"extract": [entry(("nope(a)", "status"), ("a", "b"), format="xml")]}, "This is no XPath"),
        ({"extract": [entry(("//n:a", "status"), format="xml")]}, "Name each prefix in namespaces"),
        ({"extract": [entry(("(", "status"), format="regex")]}, "This is no regular expression"),
        ({"extract": [entry((" ", "status"))]}, "This is blank"),
        ({"extract": [entry(("a", "status"), namespaces={"a": "b"})]}, "for the format xml"),
        ({"extract": [entry(("a", "status"), source="")]}, "reference key is blank"),
        ({"extract": [entry(("a", "status"), format="csv")]}, "json"),
    ],
)
def test_a_wrong_config_is_refused_in_words(config, message):
    with pytest.raises(ValidationError) as refused:
        extract.Config.model_validate(config)

    assert message in str(refused.value)
