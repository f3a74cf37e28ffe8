"""Bulk requests as stored rows: what was asked survives every restart, and each subject is done exactly once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts import scope
from accounts.policy import Principal, require
from audit import trail
from exports import attempts, doorbell
from exports.models import Attempt, Job
from pipelines.refusals import Refused


def requeue_many(attempt_ids: Sequence[int], *, by: Principal, why: str, token: str) -> Job:
    """A job that re-queues these attempts one by one. The same `token` again gives the same job."""
    require(by, "exports.requeue_attempt")
    if not why.strip():
        raise Refused("Say why they are sent again: the reason is kept in the audit trail.")
    with transaction.atomic():
        job: Job
        job, made = Job.unscoped.get_or_create(
            organization_id=by.organization_id,
            token=token,
            defaults={
                "kind": "requeue",
                "subjects": list(dict.fromkeys(attempt_ids)),
                "requested_by": by.name,
                "why": why,
            },
        )
        if made:
            trail.record(
                "job.start",
                f"job:{job.pk}",
                organization_id=by.organization_id,
                actor=by.name,
                why=why,
                detail={"kind": job.kind, "subjects": len(job.subjects)},
            )
            doorbell.ring()
    return job


def cancel(job: Job, *, by: Principal) -> None:
    """What is done stays done; the rest is not begun."""
    require(by, "exports.change_job", job)
    with transaction.atomic():
        if Job.unscoped.filter(pk=job.pk, finished_at=None, cancelled_at=None).update(cancelled_at=timezone.now()):
            trail.record("job.cancel", f"job:{job.pk}", organization_id=job.organization_id, actor=by.name)


def advance(most: int) -> int:
    """Do up to `most` subjects of the oldest open jobs; part of the sweep. Returns how many were done."""
    done = 0
    for job in Job.unscoped.filter(finished_at=None, cancelled_at=None).order_by("id")[:10]:
        by = Principal(job.requested_by, job.organization_id, frozenset({"exports.requeue_attempt"}))
        with scope.to(job.organization_id):
            while done < most and _next(job, by):
                done += 1
    return done


def _next(job: Job, by: Principal) -> bool:
    """One subject and the cursor that says so, in one transaction. False when there is none, or another loop has it."""
    if job.done >= len(job.subjects):
        Job.unscoped.filter(pk=job.pk, finished_at=None).update(finished_at=timezone.now())
        return False
    with transaction.atomic():
        mine = Job.unscoped.filter(pk=job.pk, done=job.done, finished_at=None, cancelled_at=None)
        if not mine.update(done=job.done + 1):
            return False
        outcome = _requeue(job.subjects[job.done], by, job.why)
        job.outcomes[outcome] = job.outcomes.get(outcome, 0) + 1
        Job.unscoped.filter(pk=job.pk).update(outcomes=job.outcomes)
        job.done += 1
    return True


def _requeue(attempt_id: int, by: Principal, why: str) -> str:
    attempt = Attempt.unscoped.filter(pk=attempt_id, organization_id=by.organization_id).first()
    if attempt is None:
        return "not found"
    try:
        with transaction.atomic():
            attempts.requeue(attempt, by=by, why=why, trigger="bulk")
    except Refused as refusal:
        return refusal.message
    return "re-queued"
