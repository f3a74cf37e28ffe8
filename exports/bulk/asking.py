"""The preview of bulk work and the request for it; pausing, going on and cancelling.

Nothing happens while previewing. The request keeps the predicate, never a list from the browser: the job gathers what
matches by the same expression that the preview counted with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone

from accounts.policy import Principal, require
from audit import trail
from exports import doorbell, repeating
from exports.bulk import acts, moves
from exports.bulk.acts import ATTEMPTS, DOCUMENTS, EXCLUSIONS, Act
from exports.bulk.options import Options
from exports.models import Attempt, Document, Job, StageRun
from exports.predicate import Predicate
from exports.states import JobState, RunState, State
from pipelines.models import Destination
from pipelines.refusals import Refused

SAMPLE = 12
TYPICAL = 200
"""Ended attempts whose mean time makes the estimate."""
LOOKED_AT = 1000
"""Attempts whose stages the preview looks at; of more it says so."""
SIDE_BY_SIDE = 16
"""Attempts that the estimate takes to run at once: a careful figure, not what a machine can do."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a request would do if it were made now."""

    act: Act
    total: int
    """What matches."""
    count: int
    """Of these, what would be done."""
    excluded: dict[str, int] = field(default_factory=dict)
    """How many are left out, by the code of EXCLUSIONS."""
    reasons: dict[str, int] = field(default_factory=dict)
    """How many of what would be done failed for which reason."""
    repeats_sends: int = 0
    """How many of the first LOOKED_AT had a stage that reached the other side before another failed: the risk of a
    duplicate."""
    inexact: dict[str, int] = field(default_factory=dict)
    """Of the first LOOKED_AT, how many cannot be sent exactly as they were, by the reason."""
    paused: tuple[str, ...] = ()
    """Destinations that some of them go to first and that are paused: those wait there."""
    seconds: float | None = None
    """How long it may take; None where nothing is known yet."""
    sample: tuple[Any, ...] = ()

    @property
    def looked_at(self) -> int:
        """How many `repeats_sends` is of; 0 where it is of all."""
        return LOOKED_AT if self.count > LOOKED_AT else 0

    @property
    def left_out(self) -> list[tuple[str, int]]:
        """Each exclusion in words, the most frequent first."""
        return sorted(((EXCLUSIONS[code], number) for code, number in self.excluded.items()), key=lambda item: -item[1])


def preview(kind: str, predicate: Predicate, *, by: Principal, of: str = ATTEMPTS, options: Options) -> Preview:
    """Counts and a sample; in a bounded number of queries, whatever matches."""
    chosen = _allowed(kind, by, of)
    rows = acts.subjects(chosen, of, predicate)
    on_attempts = chosen.about == ATTEMPTS
    by_kind = ("exclusion", "reason") if on_attempts else ("exclusion",)
    counted = list(rows.values(*by_kind).annotate(number=Count("pk")).order_by())
    excluded: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for row in counted:
        bucket, key = (excluded, row["exclusion"]) if row["exclusion"] else (reasons, row.get("reason", ""))
        bucket[key] = bucket.get(key, 0) + row["number"]
    never = acts.never_exported(chosen, of, predicate)
    if never is not None and (number := never.count()):
        excluded["never"] = number
    count = sum(reasons.values())
    can = rows.filter(exclusion="")
    first = list(can.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT]) if count else []
    sends = kind in {"requeue", "export"}
    return Preview(
        act=chosen,
        total=count + sum(excluded.values()),
        count=count,
        excluded=excluded,
        reasons=reasons if on_attempts else {},
        repeats_sends=_repeats(first) if kind == "requeue" and not options.resume else 0,
        inexact=repeating.why_not_many(first, resume=options.resume) if kind == "requeue" else {},
        paused=_paused(can) if kind == "requeue" and count else (),
        seconds=_estimate(count, options) if sends and count else None,
        sample=tuple(_shown(first[:SAMPLE], on_attempts=on_attempts)),
    )


def ask(
    kind: str,
    predicate: Predicate,
    *,
    by: Principal,
    why: str,
    token: str,
    of: str = ATTEMPTS,
    options: Options | None = None,
    expected: int | None = None,
) -> Job:
    """Store the request; a worker takes it up. The same `token` again gives the same job."""
    chosen = _allowed(kind, by, of)
    require(by, "exports.add_job")
    options = options or Options()
    if useless := sorted(set(options.json()) - chosen.options):
        raise Refused(f'The option "{useless[0]}" means nothing for "{chosen.label}".')
    if options.frozen and options.newest:
        raise Refused("What is sent exactly as it was goes through the revision that it was sent by: leave newest out.")
    if not why.strip():
        raise Refused("Say why: the reason is kept with each of them and in the audit trail.")
    model = Document if DOCUMENTS in {of, chosen.about} else Attempt
    with transaction.atomic():
        job: Job
        job, made = Job.objects.get_or_create(
            token=token,
            defaults={
                "kind": kind,
                "of": of,
                "predicate": predicate.json(),
                "options": options.json(),
                "requested_by": by.name,
                "why": why.strip()[:2000],
                "expected": expected,
                "upto": model.objects.aggregate(last=Max("pk"))["last"] or 0,
                "organization_id": by.organization_id,
            },
        )
        if made:
            _record("start", job, by, why=why, detail={"kind": kind, "what": predicate.said()[:500]})
            doorbell.ring()
    return job


