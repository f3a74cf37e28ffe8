"""What a person, a robot or Waybill may ask of attempts: start, re-queue, cancel, pause, settle, answer.

An attempt is repeated at most once: asking twice gives the same new attempt, so a double click is safe.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from audit import trail
from exports import cases, doorbell, offering, tallies, transitions, worklist
from exports.ids import uuid7
from exports.models import Attempt, Document, StageRun
from exports.pauses import pause, resume
from exports.repeating import taken_over
from exports.sendings import TAKEN_OVER
from exports.states import ENDED, Reason, RunState, State, Status
from pipelines.models import Pipeline, Revision
from pipelines.refusals import Refused

OUTSIDE = "outside"
"""The trigger of an attempt that a robot made by itself (exports/robots.py)."""
BY_A_ROBOT = (
    "A robot exports these documents by itself, so there is nothing that Waybill could send again. Send the document "
    "back to review and confirm it: then the robot fetches it once more."
)

__all__ = ["Refused", "answer", "cancel", "pause", "requeue", "resume", "settle", "start", "time_out"]


def start(
    document: Document, *, by: Principal, trigger: str = "person", why: str = "", revision: Revision | None = None
) -> Attempt:
    """Ask for a document's export: it becomes exporting, with a queued attempt at its pipeline's published revision,
    or at the `revision` that is given."""
    require(by, "exports.export_document", document)
    revision = revision or _published(document)
    with transaction.atomic():
        if not transitions.move_document(document.pk, Status.EXPORTING, by=by, verb="export", why=why):
            status = Document.unscoped.values_list("status", flat=True).get(pk=document.pk)
            raise Refused(f"A document that is {status.replace('_', ' ')} cannot be exported.")
        last = document.attempts.order_by("-number").first()
        if last is not None and last.state == State.FAILED and last.reason == Reason.UNCONFIRMED:
            raise Refused(
                f"The outcome of attempt {last.number} is unknown: exporting again may book it twice. "
                "Look at the other side first, and settle that attempt."
            )
        return _queue(document, revision, by=by, trigger=trigger, why=why, last=last)


def requeue(
    attempt: Attempt,
    *,
    by: Principal,
    why: str,
    resume_from: str = "",
    newest: bool | None = None,
    trigger: str = "person",
    looked: bool = False,
    although_delivered: bool = False,
    frozen: bool = False,
) -> Attempt:
    """Repeat an ended attempt as a new one; asked again for the same attempt, returns the one it made before.

    `newest` takes the pipeline's published revision, False the attempt's own; None takes the newest where the
    failure was the pipeline's. `resume_from` takes over what the stages before that one did. `looked` says that
    somebody looked at the other side of an unconfirmed attempt, and that it did not arrive; `although_delivered` that
    an attempt that succeeded is to be sent once more. `frozen` sends exactly the bytes that it sent, under the same
    keys, through its own revision; raises Refused where they are not all kept (exports/repeating.py)."""
    require(by, "exports.requeue_attempt", attempt)
    if not why.strip():
        raise Refused("Say why it is sent again: the reason is kept in the audit trail.")
    if len(resume_from) > 100:
        raise Refused(f'There is no stage "{resume_from[:60]}…" to resume from.')
    with transaction.atomic():
        attempt = Attempt.unscoped.select_for_update(of=("self",)).get(pk=attempt.pk)
        if (made := attempt.repeated_by.first()) is not None:
            return made
        _check_repeatable(attempt, looked=looked, although_delivered=although_delivered)
        document = _document(attempt)
        if not transitions.move_document(
            document.pk, Status.EXPORTING, by=by, verb="requeue", why=why,
            sources={Status.FAILED_EXPORT, Status.EXPORTED, Status.CONFIRMED, Status.TO_REVIEW},
        ):  # fmt: skip
            raise Refused(f"The document is {document.status.replace('_', ' ')}; it must be put back first.")
        if frozen and newest:
            raise Refused("What is sent exactly as it was goes through the revision that it was sent by.")
        if newest is None:
            newest = attempt.reason == Reason.MISCONFIGURED and not frozen
        revision = _revision(attempt, document, newest=newest, resumes=bool(resume_from) or frozen)
        taken = taken_over(attempt, revision, resume_from, frozen=frozen)
        repeat = _queue(
            document, revision, by=by, trigger=trigger, why=why, repeats=attempt, resume_from=resume_from, frozen=frozen
        )
        _take_over(attempt, repeat, taken)
        return repeat


def cancel(attempt: Attempt, *, by: Principal, why: str = "") -> Attempt:
    """Stop an attempt that has not ended; its document goes back to where it can be exported from."""
    require(by, "exports.cancel_attempt", attempt)
    with transaction.atomic():
        locked: Attempt = Attempt.unscoped.select_for_update(of=("self",)).get(pk=attempt.pk)
        marked = StageRun.unscoped.filter(attempt_id=locked.pk, marked_at__isnull=False)
        if marked.filter(state=RunState.PARKED).exists():
            raise Refused("A client outside has taken it and may have done it. Say what became of it, or wait.")
        if marked.exists():
            raise Refused("A send is under way and its outcome not known yet. Wait for it to end.")
        if not transitions.move_attempt(
            locked.pk, State.CANCELLED, by=by, verb="cancel", why=why, finished_at=timezone.now()
        ):
            raise Refused(f"The attempt has {locked.state} already.")
        locked.refresh_from_db()
        offering.withdraw(locked, by=by, why=why)
        document = _document(locked)
        back = Status.CONFIRMED if document.queue.use_confirmed_state else Status.TO_REVIEW
        transitions.move_document(document.pk, back, by=by, verb="cancel_export", why=why, sources={Status.EXPORTING})
    locked.refresh_from_db()
    return locked


def settle(
    attempt: Attempt, *, by: Principal, delivered: bool, reference: str = "", why: str, frozen: bool = False
) -> Attempt:
    """Say what became of an unconfirmed attempt, after a look at the other side.

    Delivered, with the other side's reference: the attempt has succeeded and its document is exported. Not
    delivered: it is re-queued (`frozen`: exactly as it was sent), and the new attempt is returned."""
    require(by, "exports.settle_attempt", attempt)
    if attempt.reason != Reason.UNCONFIRMED:
        raise Refused("Only an attempt whose outcome is unconfirmed is settled.")
    if not delivered:
        return requeue(attempt, by=by, why=why, looked=True, frozen=frozen)
    if not reference.strip():
        raise Refused("Give the other side's reference, for example the document's number there.")
    with transaction.atomic():
        said = f"Settled as delivered by {by.name}: {reference}"
        moved = transitions.move_attempt(
            attempt.pk, State.SUCCEEDED, by=by, verb="settle", why=why, sources={State.FAILED},
            detail={"reference": reference}, message=said, reason="",
        )  # fmt: skip
        if not moved:
            raise Refused("Somebody else has settled or re-queued it meanwhile.")
        if attempt.finished_at is not None:
            tallies.settled(attempt.organization_id, attempt.finished_at)
        transitions.move_document(
            _document(attempt).pk, Status.EXPORTED, by=by, verb="settle", why=why,
            sources={Status.FAILED_EXPORT},
        )  # fmt: skip
    attempt.refresh_from_db()
    return attempt


def answer(attempt: Attempt, *, by: Principal, given: dict[str, Any]) -> bool:
    """Wake a parked attempt with what the outside client, receipt or poll said. False when it is not parked."""
    with transaction.atomic():
        moved = transitions.move_attempt(
            attempt.pk, State.QUEUED, by=by, verb="answer", sources={State.PARKED},
            answer={"stage": attempt.stage, **given}, due_at=timezone.now(),
        )  # fmt: skip
        if moved:
            doorbell.ring()
    return moved


def time_out(now: datetime) -> int:
    """Queue what is parked past a deadline; part of the sweep. The worker that claims it fails the stage whose time
    is over, and goes on with what does not wait for that one: other parked stages keep their own deadlines."""
    late = Attempt.unscoped.filter(state=State.PARKED, deadline__lt=now).values_list("id", "organization_id")
    woken = 0
    for pk, organization_id in list(late[:500]):
        by = Principal.system("sweep", organization_id)
        with transaction.atomic():
            if transitions.move_attempt(
                pk, State.QUEUED, by=by, verb="time_out", sources={State.PARKED}, due_at=now
            ):  # fmt: skip
                woken += 1
                doorbell.ring()
    return woken


def _published(document: Document) -> Revision:
    pipeline = document.queue.pipeline
    if pipeline is None or pipeline.published is None:
        lacks = "no pipeline" if pipeline is None else f"a pipeline ({pipeline.name}) that is not published yet"
        message = f'The queue "{document.queue.name}" has {lacks}. Publish one for it, then ask again.'
        raise Refused(message)
    published: Revision = pipeline.published
    return published


def _document(attempt: Attempt) -> Document:
    if attempt.document is None:
        raise Refused("This attempt exports no document.")
    return attempt.document


def _revision(attempt: Attempt, document: Document, *, newest: bool, resumes: bool) -> Revision:
    """The one that a repeat takes. What a robot did by itself is repeated by the queue's own pipeline, if by any."""
    pipeline: Pipeline | None = attempt.revision.pipeline
    if attempt.trigger == OUTSIDE:
        pipeline, newest = document.queue.pipeline, True
        if resumes or not can_be_sent(attempt, document):
            raise Refused(BY_A_ROBOT)
    published = pipeline.published if pipeline is not None and newest else None
    return published or attempt.revision


