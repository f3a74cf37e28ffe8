"""Tasks of outside clients: taken by one, reported on, given back, fallen silent; and what the attempt makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import attempts, clienttasks, loop
from exports.models import Attempt, ClientFile, ClientTask, StageRun
from exports.states import Reason, State, Status, TaskState
from pipelines.refusals import Refused
from tests import builders
from tests.exports.clients import FILES, after, client, later, mark, offered, verbs

pytestmark = pytest.mark.usefixtures("organization")


def test_a_parked_stage_offers_a_task_with_its_files():
    task = offered()

    file = ClientFile.objects.get(task=task)
    assert (task.state, task.action, task.documents_count, task.timeout_minutes) == ("offered", "export", 1, 30)
    assert (file.folder, file.filename, file.inline, file.document) == ("", "1.csv", True, 1)
    assert file.content.size > 0
    assert task.attempt.parked_on == "client:export"
    assert verbs(task) == [("offer_task", "waybill:worker")]


def test_a_completed_task_ends_its_attempt_well():
    task = clienttasks.start(offered(), client())
    assert mark(task) is not None

    task = clienttasks.complete(task, client())
    attempt = after(task)

    task.refresh_from_db()
    assert (attempt.state, attempt.document.status) == (State.SUCCEEDED, Status.EXPORTED)
    assert (task.state, task.outcome, task.reported_by) == (TaskState.COMPLETED, "completed", "key:robot")
    assert task.ended_at is not None
    assert mark(task) is None
    assert StageRun.objects.get(pk=task.run_id).messages[0]["content"] == "key:robot reported that the export is done."
    assert verbs(task) == [
        ("offer_task", "waybill:worker"),
        ("start_task", "key:robot"),
        ("complete_task", "key:robot"),
        ("close_task", "waybill:worker"),
    ]


def test_a_failed_task_rejects_the_document_with_the_clients_words():
    task = clienttasks.start(offered(), client())

    clienttasks.fail(task, client(), message="Supplier 77 unknown")
    attempt = after(task)

    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, Reason.REJECTED, "Supplier 77 unknown")
    assert attempt.document.status == Status.FAILED_EXPORT
    assert ClientTask.objects.get(pk=task.pk).state == TaskState.FAILED


def test_two_clients_never_have_one_task():
    task = clienttasks.start(offered(), client())

    with pytest.raises(Refused, match="started it already"):
        clienttasks.start(task, client("other", "token:2"))
    with pytest.raises(Refused, match="Another client"):
        clienttasks.complete(task, client("other", "token:2"))

    assert ClientTask.objects.get(pk=task.pk).started_by == "key:robot"


def test_starting_twice_is_refused_but_for_the_same_key_of_the_same_client():
    task = offered()
    first = clienttasks.start(task, client(), idempotency_key="k-1")

    again = clienttasks.start(task, client(holder="token:9"), idempotency_key="k-1")

    assert (again.starts, again.started_at) == (1, first.started_at)
    for who, key in ((client(), ""), (client(), "k-2"), (client("other"), "k-1")):
        with pytest.raises(Refused):
            clienttasks.start(task, who, idempotency_key=key)


def test_a_word_may_be_repeated_and_not_taken_back():
    task = clienttasks.start(offered(), client())
    clienttasks.complete(task, client())

    again = clienttasks.complete(task, client())
    after(task)
    last = clienttasks.complete(task, client())

    assert (again.state, last.state) == (TaskState.REPORTED, TaskState.COMPLETED)
    for act in (clienttasks.fail, clienttasks.give_back):
        with pytest.raises(Refused):
            act(task, client())
    assert [verb for verb, _ in verbs(task)].count("complete_task") == 1


def test_a_task_that_is_given_back_is_offered_at_once():
    task = clienttasks.start(offered(), client())

    task = clienttasks.give_back(task, client())

    assert (task.state, task.silences, mark(task)) == (TaskState.OFFERED, 0, None)
    assert clienttasks.start(task, client("other")).starts == 2


def test_silence_offers_it_again_and_is_remembered():
    task = clienttasks.start(offered(), client())

    clienttasks.tend(later(minutes=29))
    assert ClientTask.objects.get(pk=task.pk).state == TaskState.STARTED
    clienttasks.tend(later(minutes=31))

    task.refresh_from_db()
    assert (task.state, task.silences, task.former_holders) == (TaskState.OFFERED, 1, ["token:1"])
    assert mark(task) is not None, "nobody knows whether it was done"
    with pytest.raises(Refused, match="waits for a client to start it"):
        clienttasks.complete(task, client())
    assert ("lapse_task", "waybill:sweep") in verbs(task)


def test_a_client_that_fell_silent_cannot_report_for_the_one_after_it():
    task = clienttasks.start(offered(), client())
    clienttasks.tend(later(minutes=31))
    clienttasks.start(task, client(holder="token:2"))

    with pytest.raises(Refused, match="after a silence"):
        clienttasks.complete(task, client(holder="token:1"))

    assert clienttasks.complete(task, client(holder="token:2")).outcome == "completed"
    assert after(task).state == State.SUCCEEDED


def test_silence_that_is_not_to_be_repeated_is_unconfirmed():
    task = clienttasks.start(offered(recovery="ask", timeout_minutes=5), client())

    clienttasks.tend(later(minutes=6))
    attempt = after(task)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.UNCONFIRMED)
    assert "key:robot took the task and never reported" in attempt.message
    assert ClientTask.objects.get(pk=task.pk).state == TaskState.TIMED_OUT


@pytest.mark.parametrize(
    ("taken", "reason", "told"),
    [(False, Reason.TIMEOUT, "Nothing was heard"), (True, Reason.UNCONFIRMED, "Somebody had taken it")],
)
def test_in_the_end_it_gives_up(taken, reason, told):
    task = offered(give_up_after_hours=1)
    if taken:
        clienttasks.start(task, client())
        clienttasks.tend(later(minutes=31))
    past = timezone.now() - timedelta(seconds=1)
    StageRun.objects.filter(pk=task.run_id).update(deadline=past)
    Attempt.objects.filter(pk=task.attempt_id).update(deadline=past)

    attempts.time_out(timezone.now())
    attempt = after(task)

    assert (attempt.state, attempt.reason) == (State.FAILED, reason)
    assert told in attempt.message
    assert ClientTask.objects.get(pk=task.pk).state == TaskState.TIMED_OUT


def test_a_word_that_comes_as_a_worker_gives_up_is_refused_and_not_forgotten():
    task = clienttasks.start(offered(give_up_after_hours=1), client())
    past = timezone.now() - timedelta(seconds=1)
    StageRun.objects.filter(pk=task.run_id).update(deadline=past)
    Attempt.objects.filter(pk=task.attempt_id).update(deadline=past)
    ClientTask.objects.update(give_up_at=past)
    attempts.time_out(timezone.now())

    with pytest.raises(Refused, match="time is over"):
        clienttasks.complete(task, client())

    assert after(task).reason == Reason.UNCONFIRMED, "it had been taken: a person looks"


def test_nobody_is_given_a_task_that_is_about_to_end():
    task = offered(give_up_after_hours=1)

    with pytest.raises(Refused, match="time is over"):
        clienttasks.start(task, client(), now=later(minutes=59, seconds=45))


def test_a_word_that_comes_while_the_attempt_is_busy_is_passed_on_later():
    task = clienttasks.start(offered(), client())
    Attempt.objects.filter(pk=task.attempt_id).update(state=State.WAITING, due_at=later(hours=1))

    task = clienttasks.complete(task, client())
    assert (task.state, task.answered) == (TaskState.REPORTED, False)
    assert StageRun.objects.get(pk=task.run_id).deadline > later(days=2), "heard of is heard of"
    Attempt.objects.filter(pk=task.attempt_id).update(state=State.PARKED)
    clienttasks.tend(timezone.now())

    assert after(task).state == State.SUCCEEDED


def test_of_two_stages_each_has_its_task_and_waits_for_its_own():
    config = {"files": FILES}
    attempt = builders.attempt(
        {"name": "a", "kind": "client_action", "config": config, "run_after": []},
        {"name": "b", "kind": "client_action", "config": {"files": [{**FILES[0], "format": "xml"}]}, "run_after": []},
    )
    loop.run_now(attempt.pk)
    first, second = ClientTask.objects.order_by("created_at")

    clienttasks.start(first, client())
    clienttasks.complete(first, client())
    assert after(first).state == State.PARKED
    clienttasks.start(second, client())
    clienttasks.complete(second, client())

    assert after(second).state == State.SUCCEEDED


def test_a_task_is_forgotten_three_days_after_its_end():
    task = clienttasks.start(offered(), client())
    clienttasks.complete(task, client())
    after(task)

    clienttasks.forget(later(hours=71))
    assert ClientTask.objects.filter(pk=task.pk).exists()
    clienttasks.forget(later(hours=73))

    assert not ClientTask.objects.exists()
    assert Attempt.objects.get(pk=task.attempt_id).state == State.SUCCEEDED
