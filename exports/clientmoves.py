"""The only module that moves the tasks of outside clients: each move one conditional UPDATE and its audit event.

The event's subject is the attempt, whose page shows who had the task and when."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal
from audit import trail
from exports.models import ClientTask
from exports.states import TASK_MOVES, TASK_OVER, TaskState


def move(
    task: ClientTask,
    to: TaskState,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    sources: Collection[TaskState] | None = None,
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bool:
    """Move a task of `by`'s organization to `to`. False when it is in no state that leads there."""
    allowed = {source for source, targets in TASK_MOVES.items() if to in targets}
    movable = ClientTask.unscoped.filter(
        pk=task.pk,
        organization_id=by.organization_id,
        state__in=sorted(allowed if sources is None else allowed & set(sources)),
    )
    if to in TASK_OVER:
        changes = {"ended_at": timezone.now(), "silent_at": None, **changes}
    with transaction.atomic():
        if not movable.update(state=to, **changes):
            return False
        trail.record(
            f"attempt.{verb}",
            f"attempt:{task.attempt_id}",
            organization_id=by.organization_id,
            actor=by.name,
            why=why,
            detail={"task": str(task.pk), "task_state": to, **(detail or {})},
        )
    return True