def can_be_sent(attempt: Attempt, document: Document) -> bool:
    """Whether Waybill could repeat it: what a robot did by itself only where the queue has a pipeline of its own."""
    pipeline = document.queue.pipeline
    return attempt.trigger != OUTSIDE or (pipeline is not None and pipeline.published_id is not None)


def _check_repeatable(attempt: Attempt, *, looked: bool, although_delivered: bool) -> None:
    if attempt.state not in ENDED:
        raise Refused(f"The attempt is {attempt.state}; it is repeated only when it has ended.")
    newer = Attempt.unscoped.filter(document_id=attempt.document_id, number__gt=attempt.number).first()
    if newer is not None:
        raise Refused(f"Attempt {newer.number} of this document is newer; repeat that one.")
    if attempt.state == State.SUCCEEDED and not although_delivered:
        raise Refused(
            "It has been delivered: sending it once more may book it twice. Say that this is wanted although it was."
        )
    if attempt.reason == Reason.UNCONFIRMED and attempt.state == State.FAILED and not looked:
        raise Refused(
            "The outcome of its send is unknown: sending again may book it twice. Look at the other side first, "
            "then say whether it arrived."
        )


def _queue(
    document: Document,
    revision: Revision,
    *,
    by: Principal,
    trigger: str,
    why: str,
    repeats: Attempt | None = None,
    resume_from: str = "",
    last: Attempt | None = None,
    frozen: bool = False,
) -> Attempt:
    """`last` is the document's newest attempt: the same bytes sent again carry the same Idempotency-Key as then."""
    last = repeats or last
    attempt = Attempt(
        organization_id=document.organization_id,
        document=document,
        revision=revision,
        number=last.number + 1 if last is not None else 1,
        repeats=repeats,
        lineage=(last.lineage or last.pk) if last is not None else None,
        trigger=trigger,
        requested_by=by.name,
        why=why,
        resume_from=resume_from,
        frozen=frozen,
        lane=worklist.lane(document.organization_id, _first_destination(revision, document.queue_id)),
    )
    attempt.save(force_insert=True)
    trail.record(
        "attempt.queue",
        f"attempt:{attempt.pk}",
        organization_id=document.organization_id,
        actor=by.name,
        why=why,
        detail={
            "document": document.pk,
            "revision": revision.pk,
            "repeats": repeats.pk if repeats else None,
            **({"frozen": True} if frozen else {}),
        },
    )
    doorbell.ring()
    return attempt


def _first_destination(revision: Revision, queue_id: int) -> int | None:
    steps = cases.definition_of(revision.pk).for_queue(queue_id)
    return next((step.destination_id for step in steps if step.sends), None)


def _take_over(attempt: Attempt, repeat: Attempt, stages: list[str]) -> None:
    """Copy the runs of these stages into the new attempt."""
    for run in StageRun.unscoped.filter(attempt_id=attempt.pk, name__in=stages):
        run.pk = uuid7()
        run.attempt_id = repeat.pk
        run.note = f"{TAKEN_OVER} {attempt.number}. {run.note}".strip()
        run.save(force_insert=True)
