"""The worker is killed with SIGKILL at every step of a source's turn and of a send: nothing that waited at the other side
is lost, exported twice, or left without a word. `make chaos ARGS="--sources 200"` is the long form."""

from __future__ import annotations

import pytest

from benchmarks import pulled

pytestmark = pytest.mark.slow


def test_a_kill_at_every_step_leaves_every_annotation_of_rossum_exported_or_failed():
    with pulled.rossum() as (other, account), pulled.erp() as erp:
        found = pulled.one(other, erp, 20, database={})
        print(found)  # noqa: T201  # the counts are what a reader of the log looks for

    assert found.unreached == []
    assert (found.lost, found.twice) == ([], [])
    assert found.states == {"exported": 16, "failed_export": 4}
    assert found.claims == {"reported": 20}
    assert account.patched_to_exported == []
    assert all(
        one.history in (["confirmed", "exported"], ["confirmed", "failed_export"])
        for one in account.annotations.values()
    )
    assert account.busiest_second() <= 10


def test_a_kill_at_every_step_leaves_every_task_of_aluma_completed_or_failed():
    with pulled.aluma() as (other, account), pulled.erp() as erp:
        found = pulled.one(other, erp, 20, database={})
        print(found)  # noqa: T201  # likewise

    assert found.unreached == []
    assert (found.lost, found.twice) == ([], [])
    assert found.states == {"completed": 16, "failed": 4}
    assert account.hanging() == []
    assert {task.acts[-1] for task in account.tasks.values()} == {"complete", "fail"}
    assert all(task.acts.count("complete") + task.acts.count("fail") == 1 for task in account.tasks.values())
