"""The pages in docs/api: their tables are those of the code. Their examples are run by tests/docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exports.api.codes import TYPES
from exports.api.filters import (
    ExchangeFilters,
    FailureGroupFilters,
    TriggerFilters,
)
from exports.api.pushfilters import PushFilters, SubscriptionFilters
from exports.states import Reason

DOCS = Path(__file__).parents[3] / "docs" / "api"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))


def test_there_are_examples_of_everything():
    text = "".join((DOCS / page).read_text() for page in PAGES)

    assert text.count("```sh run\n") >= 45
    assert "```sh\n" not in text


def test_the_table_of_errors_is_the_table_of_codes():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+?) \| (.+?) \|$", (DOCS / "errors.md").read_text(), re.MULTILINE)

    assert rows == [(code, str(kind.status), kind.title, kind.advice) for code, kind in TYPES.items()]


@pytest.mark.parametrize(
    ("page", "filters"),
    [
        ("exchanges.md", ExchangeFilters),
        ("triggers.md", TriggerFilters),
        ("failure_groups.md", FailureGroupFilters),
        ("subscriptions.md", SubscriptionFilters),
        ("subscriptions.md", PushFilters),
    ],
)
def test_every_filter_is_on_its_page(page, filters):
    text = (DOCS / page).read_text()

    assert [name for name in filters.base_filters if f"`{name}`" not in text] == []


def test_every_reason_is_explained():
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "attempts.md").read_text(), re.MULTILINE)

    assert set(rows) == set(Reason)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / page).read_text())

    assert [link for link in links if not link.startswith("https://") and not (DOCS / link).exists()] == []
