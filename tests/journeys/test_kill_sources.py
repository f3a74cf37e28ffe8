"""The worker is killed with SIGKILL at every step of a source's turn and of a send: nothing that waited at the other side
is lost, exported twice, or left without a word. `make chaos ARGS="--sources 200"` is the long form."""

from __future__ import annotations

import time

import pytest

from benchmarks import pulled
from demo import processes
from demo.processes import Children

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


def test_workers_that_are_told_to_stop_leave_no_task_of_aluma_hanging(tmp_path):
    env = processes.environment(tmp_path, port=processes.free_port(), settings=pulled.SLOW)
    with pulled.aluma() as (other, account), pulled.erp() as erp, Children(env=env, logs=tmp_path / "logs"):
        run = pulled.Run(tmp_path, env, other, erp)
        run.add(3)
        erp.closed = True
        worker = run.worker()
        wait_until(lambda: len(account.hanging()) == 3)

        worker.stop(seconds=90)

        assert account.hanging() == []
        assert [task.acts for task in account.tasks.values()] == [["start", "cancel"]] * 3
        erp.closed = False
        run.finish()
        assert account.states() == {"completed": 3}
        assert erp.booked == {"good-0": 1, "good-1": 1, "good-2": 1}


def wait_until(reached, seconds=90):
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.1)