def pause(job: Job, *, by: Principal, why: str = "") -> None:
    """What is done stays done; nothing more is begun until somebody lets it go on."""
    require(by, "exports.change_job", job)
    told = why.strip()[:300] or "A person paused it."
    if not moves.move(job, JobState.PAUSED, actor=by.name, verb="pause", why=why, paused_why=told):
        job.refresh_from_db()
        if job.state != JobState.PAUSED:
            raise Refused(_over(job, "paused"))


def go_on(job: Job, *, by: Principal, why: str = "") -> None:
    """Let a paused job go on, whatever paused it; canaries that failed count as looked at."""
    require(by, "exports.change_job", job)
    to = JobState.RUNNING if job.begun_at is not None else JobState.GATHERING
    kept = {**job.options, "stop_above": 100} if job.paused_why.startswith(STOPPED) else job.options
    moved = moves.move(
        job, to, actor=by.name, verb="go_on", why=why, paused_why="", next_at=None, canary_passed=True, options=kept,
        sources={JobState.PAUSED},
    )  # fmt: skip
    if moved:
        doorbell.ring()
        return
    job.refresh_from_db()
    if job.state in {JobState.FINISHED, JobState.CANCELLED}:
        raise Refused(_over(job, "let go on"))


STOPPED = "Stopped by itself: "
"""How the reason of a pause begins that the job made for its own results."""


def cancel(job: Job, *, by: Principal) -> None:
    """What is done stays done; the rest is not begun."""
    require(by, "exports.change_job", job)
    now = timezone.now()
    if not moves.move(job, JobState.CANCELLED, actor=by.name, verb="cancel", cancelled_at=now):
        job.refresh_from_db()
        if job.state != JobState.CANCELLED:
            raise Refused(_over(job, "cancelled"))


def _over(job: Job, done: str) -> str:
    return f"The job is {job.state}; it can no longer be {done}."


def _allowed(kind: str, by: Principal, of: str) -> Act:
    chosen = acts.act(kind)
    require(by, chosen.permission)
    if of not in {ATTEMPTS, DOCUMENTS}:
        raise Refused(f'A bulk job is of "{ATTEMPTS}" or of "{DOCUMENTS}", not of "{of[:40]}".')
    return chosen


def _repeats(first: Sequence[int]) -> int:
    """Attempts with a finished stage that had sent something: sending again from the beginning sends that again."""
    reached = StageRun.objects.filter(
        attempt_id=OuterRef("pk"), state=RunState.FINISHED, exchanges__status__lt=300, exchanges__purpose="request"
    )
    return int(Attempt.objects.filter(Exists(reached.order_by()), pk__in=first).count())


def _paused(can: Any) -> tuple[str, ...]:
    paused = {
        f"{row.organization_id}/{row.pk}": row.name for row in Destination.objects.filter(paused_at__isnull=False)
    }
    lanes = can.filter(lane__in=list(paused)).values_list("lane", flat=True).distinct() if paused else []
    return tuple(sorted(paused[lane] for lane in lanes))


def _estimate(count: int, options: Options) -> float | None:
    recent = (
        Attempt.objects.filter(Q(state=State.SUCCEEDED), started_at__isnull=False, finished_at__isnull=False)
        .order_by("-id")
        .values("started_at", "finished_at")[:TYPICAL]
    )
    spans = [(row["finished_at"] - row["started_at"]).total_seconds() for row in recent]
    paced = count * 60 / options.per_minute if options.per_minute else 0.0
    if not spans:
        return paced or None
    mean: float = sum(spans) / len(spans)
    return max(paced, count * mean / (1 if options.in_turn else SIDE_BY_SIDE))


def _shown(ids: Sequence[int], *, on_attempts: bool) -> Any:
    if on_attempts:
        return (
            Attempt.objects.filter(pk__in=ids)
            .select_related("document")
            .only("pk", "state", "reason", "message", "number", "document__external_id", "organization_id")
            .order_by("pk")
        )
    rows = Document.objects.filter(pk__in=ids)
    return rows.only("pk", "external_id", "status", "organization_id").order_by("pk")


def _record(verb: str, job: Job, by: Principal, *, why: str = "", detail: dict[str, Any]) -> None:
    trail.record(
        f"job.{verb}",
        f"job:{job.pk}",
        organization_id=job.organization_id,
        actor=by.name,
        why=why,
        detail=detail,
    )
