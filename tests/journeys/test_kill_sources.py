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
