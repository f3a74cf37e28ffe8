"""No text of a stranger runs in the spreadsheet of whoever opens the file."""

from __future__ import annotations

import pytest

from pipelines.cells import harmless


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://evil")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "  =1", "＝1"],
)
def test_what_begins_like_a_formula_is_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["INV-1", "-12.50", "+43 1 234", "1,234.56", "a=b", "", 12, -3.5, True])
def test_everything_else_stays_as_it_is(value):
    assert harmless(value) == value


def test_nothing_is_an_empty_cell():
    assert harmless(None) == ""
