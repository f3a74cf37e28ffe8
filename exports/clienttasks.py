"""What clients outside do with tasks: take one, report on it, give it back; and what people and the sweep do instead.

Taking is one conditional UPDATE, so of two clients one gets the task. While a client has it, and after one fell
silent, the stage run carries the mark of a send whose end nobody saw (docs/operate/engine.md): such an attempt is not
cancelled, and fails as unconfirmed when nobody ever reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from exports import attempts, clientmoves, offering
from exports.models import Attempt, ClientTask, StageRun
from exports.states import ENDED, TASK_OVER, RunState, State, TaskState
from pipelines import keepable
from pipelines.refusals import Refused

COMPLETED, FAILED, SILENT = "completed", "failed", "silent"
KEPT_FOR = timedelta(hours=72)
"""How long a task that is over stays visible."""
LAST_CALL = timedelta(seconds=30)
"""So long before its deadline a task is not given to anybody any more: a worker may be about to end it."""
MESSAGE = 4096


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: whom it stands for, and with which credential, by which two programs of one robot are told apart."""

    by: Principal
    holder: str = ""


def start(task: ClientTask, client: Client, *, idempotency_key: str = "", now: datetime | None = None) -> ClientTask:
    """Take a task. The same client with the same key gets it once more, as it was given.

    Raises Refused where somebody else has it, or it is over."""
    require(client.by, "exports.act_clienttask", task)
    now = now or timezone.now()
    idempotency_key = keepable.text(idempotency_key)[:255]
    with transaction.atomic():
        task = _locked(task)
        if _is_repeat(task, client, idempotency_key):
            return task
        if task.state != TaskState.OFFERED:
            raise _not_now(task)
        if task.give_up_at - LAST_CALL <= now:
            raise Refused("Its time is over.")
        run = StageRun.objects.filter(pk=task.run_id, state=RunState.PARKED)
        if task.attempt.state in ENDED or not run.update(marked_at=now):
            raise Refused("Its export has ended meanwhile.")
        clientmoves.move(
            task, TaskState.STARTED, by=client.by, verb="start_task", sources={TaskState.OFFERED},
            starts=task.starts + 1, started_at=now, started_by=client.by.name[:200], holder=client.holder[:80],
            silent_at=now + timedelta(minutes=task.timeout_minutes), idempotency_key=idempotency_key,
        )  # fmt: skip
    task.refresh_from_db()
    return task


def complete(task: ClientTask, client: Client) -> ClientTask:
    """The client has done it: the attempt goes on. Asked again: as before. Raises Refused where it is not the client's
    to say, or it has said otherwise."""
    return _report(task, client, COMPLETED, "", verb="complete_task")


def fail(task: ClientTask, client: Client, *, message: str = "") -> ClientTask:
    """The client cannot do it, now or ever: the attempt is rejected with its message. Asked again: as before."""
    return _report(task, client, FAILED, message, verb="fail_task")


def give_back(task: ClientTask, client: Client, *, why: str = "") -> ClientTask:
    """The client lets go of the task, which is offered again at once. Raises Refused where the client does not have
    it."""
    require(client.by, "exports.act_clienttask", task)
    with transaction.atomic():
        task = _locked(task)
        _check_holder(task, client)
        _offer_again(task, by=client.by, verb="cancel_task", why=why)
    task.refresh_from_db()
    return task


def release(task: ClientTask, *, by: Principal, why: str) -> ClientTask:
    """A person takes the task from a client that is known to be gone: it is offered again at once, and the silence is
    remembered. Raises Refused without a reason, or where nobody has it."""
    require(by, "exports.settle_attempt", task.attempt)
    _need(why, "Say why it is offered again: the reason is kept in the audit trail.")
    with transaction.atomic():
        task = _locked(task)
        if task.state != TaskState.STARTED:
            raise Refused("No client has it now.")
        _offer_again(task, by=by, verb="release_task", why=why, silent=True)
    task.refresh_from_db()
    return task


def settle(task: ClientTask, *, by: Principal, delivered: bool, reference: str = "", why: str) -> ClientTask:
    """A person says what became of a task, after a look at the other side. Delivered, with its reference there: the
    attempt goes on. Not delivered: the attempt fails as rejected with the reason."""
    require(by, "exports.settle_attempt", task.attempt)
    _need(why, "Say how you know: the reason is kept in the audit trail.")
    if delivered:
        _need(reference, "Give the other side's reference, for example the document's number there.")
    with transaction.atomic():
        task = _locked(task)
        if task.state not in {TaskState.OFFERED, TaskState.STARTED}:
            raise _not_now(task)
        if _too_late(task):
            raise Refused("Its time is over: a worker is ending it. Then say what became of the attempt.")
        told = f"Its reference there: {reference}" if delivered else why
        outcome = COMPLETED if delivered else FAILED
        _say(task, outcome, told, by=by, verb="settle_task", why=why, detail={"reference": reference})
        if delivered:
            Attempt.objects.filter(pk=task.attempt_id).update(reference=reference[:200])
    task.refresh_from_db()
    return task


# The sweep, for all organizations


def tend(now: datetime) -> None:
    """What no client and no person does: silences, words that have not reached their attempt yet, tasks whose attempt
    has ended otherwise, and forgetting."""
    _fall_silent(now)
    _pass_on()
    for attempt in Attempt.unscoped.filter(
        client_tasks__state__in=sorted(set(TaskState) - TASK_OVER), state__in=sorted(ENDED)
    )[:200]:
        offering.withdraw(attempt, by=Principal.system("sweep", attempt.organization_id))


