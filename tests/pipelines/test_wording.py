"""What the real kinds say of a config with a slip in it: path, line and words."""

from __future__ import annotations

import json

import pytest

from pipelines import configs, stages

ONE_FILE = {"export_reference_key": "k", "file_content_template": "x"}

TABLE = [
    ("template", {}, [("config.export_configs", 1, "This is required and is not here.")]),
    ("template", {"export_configs": "x"}, [("config.export_configs", 2, "This must be a list: [ … ].")]),
    (
        "template",
        {"export_configs": [{**ONE_FILE, "content_encodng": "utf-8"}]},
        [("config.export_configs[0].content_encodng", 6, 'The key "content_encodng" is unknown here. Did you mean "content_encoding"?')],
    ),
    ("template", {"export_configs": [{**ONE_FILE, "export_reference_key": 1}]}, [
        ("config.export_configs[0].export_reference_key", 4, "This must be text, in double quotes."),
    ]),
    ("rest_api", {"request": {"url": "https://a/"}, "mode": "wiat"}, [
        ("config.mode", 5, "This must be 'wait' or 'retry'. Did you mean \"wait\"?"),
    ]),
    ("rest_api", {"request": "https://a/"}, [("config.request", 2, "This must be an object: { … }.")]),
    ("rest_api", {"request": {"url": "https://a/"}, "timeout_s": 0}, [("config.timeout_s", 5, "This must be more than 0.")]),
    ("rest_api", {"request": {"url": "https://a/"}, "timeout_s": "soon"}, [("config.timeout_s", 5, "This must be a number.")]),
    ("rest_api", {"request": {"url": "https://a/"}, "export_reference_key": ""}, [
        ("config.export_reference_key", 5, "This is blank: fill it in."),
    ]),
    ("rest_api", {"request": {"url": "https://a/"}, "status_code_resolver": {"error": ["x"]}}, [
        ("config.status_code_resolver.error[0]", 7, "This must be a whole number."),
    ]),
    ("file_storage", {"export_rules": []}, [("config.export_rules", 2, "At least 1 must be here; there are 0.")]),
    (
        "file_storage",
        {"export_rules": [{"export_object_configurations": [{"type": "custom_fromat", "filename_template": "a"}]}]},
        [
            (
                "config.export_rules[0].export_object_configurations[0].type", 6,
                ("\"custom_fromat\" is unknown here; known are 'annotation_content', 'document', 'custom_format', "
                "'received_files'. "
                'Did you mean "custom_format"?'),
            )
        ],
    ),
    (
        "file_storage",
        {"export_rules": [{"export_object_configurations": [{"type": "document", "filename_template": "a", "fromat": 1}]}]},
        [
            (
                "config.export_rules[0].export_object_configurations[0].fromat", 8,
                'The key "fromat" is unknown here. Known here: "filename_template" and "type".',
            )
        ],
    ),
    ("file_storage", {"credentials": {"host": "x"}, "export_rules": [{"export_object_configurations": [{"type": "document", "filename_template": "a"}]}]}, [
        ("config.credentials.type", 2, "This is required and is not here: it says which form is meant."),
    ]),
    ("purge", {"prefx": "a"}, [("config.prefx", 2, 'The key "prefx" is unknown here. Did you mean "prefix"?')]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "told"), TABLE)
def test_a_slip_in_a_config_is_told_with_its_line(kind, given, told):
    parsed = configs.parse("S", stages.get(kind), json.dumps(given, indent=1))

    assert parsed.config is None
    assert [(problem.path, problem.line, problem.message) for problem in parsed.problems] == told


def test_a_value_that_may_take_two_forms_is_told_of_both():
    given = {"request": {"url": "https://a/"}, "probe": {"request": {"url": "https://a/"}, "found": 5}}

    parsed = configs.parse("S", stages.get("rest_api"), json.dumps(given))

    assert [(problem.path, problem.message) for problem in parsed.problems] == [
        ("config.probe.found", "This must be a list: [ … ], or text, in double quotes.")
    ]


@pytest.mark.parametrize("kind", sorted(stages.KINDS))
def test_a_value_that_was_typed_is_never_repeated_in_an_error(kind):
    """It may be a password that somebody put in the wrong place."""
    parsed = configs.parse(
        "S", stages.get(kind), '{"request": {"url": 123456789}, "keys": 123456789, "extract": 123456789}'
    )

    assert parsed.problems
    assert not any("123456789" in problem.message for problem in parsed.problems)
