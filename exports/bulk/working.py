"""The slices of bulk jobs that the sweep does: gather, do, watch, settle. A job belongs to one loop while its slice
runs (its row is locked), and every subject is done in the transaction that says so: a crash repeats nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import scope
from accounts.policy import Principal
from audit import rows, trail
from exports import doorbell
from exports.bulk import acts, moves, results
from exports.bulk.acts import ATTEMPTS, DOCUMENTS, EXCLUSIONS
from exports.bulk.asking import STOPPED
from exports.bulk.options import Options
from exports.models import Attempt, Job, JobItem
from exports.predicate import Predicate
from exports.states import JobState
from pipelines.refusals import Refused

GATHERED = 2000
"""Subjects that one slice gathers."""
SLICE = 20
"""Subjects that one slice does in one transaction."""
LOOK_AGAIN = timedelta(seconds=1)
"""Between two looks at what becomes of attempts that are on their way."""
AHEAD = 2 * SLICE
"""Attempts on their way at most where their results may stop the job: else all would be sent before the first fails."""
KNOWN = 10
"""Results that are known before their share of failures may stop a job."""

UNDER_WAY = (JobState.GATHERING, JobState.RUNNING, JobState.WATCHING, JobState.SETTLING)


def advance(seconds: float) -> int:
    """Work on open jobs for about `seconds`; part of the sweep. Returns how many slices found something to do."""
    until = time.monotonic() + seconds
    slices = 0
    while time.monotonic() < until:
        now = timezone.now()
        open_jobs = Job.unscoped.filter(finished_at=None, cancelled_at=None, state__in=UNDER_WAY)
        ready = open_jobs.filter(Q(next_at=None) | Q(next_at__lte=now)).order_by("id")
        did = 0
        for pk, organization_id in list(ready.values_list("pk", "organization_id")[:20]):
            with scope.to(organization_id):
                did += slice_of(pk)
            if time.monotonic() >= until:
                break
        slices += did
        if not did:
            break
    return slices


def slice_of(job_id: int) -> bool:
    """One step of one job; False when another loop has it, or nothing can be done now."""
    with transaction.atomic():
        job = Job.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=job_id).first()
        if job is None or job.state not in UNDER_WAY:
            return False
        try:
            return _STEPS[JobState(job.state)](job)
        except Refused as refusal:  # such as a predicate whose filter is gone
            moves.move(job, JobState.PAUSED, actor=_ACTOR, verb="stop", why=refusal.message,
                       paused_why=f"{STOPPED}{refusal.message}"[:300])  # fmt: skip
            return True


_ACTOR = "waybill:bulk"


def _gather(job: Job) -> bool:
    chosen = acts.act(job.kind)
    predicate = Predicate.from_json(job.predicate)
    found = _by_document(job, chosen, predicate) if (
        chosen.about == ATTEMPTS and job.of == DOCUMENTS
    ) else _by_subject(job, chosen, predicate)  # fmt: skip
    items = [
        rows.new(
            JobItem,
            organization_id=job.organization_id,
            job_id=job.pk,
            position=job.total + number,
            document_id=document_id,
            attempt_id=attempt_id,
            outcome="excluded" if code else "",
            said=EXCLUSIONS[code] if code else "",
        )
        for number, (_, document_id, attempt_id, code) in enumerate(found, start=1)
    ]
    rows.insert(JobItem, items)
    job.total += len(items)
    job.todo += sum(not item.outcome for item in items)
    if found:
        job.cursor = found[-1][0]
        job.save(update_fields=["total", "todo", "cursor"])
    if len(found) < GATHERED:
        moves.move(job, JobState.RUNNING, actor=_ACTOR, begun_at=timezone.now())
    return True


def _by_subject(job: Job, chosen: acts.Act, predicate: Predicate) -> list[tuple[int, int, int | None, str]]:
    """(id, document, attempt, exclusion) of the next subjects, by id."""
    found = acts.subjects(chosen, job.of, predicate).filter(pk__gt=job.cursor, pk__lte=job.upto).order_by("pk")
    if chosen.about == ATTEMPTS:
        taken = found.filter(document__isnull=False).values_list("pk", "document_id", "exclusion")[:GATHERED]
        return [(pk, document_id, pk, code) for pk, document_id, code in taken]
    return [(pk, pk, None, code) for pk, code in found.values_list("pk", "exclusion")[:GATHERED]]


def _by_document(job: Job, chosen: acts.Act, predicate: Predicate) -> list[tuple[int, int, int | None, str]]:
    """The next documents of the list, each with its newest attempt; one that has none is left out."""
    listed = predicate.documents().order_by("pk").filter(pk__gt=job.cursor, pk__lte=job.upto)
    ids = list(listed.values_list("pk", flat=True)[:GATHERED])
    newest = Attempt.objects.filter(~acts.newer(), document_id__in=ids).annotate(exclusion=chosen.exclusion)
    known = {document_id: (pk, code) for pk, document_id, code in newest.values_list("pk", "document_id", "exclusion")}
    return [(pk, pk, *known.get(pk, (None, "never"))) for pk in ids]


def _do(job: Job) -> bool:
    options = Options.read(job.options)
    now = timezone.now()
    results.settle(job)
    if _stopped(job, options):
        return True
    if options.canary and not job.canary_passed and job.done >= min(options.canary, job.todo):
        return moves.move(job, JobState.WATCHING, actor=_ACTOR, next_at=now + LOOK_AGAIN)
    ahead = 0 if options.in_turn else AHEAD if options.stop_above < 100 else None
    if ahead is not None and results.on_their_way(job, more_than=ahead):
        _later(job, LOOK_AGAIN)
        return False
    items = _next_items(job, options)
    if not items:
        moves.move(job, JobState.SETTLING, actor=_ACTOR, next_at=None)
        return True
    chosen = acts.act(job.kind)
    by = Principal(job.requested_by, job.organization_id, frozenset({chosen.permission}))
    for item in items:
        _one(item, chosen, by, job.why, options)
    job.done += len(items)
    pace = timedelta(minutes=len(items) / options.per_minute) if options.per_minute else None
    job.next_at = now + pace if pace else None
    job.save(update_fields=["done", "next_at"])
    doorbell.ring()
    return True


def _next_items(job: Job, options: Options) -> list[JobItem]:
    most = 1 if options.in_turn else SLICE
    if options.per_minute:
        most = min(most, max(1, options.per_minute // 60))
    if options.canary and not job.canary_passed:
        most = min(most, options.canary - job.done)
    todo = job.items.filter(outcome="").select_related("attempt", "document", "document__queue")
    return list(todo.order_by("position" if options.order == "oldest" else "-position")[:most])


def _one(item: JobItem, chosen: acts.Act, by: Principal, why: str, options: Options) -> None:
    try:
        with transaction.atomic():
            item.made = chosen.do(item, by, why, options)
        item.outcome, item.said = "done", ""
    except Refused as refusal:
        item.outcome, item.said = "refused", refusal.message[:300]
    item.save(update_fields=["made", "outcome", "said"])


def _stopped(job: Job, options: Options) -> bool:
    """Whether too many of the known results are failures: then a person decides."""
    if options.stop_above >= 100:
        return False
    known, failed = results.shares(job)
    if known < KNOWN or failed * 100 <= options.stop_above * known:
        return False
    return _stop(job, f"{failed} of the {known} results so far are failures, more than {options.stop_above} %.")


def _stop(job: Job, told: str) -> bool:
    return moves.move(
        job, JobState.PAUSED, actor=_ACTOR, verb="stop", why=told, paused_why=f"{STOPPED}{told}"[:300], next_at=None
    )


def _watch(job: Job) -> bool:
    """Until every canary has ended; then on, or to a person."""
    results.settle(job)
    if results.on_their_way(job):
        _later(job, LOOK_AGAIN)
        return False
    known, failed = results.shares(job)
    options = Options.read(job.options)
    most = 0 if options.stop_above >= 100 else options.stop_above
    if failed * 100 > most * max(known, 1):
        return _stop(job, f"{failed} of the {known} canaries failed again.")
    return moves.move(job, JobState.RUNNING, actor=_ACTOR, canary_passed=True, next_at=None)


def _settle(job: Job) -> bool:
    results.settle(job)
    if results.on_their_way(job):
        _later(job, LOOK_AGAIN)
        return False
    with transaction.atomic():
        if moves.move(job, JobState.FINISHED, actor=_ACTOR, finished_at=timezone.now()):
            trail.record(
                "job.finish",
                f"job:{job.pk}",
                organization_id=job.organization_id,
                actor=_ACTOR,
                detail=results.report(job).json(),
            )
    return True


def _later(job: Job, wait: timedelta) -> None:
    Job.objects.filter(pk=job.pk).update(next_at=timezone.now() + wait)


_STEPS: dict[JobState, Callable[[Job], bool]] = {
    JobState.GATHERING: _gather,
    JobState.RUNNING: _do,
    JobState.WATCHING: _watch,
    JobState.SETTLING: _settle,
}