def forget(now: datetime) -> None:
    over = ClientTask.unscoped.filter(ended_at__lt=now - KEPT_FOR)
    ClientTask.unscoped.filter(pk__in=list(over.order_by("ended_at").values_list("pk", flat=True)[:500])).delete()


def _fall_silent(now: datetime) -> None:
    late = ClientTask.unscoped.filter(state=TaskState.STARTED, silent_at__lte=now).order_by("silent_at")
    for found in list(late[:500]):
        by = Principal.system("sweep", found.organization_id)
        with transaction.atomic():
            task = _locked(found)
            if task.state != TaskState.STARTED or task.silent_at is None or task.silent_at > now:
                continue
            if task.again:
                _offer_again(task, by=by, verb="lapse_task", silent=True)
            elif not _too_late(task):
                _say(task, SILENT, "", by=by, verb="lapse_task", of=task.started_by)


def _pass_on() -> None:
    """An attempt is woken only while it is parked: one that was busy with another stage is woken here, later."""
    untold = ClientTask.unscoped.filter(state=TaskState.REPORTED, answered=False, attempt__state=State.PARKED)
    for found in list(untold[:500]):
        with transaction.atomic():
            task = _locked(found)
            if task.state == TaskState.REPORTED and not task.answered:
                _wake(task, by=Principal.system("sweep", task.organization_id))


# Inside one transaction


def _locked(task: ClientTask) -> ClientTask:
    """The task as it is now, its attempt locked before it: in the order in which the ledger and the verbs lock."""
    Attempt.unscoped.select_for_update(of=("self",)).get(pk=task.attempt_id)
    found: ClientTask = ClientTask.unscoped.select_related("attempt", "run").get(pk=task.pk)
    return found


def _report(task: ClientTask, client: Client, outcome: str, message: str, *, verb: str) -> ClientTask:
    require(client.by, "exports.act_clienttask", task)
    message = keepable.text(message.strip())[:MESSAGE]
    with transaction.atomic():
        task = _locked(task)
        if task.outcome == outcome and task.reported_by == client.by.name[:200]:
            return task
        _check_holder(task, client)
        if _too_late(task):
            raise Refused("Its time is over: a worker is ending it.")
        _say(task, outcome, message, by=client.by, verb=verb, why=message[:500])
    task.refresh_from_db()
    return task


def _say(
    task: ClientTask,
    outcome: str,
    message: str,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    of: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """The outcome is known: the run's mark goes, and its attempt is woken."""
    reported_by = (of or by.name)[:200]
    clientmoves.move(
        task, TaskState.REPORTED, by=by, verb=verb, why=why, detail=detail,
        outcome=outcome, message=message, reported_by=reported_by, silent_at=None,
    )  # fmt: skip
    StageRun.unscoped.filter(pk=task.run_id).update(marked_at=None)
    task.outcome, task.message, task.reported_by = outcome, message, reported_by
    _wake(task, by=by)


def _too_late(task: ClientTask) -> bool:
    """Its deadline has come, and a worker that does not know of any report has the attempt already, or soon."""
    return task.attempt.state != State.PARKED and task.give_up_at - LAST_CALL <= timezone.now()


def _wake(task: ClientTask, *, by: Principal) -> None:
    given = {
        "stage": task.run.name, "outcome": task.outcome, "message": task.message, "client": task.reported_by,
    }  # fmt: skip
    if attempts.answer(task.attempt, by=by, given=given):
        ClientTask.unscoped.filter(pk=task.pk).update(answered=True)
    else:  # the deadline was for hearing of it, and that it was
        StageRun.unscoped.filter(pk=task.run_id).update(deadline=timezone.now() + KEPT_FOR)


def _offer_again(task: ClientTask, *, by: Principal, verb: str, why: str = "", silent: bool = False) -> None:
    """After a silence the run keeps its mark: whoever had the task may have done it."""
    changes: dict[str, Any] = {"silent_at": None, "holder": "", "idempotency_key": ""}
    if silent:
        changes |= {"silences": task.silences + 1, "former_holders": [*task.former_holders, task.holder][-20:]}
    elif not task.silences:
        StageRun.unscoped.filter(pk=task.run_id).update(marked_at=None)
    detail = {"client": task.started_by}
    clientmoves.move(
        task, TaskState.OFFERED, by=by, verb=verb, why=why, sources={TaskState.STARTED}, detail=detail, **changes
    )


def _is_repeat(task: ClientTask, client: Client, idempotency_key: str) -> bool:
    return bool(
        task.state == TaskState.STARTED
        and idempotency_key
        and task.idempotency_key == idempotency_key
        and task.started_by == client.by.name[:200]
    )


def _check_holder(task: ClientTask, client: Client) -> None:
    """Whoever took it may report. A token that lost it to a silence may not, though its robot has it again: what it
    says is about the time before."""
    if task.state != TaskState.STARTED:
        raise _not_now(task)
    if task.started_by != client.by.name[:200]:
        raise Refused("Another client has it now.")
    if client.holder and client.holder != task.holder and client.holder in task.former_holders:
        raise Refused("It was offered again after a silence, and another client has it now.")


_NOW: dict[str, Callable[[ClientTask], str]] = {
    TaskState.OFFERED: lambda task: (
        "It waits for a client to start it." + (" It was offered again after a silence." if task.silences else "")
    ),
    TaskState.STARTED: lambda _: "A client has started it already.",
    TaskState.REPORTED: lambda task: f"It was reported as {task.outcome} already.",
}


def _not_now(task: ClientTask) -> Refused:
    tell = _NOW.get(task.state)
    return Refused(tell(task) if tell else f"It is {task.state.replace('_', ' ')}.")


def _need(text: str, message: str) -> None:
    if not text.strip():
        raise Refused(message)
