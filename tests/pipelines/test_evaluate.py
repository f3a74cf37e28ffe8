"""Evaluate: what is said of an export, and what fails it."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from pipelines.contract import Message
from pipelines.errors import Misconfigured
from pipelines.replyerrors import flatten
from pipelines.stages import evaluate
from tests.pipelines.boxes import inbox, number, run, said, section

COUPA = {
    "errors": {"request": [{"invoice-header": ["No cost centre"], "invoice-header.lines": ["Must be positive", "Two"]}]}
}


def headers(status: int) -> bytes:
    return json.dumps({"status_code": status, "headers": {}, "raw": []}).encode()


def reply(**options) -> dict:
    return {"replies": [{"call": "Create", "status_code_field": "status", **options}]}


@pytest.mark.parametrize(("status", "judged"), [("201", []), ("422", ["error"]), ("", ["error"])])
def test_the_condition_of_the_samples(status, judged):
    outcome = run(evaluate, {"condition": "r.field.status != '201'"}, inbox({"status": status}))

    assert [message.type for message in outcome.messages] == judged


def test_without_a_message_the_condition_and_its_values_are_told():
    outcome = run(evaluate, {"condition": "r.field.status != '201'"}, inbox({"status": "422"}))

    assert said(outcome) == [("error", "The export failed, because r.field.status != '201' (status is \"422\").")]


def test_a_message_may_hold_fields():
    config = {"condition": "field.status >= 400", "message": "The ERP refused @{document_id}."}

    outcome = run(evaluate, config, inbox({"status": "422", "document_id": "A-1"}))

    assert said(outcome) == [("error", "The ERP refused A-1.")]


def test_every_check_speaks_for_itself():
    checks = [
        {"condition": "field.status == 202", "type": "warning", "message": "Not booked yet", "field": "status"},
        {"condition": "field.status == 500", "message": "never"},
        {"condition": "is_empty(field.order)", "type": "info", "message": "No order"},
    ]

    outcome = run(evaluate, {"checks": checks}, inbox({"status": "202", "order": ""}))

    assert list(outcome.messages) == [Message("warning", "Not booked yet", "status"), Message("info", "No order")]


def test_numbers_of_the_schema_are_numbers():
    box = inbox({"total": "1000.00"}, schema=section(number("total")))

    assert said(run(evaluate, {"condition": "field.total > 999.99", "message": "big"}, box)) == [("error", "big")]


def test_a_value_that_cannot_be_judged_is_told_in_words_and_stops_no_other_check():
    checks = [
        {"condition": "int(field.status) != 201", "message": "x"},
        {"condition": "field.total > 5", "type": "info", "message": "x", "field": "total"},
        {"condition": "True", "type": "info", "message": "still said"},
    ]

    outcome = run(
        evaluate, {"checks": checks}, inbox({"status": "", "total": "5 EUR"}, schema=section(number("total")))
    )

    assert list(outcome.messages) == [
        Message("error", "This cannot be judged: It is empty, and a whole number is needed, in int(field.status)."),
        Message("warning", 'This cannot be judged: field.total: "5 EUR" is not a number. Correct the field.', "total"),
        Message("info", "still said"),
    ]


def test_a_field_that_does_not_exist_is_a_fault_of_the_config():
    with pytest.raises(Misconfigured) as refused:
        run(evaluate, {"checks": [{"condition": "field.statis", "message": "x"}]}, inbox({"status": ""}))

    assert refused.value.place == "config.checks[0].condition"
    assert "did you mean status?" in refused.value.message


def test_each_listed_error_is_one_message():
    outcome = run(
        evaluate,
        reply(payload_reference_key="body", errors_path="errors.request"),
        inbox({"status": "400"}, {"body": json.dumps(COUPA).encode()}),
    )

    assert said(outcome) == [
        ("error", "Create: invoice-header: No cost centre"),
        ("error", "Create: invoice-header.lines: Must be positive"),
        ("error", "Create: invoice-header.lines: Two"),
    ]


def test_status_and_body_may_be_a_field_or_a_stored_reply():
    by_field = reply(payload_field="body")
    by_key = {"replies": [{"call": "Create", "headers_reference_key": "h", "payload_reference_key": "b"}]}
    box = inbox({"status": "422", "body": '{"errors": "no"}'}, {"h": headers(422), "b": b'{"errors": "no"}'})

    assert said(run(evaluate, by_field, box)) == said(run(evaluate, by_key, box)) == [("error", "Create: no")]
    assert evaluate.reads(evaluate.Config.model_validate(by_key)) == {"h", "b"}
    assert evaluate.reads(evaluate.Config.model_validate(by_field)) == frozenset()


@pytest.mark.parametrize(
    ("status", "body", "options", "messages"),
    [
        ("201", b'{"errors": "x"}', {}, []),
        ("", b'{"errors": "x"}', {}, []),
        ("", b"", {"required": True}, [("error", "Create: there is no status code, so the call was not made or not answered.")]),
        ("503", b"<html>", {}, [("error", "Create was answered with status 503, and the reply names no reason.")]),
        ("503", b"", {"fallback": "{call} {status} @{document_id}"}, [("error", "Create 503 A-1")]),
        ("500", b'{"errors": []}', {"type": "warning"}, [("warning", "Create was answered with status 500, and the reply names no reason.")]),
        ("200", b'{"errors": ["in it"]}', {"failed_from": 0}, [("error", "Create: in it")]),
        ("200", b'{"errors": []}', {"failed_from": 0}, []),
        ("abc", b"", {}, [("error", 'Create: "abc" is no status code.')]),
        ("400", b'{"errors": [{"message": "a"}, {"message": "b"}]}', {"errors_path": "errors[].message"}, [("error", "Create: a"), ("error", "Create: b")]),
    ],
)  # fmt: skip
def test_a_reply_is_judged(status, body, options, messages):
    box = inbox({"status": status, "document_id": "A-1"}, {"body": body})

    assert said(run(evaluate, reply(payload_reference_key="body", **options), box)) == messages


def test_headers_that_cannot_be_read_are_told():
    config = {"replies": [{"call": "Create", "headers_reference_key": "h"}]}

    assert said(run(evaluate, config, inbox({}, {"h": b"<html>"}))) == [
        ("error", "Create: the file h holds no reply headers.")
    ]


def test_many_errors_are_counted():
    body = json.dumps({"errors": [f"e{n}" for n in range(60)]}).encode()

    messages = said(run(evaluate, reply(payload_reference_key="body"), inbox({"status": "400"}, {"body": body})))

    assert len(messages) == 51
    assert messages[-1] == ("error", "Create: and 10 more errors, see the reply.")


def test_errors_of_every_shape_are_flattened():
    shape = {"a": ["x", {"b": "y"}], "c": None, "d": " ", "e": 7, "f": {"g": {"h": "z"}}}

    assert list(flatten(shape)) == [("a", "x"), ("a.b", "y"), ("e", "7"), ("f.g.h", "z")]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "nothing to judge by"),
        ({"condition": "field.a =="}, "It cannot be read"),
        ({"condition": "__import__('os')"}, 'no function "__import__"'),
        ({"checks": [{"condition": "1"}]}, "message"),
        ({"checks": [{"condition": "", "message": "x"}]}, "This is blank"),
        ({"checks": [{"condition": "1", "message": "x", "type": "fatal"}]}, "error"),
        ({"replies": [{"call": "x"}]}, "where the status code is"),
        (
            {"replies": [{"call": "x", "status_code_field": "a", "headers_reference_key": "b"}]},
            "where the status code is",
        ),
        (reply(payload_field="a", payload_reference_key="b"), "where the reply's body is"),
        (reply(errors_path="a..b"), "This is no JMESPath"),
    ],
)
def test_a_wrong_config_is_refused_in_words(config, message):
    with pytest.raises(ValidationError) as refused:
        evaluate.Config.model_validate(config)

    assert message in str(refused.value)
