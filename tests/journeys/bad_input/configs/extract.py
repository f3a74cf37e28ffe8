"""Wrong configs of extract stages."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Config


def take(path, target="api_status", source="reply", **entry):
    rule = {"value_path": path, "target_schema_id": target}
    return {"extract": [{"source_reference_key": source, "extract_rules": [rule], **entry}]}


TABLE = (
    Config("nothing", {}, (("error", "config.extract", "This is required and is not here."),), "Add `extract`."),
    Config(
        "no entries",
        {"extract": []},
        (("error", "config.extract", "There is nothing to extract: add an entry, or delete the stage."),),
        "Add one.",
    ),
    Config(
        "a path that is none",
        take("id["),
        (
            (
                "error",
                "config.extract[0].extract_rules[0].value_path",
                'This is no JMESPath: Incomplete expression: "id[".',
            ),
        ),
        "Close the bracket.",
    ),
    Config(
        "an XPath that is none",
        take("//a[", format="xml"),
        (("error", "config.extract[0].extract_rules[0].value_path", "This is no XPath: Invalid expression."),),
        "Close the bracket.",
    ),
    Config(
        "a prefix without a namespace",
        take("//n:a", format="xml"),
        (
            (
                "error",
                "config.extract[0].extract_rules[0].value_path",
                "This is no XPath: Undefined namespace prefix. Name each prefix in namespaces.",
            ),
        ),
        "Name it in `namespaces`.",
    ),
    Config(
        "a regular expression that is none",
        take("(id", format="regex"),
        (
            (
                "error",
                "config.extract[0].extract_rules[0].value_path",
                "This is no regular expression: missing ) at position 3.",
            ),
        ),
        "Close the group.",
    ),
    Config(
        "an unknown format",
        take("id", format="yaml"),
        (("error", "config.extract[0].format", "This must be 'json', 'xml', 'headers' or 'regex'."),),
        "Choose one of the four.",
    ),
    Config(
        "a blank path",
        take(" "),
        (("error", "config.extract[0].extract_rules[0].value_path", "This is blank: fill it in."),),
        "Write @ for the whole document.",
    ),
    Config(
        "a target that is no field",
        take("id", target="api_statsu"),
        (
            (
                "error",
                "config.extract[0].extract_rules[0].target_schema_id",
                'The schema of "Invoices" has no field "api_statsu". Did you mean "api_status"?',
            ),
        ),
        "Correct it, or extend the schema.",
    ),
    Config(
        "a file that nobody writes",
        take("id", source="repyl"),
        (
            (
                "error",
                "config.extract[0].source_reference_key",
                'Nothing before this stage writes "repyl". Did you mean "reply"?',
            ),
        ),
        "Correct the key.",
    ),
    Config(
        "a file that comes later",
        take("id"),
        (
            (
                "error",
                "config.extract[0].source_reference_key",
                'Nothing before this stage writes "reply". "Send" writes it, but in parallel: put "Send" into "run_after".',
            ),
        ),
        "Run after the call.",
        after=(),
    ),
    Config(
        "namespaces for JSON",
        take("id", namespaces={"n": "urn:n"}),
        (
            (
                "error",
                "config.extract[0].namespaces",
                "Namespaces are for the format xml: delete them, or set the format.",
            ),
        ),
        "Delete them, or say xml.",
    ),
    Config(
        "rules as an object",
        {"extract": [{"source_reference_key": "reply", "extract_rules": {}}]},
        (("error", "config.extract[0].extract_rules", "This must be a list: [ … ]."),),
        "Write a list.",
    ),
)
