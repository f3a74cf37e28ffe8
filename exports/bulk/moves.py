"""The only module that moves bulk jobs from one state to another: one conditional UPDATE and its audit event."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from audit import trail
from exports.models import Job
from exports.states import JOB_MOVES, JobState


def move(
    job: Job,
    to: JobState,
    *,
    actor: str,
    verb: str = "",
    why: str = "",
    sources: Collection[JobState] | None = None,
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bool:
    """False when the job is in no state that leads to `to`. Without a `verb` no event: a step of its own course."""
    leads_there = {source for source, targets in JOB_MOVES.items() if to in targets}
    movable = Job.objects.filter(pk=job.pk, state__in=sorted(leads_there & set(sources or leads_there)))
    with transaction.atomic():
        if not movable.update(state=to, **changes):
            return False
        if verb:
            trail.record(
                f"job.{verb}",
                f"job:{job.pk}",
                organization_id=job.organization_id,
                actor=actor,
                why=why,
                detail={"state": to, **(detail or {})},
            )
    job.state = to
    for name, value in changes.items():
        setattr(job, name, value)
    return True
