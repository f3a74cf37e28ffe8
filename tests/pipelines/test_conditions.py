"""Conditions: empty, white space and false skip; everything else runs."""

from __future__ import annotations

import pytest

from pipelines import conditions
from pipelines.shapes import from_flat

FIELDS = from_flat({"gate": "go", "empty": "", "blank": " \t\n", "no": "False", "off": " FALSE ", "zero": "0"})


@pytest.mark.parametrize(
    "condition", [None, True, "", "  ", "@{gate}", "yes", "@{zero}", "@{empty}x", "falsey", "@{no}@{no}"]
)
def test_it_runs(condition):
    assert conditions.skip_reason(condition, FIELDS) == ""


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (False, "condition is false"),
        ("false", "condition false is false"),
        ("@{empty}", "condition @{empty} is empty"),
        ("@{missing}", "condition @{missing} is empty"),
        (" @{blank} ", "condition @{blank} is empty"),
        ("@{no}", "condition @{no} is false"),
        ("@{off}", "condition @{off} is false"),
    ],
)
def test_it_is_skipped_and_says_why(condition, reason):
    assert conditions.skip_reason(condition, FIELDS) == reason
