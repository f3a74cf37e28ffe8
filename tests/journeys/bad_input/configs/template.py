"""Wrong configs of template stages."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Config


def template(**config):
    return {"export_configs": [{"export_reference_key": "file", **config}]}


def jinja(text):
    return template(file_content_template=text)


TABLE = (
    Config(
        "no configs",
        {},
        (("error", "config.export_configs", "This is required and is not here."),),
        "Add `export_configs`.",
    ),
    Config(
        "no file",
        {"export_configs": []},
        (
            (
                "error",
                "config.export_configs",
                "A template stage renders 1 to 5 files; here are 0. Add one, or delete the stage.",
            ),
        ),
        "Add a file.",
    ),
    Config(
        "six files",
        {"export_configs": [{"export_reference_key": f"k{n}", "file_content_template": "x"} for n in range(6)]},
        (
            (
                "error",
                "config.export_configs",
                "A template stage renders 1 to 5 files; here are 6. Share them out to several template stages.",
            ),
        ),
        "Use two stages.",
    ),
    Config(
        "no body",
        template(),
        (
            (
                "error",
                "config.export_configs[0]",
                "Give the body exactly once: file_content_template, file_content_template_multiline or json_template; here are none.",
            ),
        ),
        "Add a template.",
    ),
    Config(
        "two bodies",
        template(file_content_template="a", json_template={}),
        (
            (
                "error",
                "config.export_configs[0]",
                "Give the body exactly once: file_content_template, file_content_template_multiline or json_template; here are 2.",
            ),
        ),
        "Keep one.",
    ),
    Config(
        "a blank key",
        template(export_reference_key=" ", file_content_template="x"),
        (
            (
                "error",
                "config.export_configs[0].export_reference_key",
                "The reference key is blank: later stages find the file by it.",
            ),
        ),
        "Name it.",
    ),
    Config(
        "one key twice",
        {"export_configs": [{"export_reference_key": "k", "file_content_template": "x"}] * 2},
        (("error", "config.export_configs", 'The reference key "k" stands twice; each file needs its own.'),),
        "Give each its own.",
    ),
    Config(
        "a tag that is never closed",
        jinja("{% if field.document_id %}\nx"),
        (
            (
                "error",
                "config.export_configs[0].file_content_template",
                "line 1 of the template: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'.",
            ),
        ),
        "Write `{% endif %}`.",
    ),
    Config(
        "a bracket too few",
        jinja("one\n{{ field.document_id"),
        (
            (
                "error",
                "config.export_configs[0].file_content_template",
                "line 2 of the template: unexpected end of template, expected 'end of print statement'.",
            ),
        ),
        "Close it.",
    ),
    Config(
        "an unknown filter",
        jinja("{{ field.document_id | uper }}"),
        (
            (
                "error",
                "config.export_configs[0].file_content_template",
                "line 1 of the template: No filter named 'uper'.",
            ),
        ),
        "Correct the name.",
    ),
    Config(
        "another file",
        jinja("{% include '/etc/passwd' %}"),
        (
            (
                "error",
                "config.export_configs[0].file_content_template",
                "line 1 of the template: a template stands alone here: it cannot include, import or extend another",
            ),
        ),
        "Write the text in.",
    ),
    Config(
        "lines as a text",
        template(file_content_template_multiline="a"),
        (("error", "config.export_configs[0].file_content_template_multiline", "This must be a list: [ … ]."),),
        "Write a list of lines.",
    ),
    Config(
        "an unknown encoding",
        template(file_content_template="x", content_encoding="utf8000"),
        (
            (
                "error",
                "config.export_configs[0].content_encoding",
                '"utf8000" is no text encoding. Well-known ones: utf-8, utf-8-sig, cp1252, iso-8859-1, utf-16.',
            ),
        ),
        "Choose one.",
    ),
    Config(
        "a media type that is none",
        template(file_content_template="x", media_type="csv"),
        (("error", "config.export_configs[0].media_type", '"csv" is no media type; it is written like text/csv.'),),
        "Write text/csv.",
    ),
    Config(
        "an unknown operator",
        template(json_template={"a": {"$FOR_EACH$": {}}}),
        (
            (
                "error",
                "config.export_configs[0].json_template",
                "a.$FOR_EACH$: There is no operator $FOR_EACH$. Did you mean $FOR_EACH_SCHEMA_ID$?",
            ),
        ),
        "Correct the name.",
    ),
    Config(
        "a field that is not there",
        jinja("{{ field.document_idd }}"),
        (
            (
                "warning",
                "config.export_configs[0].file_content_template",
                'The schema of "Invoices" has no field "document_idd". Did you mean "document_id"?',
            ),
        ),
        "Correct the id.",
    ),
    Config(
        "a placeholder left",
        template(file_content_template="x", file_name="__change_me__"),
        (
            (
                "error",
                "config.export_configs[0].file_name",
                "__change_me__ is a placeholder of the example: put the real value here.",
            ),
        ),
        "Fill it in.",
    ),
)
