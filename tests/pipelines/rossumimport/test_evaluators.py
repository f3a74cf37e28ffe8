"""Evaluators in the published shapes become checks; other code is told and never run."""

from __future__ import annotations

import pytest

from pipelines.rossumimport import evaluators
from pipelines.rossumimport.evaluators import Untranslatable
from pipelines.stages import evaluate
from tests.pipelines.rossumimport.organization import EVALUATOR

HEAD = "from txscript import TxScript\n\n\ndef rossum_hook_request_handler(payload):\n    r = TxScript.from_payload(payload)\n"
TAIL = "    return r.hook_response()\n"


def code(*lines):
    return HEAD + "".join(f"    {line}\n" for line in lines) + TAIL


def test_a_condition_in_the_settings_is_taken_word_for_word():
    config = evaluators.config_of({"condition": "r.field.api1_status_code != '201'"}, EVALUATOR)

    assert config == {"condition": "r.field.api1_status_code != '201'", "message": "The ERP did not book it."}
    evaluate.Config.model_validate(config)


def test_straight_code_becomes_checks_in_its_order():
    config = evaluators.config_of({}, code(
        "status = r.field.api1_status_code",
        "if status not in ('200', '201') and not (r.field.skip == 'yes'):",
        "    r.show_error(f'The ERP answered {r.field.api1_status_code}.', r.field.api1_status_code)",
        "elif int(r.field.api2_status_code) >= 400:",
        "    r.show_warning('Not attached.')",
        "else:",
        "    r.show_info('Booked.')",
    ))  # fmt: skip

    assert config == {
        "checks": [
            {
                "condition": "field.api1_status_code not in ('200', '201') and (not field.skip == 'yes')",
                "type": "error",
                "message": "The ERP answered @{api1_status_code}.",
                "field": "api1_status_code",
            },
            {
                "condition": "(not (field.api1_status_code not in ('200', '201') and (not field.skip == 'yes'))) and "
                "(int(field.api2_status_code) >= 400)",
                "type": "warning",
                "message": "Not attached.",
            },
            {
                "condition": "(not (field.api1_status_code not in ('200', '201') and (not field.skip == 'yes'))) and "
                "(not (int(field.api2_status_code) >= 400))",
                "type": "info",
                "message": "Booked.",
            },
        ]
    }
    evaluate.Config.model_validate(config)


@pytest.mark.parametrize(
    ("settings", "text", "why"),
    [
        ({}, "", "It has no code and no condition."),
        ({}, "def rossum_hook_request_handler(:", "is not Python that can be read"),
        ({}, "x = 1", "It has no function rossum_hook_request_handler."),
        ({}, code("import os", "os.system('rm -rf /')"), "does more than compare fields and show messages"),
        ({}, code("for row in r.field.line_items:", "    r.show_error('x')"), "does more than"),
        ({}, code("if r.field.a:", "    return {}"), "returns early"),
        ({}, code("if __import__('os').system('id'):", "    r.show_error('x')"), "is not of our language"),
        ({}, code("if r.field.a == '1':", "    r.field.b = '2'"), "does more than"),
        ({}, code("r.show_error('a' + str(1))"), "makes its message in a way"),
        ({}, code("pass"), "It shows no error, warning or info."),
        ({}, code("eval(payload['x'])"), 'its settings have no "condition"'),
        ({"condition": "__import__('os')"}, EVALUATOR, "is not of our language"),
        (
            {"condition": "r.field.a == '1'"},
            "import requests\n" + EVALUATOR,
            "imports requests, which is more than judging by a condition needs",
        ),
        (
            {"condition": "r.field.a == '1'"},
            EVALUATOR.replace("    return", "    post('https://x')\n    return"),
            'calls "post", which is more than judging by a condition',
        ),
        ({}, "x = " + "(" * 5000 + ")" * 5000, "is not Python that can be read"),
    ],
)
def test_other_code_is_not_translated_and_the_reason_is_told(settings, text, why):
    with pytest.raises(Untranslatable) as refused:
        evaluators.config_of(settings, text)

    assert why in str(refused.value)


def test_reading_code_runs_none_of_it(tmp_path):
    mark = tmp_path / "ran"
    hostile = f"open({str(mark)!r}, 'w').close()\n" + code("r.show_error('x')")

    evaluators.config_of({}, hostile)

    assert not mark.exists()
