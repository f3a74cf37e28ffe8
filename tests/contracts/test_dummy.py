"""A kind from outside registers by an entry point, and can be told to end in every way there is."""

from __future__ import annotations

import sys

import pytest
from django.utils import timezone

from exports import attempts, loop
from exports.models import Attempt, StageRun
from exports.states import Reason, State, Status
from pipelines import stages
from tests import builders
from tests.contracts import dummy

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture(autouse=True)
def plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(dummy.install(tmp_path / "plugin")), *sys.path])


def export(**config) -> Attempt:
    attempt = builders.attempt({"name": "it", "kind": "dummy", "config": config}, max_tries=1)
    return loop.run_now(attempt.pk)


def test_the_registry_finds_a_kind_from_outside():
    assert stages.get("dummy").run is dummy.run
    assert ("dummy", "dummy") in stages.choices()


def test_a_kind_that_nobody_provides_is_unknown():
    with pytest.raises(KeyError):
        stages.get("nobody")


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        ("rejected", Reason.REJECTED),
        ("misconfigured", Reason.MISCONFIGURED),
        ("unavailable", Reason.EXHAUSTED),
        ("unconfirmed", Reason.UNCONFIRMED),
        ("bug", Reason.INTERNAL),
    ],
)
def test_each_failure_has_its_reason(fail, reason):
    attempt = export(fail=fail)

    assert (attempt.state, attempt.reason) == (State.FAILED, reason)
    assert attempt.document.status == Status.FAILED_EXPORT


def test_a_parked_attempt_leaves_the_worker_and_goes_on_with_the_answer():
    attempt = export(park_on="the bank", chunks=3)
    assert (attempt.state, attempt.parked_on) == (State.PARKED, "the bank")
    assert attempt.lease is None

    attempts.answer(attempt, by=builders.owner(), given={"said": "booked"})
    attempt = loop.run_now(attempt.pk)

    assert attempt.state == State.SUCCEEDED
    run = StageRun.objects.get(attempt=attempt)
    assert run.messages == [{"type": "info", "content": "booked", "field": ""}]
    assert run.progress == {"done": 3, "total": 3, "unit": "chunks"}


def test_nobody_answers_in_time():
    attempt = export(park_on="the bank", park_seconds=0.001)

    attempts.time_out(timezone.now())
    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.TIMEOUT)
    assert "the bank" in attempt.message
