"""The page of bad input says what the tests see."""

from __future__ import annotations

from tests.house import tree
from tests.journeys.bad_input import page


def test_the_committed_page_is_what_the_tables_say():
    committed = (tree.ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8")

    assert committed == page.page(), "write it anew: python -m tests.journeys.bad_input.page > docs/bad-input.md"
