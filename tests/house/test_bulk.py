"""The page about bulk work lists every act and every option that there is."""

from __future__ import annotations

import re

from exports.bulk.acts import ACTS
from exports.bulk.options import Options
from tests.house import tree


def rows(heading: str) -> list[list[str]]:
    page = (tree.ROOT / "docs/bulk.md").read_text()
    table = page.split(heading, 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]


def test_every_act_is_listed_with_what_it_needs():
    listed = [tuple(row) for row in rows("Pressing twice does it once.\n\n")]

    assert listed == [(act.label, act.about, f"`{act.permission}`") for act in ACTS.values()]


def test_every_option_is_listed():
    listed = {re.sub("`", "", row[0]) for row in rows("## How carefully\n\n")}

    assert listed == set(Options.__dataclass_fields__)
