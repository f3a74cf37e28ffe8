"""Exports that cannot be: stages that read and judge what was answered."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Run
from tests.journeys.bad_input.runs.calls import send
from tests.servers.http import reply


def after(kind, config):
    """A call, then the stage in question."""
    return lambda site: [send(site), {"name": "Stage", "kind": kind, "config": config}]


def takes(path, **entry):
    rule = {"value_path": path, "target_schema_id": "amount_total"}
    return after("extract", {"extract": [{"source_reference_key": "reply", "extract_rules": [rule], **entry}]})


def judges(**config):
    return after("evaluate", config)


REPLIES = {
    "replies": [{"call": "Create invoice", "headers_reference_key": "reply_headers", "payload_reference_key": "reply"}]
}


EXTRACT = (
    Run(
        "a page instead of JSON",
        takes("id"),
        "",
        "",
        'The file "reply" cannot be read as json: It is no JSON: Expecting value at line 1, column 1.',
        "Look why the other side answers with a page.",
        answers=[reply(200, "<html>Log in</html>")],
    ),
    Run(
        "XML that explodes",
        takes("//a", format="xml"),
        "",
        "",
        'The file "reply" cannot be read as xml: The XML declares entities, which are not read for safety.',
        "Tell the other side.",
        answers=[reply(200, '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><a>&c;</a>')],
    ),
    Run(
        "JSON that is cut off",
        takes("id"),
        "",
        "",
        'The file "reply" cannot be read as json: It is no JSON: Expecting value at line 1, column 8.',
        "Tell the other side.",
        answers=[reply(200, '{"id": ')],
    ),
    Run(
        "a length of a number",
        takes("length(id)"),
        "misconfigured",
        "config.extract[0], rule 1",
        "config.extract[0], rule 1: The path length(id): In function length(), invalid type for value: 7, expected one of: ['string', 'array', 'object'], received: \"number\".",
        "Correct the path.",
        answers=[reply(200, {"id": 7})],
    ),
    Run(
        "a value that is too long",
        takes("id"),
        "",
        "",
        "id gave 2,000 characters; a field holds 1,500, the rest is cut off.",
        "Take less of it.",
        answers=[reply(200, {"id": "x" * 2000})],
    ),
    Run(
        "a field that stands in every row",
        takes("id"),
        "misconfigured",
        "config.extract[0].extract_rules[0].target_schema_id",
        'config.extract[0].extract_rules[0].target_schema_id: The field "amount_total" stands 2 times in this document, once a row, and one value cannot be written to all. Use a field outside the table.',
        "Use a field outside the table.",
        fields={"document_id": "1", "lines": [{"amount_total": "1"}, {"amount_total": "2"}]},
    ),
    Run(
        "a field that the document lacks",
        takes("id"),
        "misconfigured",
        "config.extract[0].extract_rules[0].target_schema_id",
        'config.extract[0].extract_rules[0].target_schema_id: The document has no field "amount_total". Add it to the queue\'s schema, or correct the rule.',
        "Extend the schema.",
        fields={"document_id": "1"},
    ),
)


EVALUATE = (
    Run(
        "a total of letters",
        judges(condition="field.amount_total > 5"),
        "rejected",
        "",
        'This cannot be judged: "twelve" is not a number, in field.amount_total > 5.',
        "Correct the field.",
        fields={"document_id": "1", "amount_total": "twelve"},
    ),
    Run(
        "a field that the document lacks",
        judges(condition="field.api_status != '201'"),
        "misconfigured",
        "config.condition",
        'config.condition: There is no "api_status", in field.api_status.',
        "Extend the schema.",
    ),
    Run(
        "a condition that holds",
        judges(condition="field.document_id == 'INV-7'"),
        "rejected",
        "",
        "The export failed, because field.document_id == 'INV-7' (document_id is \"INV-7\").",
        "Correct the document.",
    ),
    Run(
        "a status of refusal",
        judges(**REPLIES),
        "rejected",
        "",
        "Create invoice: total: is negative",
        "Correct what it names.",
        answers=[reply(422, {"errors": {"total": ["is negative"]}})],
    ),
    Run(
        "a refusal without a reason",
        judges(**REPLIES),
        "rejected",
        "",
        "Create invoice was answered with status 500, and the reply names no reason.",
        "Ask the other side.",
        answers=[reply(500)],
    ),
    Run(
        "an error inside a 200",
        judges(replies=[{**REPLIES["replies"][0], "failed_from": 0}]),
        "rejected",
        "",
        "Create invoice: period closed",
        "Correct what it names.",
        answers=[reply(200, {"errors": ["period closed"]})],
    ),
)
