"""The worker is killed with SIGKILL, at random and at each marked point of a send: nothing is lost, doubled or unrecorded.

The short form; `make chaos` runs as many kills as asked, on either database."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from benchmarks import chaos

DOCUMENTS = Path(__file__).parents[2] / "demo" / "invoices"

pytestmark = pytest.mark.slow


def killed(name, kill):
    found = chaos.one(name, DOCUMENTS, kill, database={})
    print(found)  # noqa: T201  # the counts are what a reader of the log looks for
    return found


def test_random_kills_lose_nothing_and_double_nothing():
    chance = random.Random(int(os.environ.get("CHAOS_SEED", "20261123")))

    found = killed("random", lambda run: chaos.kill_at_random(run, 3, chance))

    assert (found.lost, found.duplicates, found.unrecorded) == (0, 0, 0)
    assert found.kills == 3


@pytest.mark.parametrize("point", chaos.POINTS)
def test_a_kill_at_each_point_of_a_send_is_told_apart(point):
    found = killed(point, lambda run: chaos.kill_at_point(run, point, random.Random(point)))

    assert (found.lost, found.duplicates, found.unrecorded) == (0, 0, 0)
    assert found.kills >= 2, "nobody died at the point"
    if point in {"after-mark", "after-reply", "before-commit"}:
        assert found.unconfirmed >= 1
