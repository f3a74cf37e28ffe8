"""What waits for somebody outside: an attempt with a parked stage, whatever its other stages do meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from exports import attempts, loop, transitions
from exports.models import Attempt, Document, StageRun
from exports.states import Reason, State, Status
from tests import builders
from tests.exports.kinds import act, export, kinds, ran  # noqa: F401  # kinds is a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def test_a_parked_attempt_goes_on_with_its_answer(kinds):
    attempt = export(act("ask", "park"), act("after"))
    assert (attempt.state, attempt.parked_on) == (State.PARKED, "an outside client")

    assert attempts.answer(attempt, by=builders.owner(), given={"result": "done"})
    attempt = loop.run_now(attempt.pk)

    assert attempt.state == State.SUCCEEDED
    assert kinds == ["ask", "ask", "after"]


def later(minutes):
    """As if that much time had passed for everything that is parked."""
    earlier = timedelta(minutes=minutes)
    Attempt.objects.update(deadline=F("deadline") - earlier)
    StageRun.objects.update(deadline=F("deadline") - earlier)


def test_a_parked_attempt_that_nobody_answers_fails_at_its_deadline(kinds):
    attempt = export(act("ask", "park"), act("after"), act("tell", after=["after"], always_run=True))
    later(minutes=6)

    assert attempts.time_out(timezone.now()) == 1
    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason, attempt.stage) == (State.FAILED, Reason.TIMEOUT, "ask")
    assert ran(attempt) == {"ask": "failed", "after": "blocked", "tell": "finished"}
    assert kinds == ["ask", "tell"]
    document = Document.objects.get()
    assert document.status == Status.FAILED_EXPORT
    assert [message["content"] for message in document.messages] == [
        "Nothing was heard from an outside client before the deadline."
    ]


def test_nothing_times_out_before_its_deadline():
    attempt = export(act("ask", "park"))

    assert attempts.time_out(timezone.now()) == 0
    assert loop.run_now(attempt.pk).state == State.PARKED


def test_of_two_parked_stages_each_has_its_own_deadline(kinds):
    attempt = export(act("soon", "park", minutes=5, after=[]), act("late", "park", minutes=60, after=[]))
    assert (attempt.stage, attempt.deadline) == ("soon", StageRun.objects.get(name="soon").deadline)
    later(minutes=6)

    attempts.time_out(timezone.now())
    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.stage) == (State.PARKED, "late")
    assert attempt.deadline == StageRun.objects.get(name="late").deadline
    assert ran(attempt) == {"soon": "failed", "late": "parked"}
    assert Document.objects.get().status == Status.EXPORTING
    assert attempts.time_out(timezone.now()) == 0

    attempts.answer(attempt, by=builders.owner(), given={"result": "done"})
    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.reason, attempt.stage) == (State.FAILED, Reason.TIMEOUT, "soon")
    assert ran(attempt) == {"soon": "failed", "late": "finished"}
    assert [message["content"] for message in Document.objects.get().messages] == [
        "Nothing was heard from an outside client before the deadline."
    ]
    assert kinds == ["soon", "late", "late"]


def test_an_answer_is_given_once(kinds):
    attempt = export(act("one", "park", after=[]), act("two", "park", after=[]))
    attempts.answer(attempt, by=builders.owner(), given={"result": "done"})

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.stage, attempt.answer) == (State.PARKED, "two", None)


def test_a_parked_stage_is_still_waited_for_after_another_was_tried_again(kinds):
    attempt = export(act("busy", "unavailable", times=1, after=[]), act("ask", "park", after=[]))
    assert (attempt.state, attempt.stage, attempt.message) == (State.WAITING, "busy", "unavailable by busy")
    deadline = attempt.deadline
    Attempt.objects.update(due_at=timezone.now())
    transitions.wake(timezone.now())

    attempt = loop.run_now(attempt.pk)

    assert (attempt.state, attempt.stage, attempt.parked_on) == (State.PARKED, "ask", "an outside client")
    assert attempt.deadline == deadline
    assert ran(attempt) == {"busy": "finished", "ask": "parked"}
    assert Document.objects.get().status == Status.EXPORTING
    assert kinds == ["busy", "ask", "busy"]


def test_of_two_parked_stages_both_are_answered(kinds):
    attempt = export(act("one", "park", after=[]), act("two", "park", after=[]))

    for stage in ("one", "two"):
        assert (attempt.state, attempt.stage) == (State.PARKED, stage)
        assert attempts.answer(attempt, by=builders.owner(), given={"result": "done"})
        attempt = loop.run_now(attempt.pk)

    assert attempt.state == State.SUCCEEDED
    assert kinds == ["one", "two", "one", "two"]
