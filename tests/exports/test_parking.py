"""What waits for somebody outside: an attempt with a parked stage, whatever its other stages do meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import attempts, loop, transitions
from exports.models import Attempt, Document
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


def test_a_parked_attempt_that_nobody_answers_fails_at_its_deadline():
    attempt = export(act("ask", "park"))

    assert attempts.time_out(timezone.now() + timedelta(minutes=6)) == 1

    attempt.refresh_from_db()
    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.TIMEOUT)
    document = Document.objects.get()
    assert document.status == Status.FAILED_EXPORT
    assert [message["content"] for message in document.messages] == [
        "Nothing was heard from an outside client before the deadline."
    ]


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
