"""Whose turn it is: sources that have something to do, each held by one loop at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from exports.ids import uuid7
from exports.models import Claim, SourceState
from exports.states import ClaimState, Status
from pipelines.models import Source

LEASE = timedelta(seconds=4.5 * settings.LEASE_SECONDS)
"""Longer than any one call to the other side takes; renewed between them."""

OVER = (Status.EXPORTED, Status.FAILED_EXPORT, Status.REJECTED, Status.DELETED, Status.PURGED)
"""Where nothing more becomes of a document by itself."""


class LostError(Exception):
    """Another loop has this source now: nothing more is done in this turn."""


def adopt() -> None:
    """Every source has a state; a new one looks at once."""
    known = SourceState.unscoped.values("source_id")
    for pk, organization_id in Source.unscoped.exclude(pk__in=known).values_list("pk", "organization_id")[:50]:
        SourceState.unscoped.bulk_create(
            [SourceState(organization_id=organization_id, source_id=pk)], ignore_conflicts=True
        )


def hold(room: int, holder: str) -> list[SourceState]:
    """Up to `room` sources that have something to do, held by a new lease each."""
    now = timezone.now()
    held = []
    with transaction.atomic():
        due = _due(now).order_by("next_at", "pk").select_for_update(skip_locked=True, of=("self",))
        for state in due.select_related("source__destination", "source__queue")[:room]:
            state.lease, state.held_until, state.holder = uuid7(), now + LEASE, holder[:100]
            rows = SourceState.unscoped.filter(pk=state.pk).filter(Q(lease=None) | Q(held_until__lte=now))
            if rows.update(lease=state.lease, held_until=state.held_until, holder=state.holder):
                held.append(state)
    return held


def of_kinds(kinds: Iterable[str]) -> list[Source]:
    """The sources of these kinds that are not paused, of every organization."""
    return list(Source.unscoped.filter(kind__in=list(kinds), paused_at=None).order_by("pk"))


def told(source_id: int, kind: str) -> Source | None:
    """The source that a call names, before anybody knows whose it is."""
    rows = Source.unscoped.filter(pk=source_id, kind=kind).select_related("destination", "queue")
    found: Source | None = rows.first()
    return found


def hold_one(source: Source, holder: str) -> SourceState | None:
    """This source now, whether or not it is due. None where another loop has it."""
    now = timezone.now()
    adopt()
    state: SourceState = SourceState.unscoped.select_related("source__destination", "source__queue").get(source=source)
    lease = uuid7()
    rows = SourceState.unscoped.filter(pk=state.pk).filter(Q(lease=None) | Q(held_until__lte=now))
    if not rows.update(lease=lease, held_until=now + LEASE, holder=holder[:100]):
        return None
    state.lease, state.held_until, state.holder = lease, now + LEASE, holder[:100]
    return state


def renew(state_id: int, lease: UUID) -> None:
    """Raises LostError."""
    rows = SourceState.unscoped.filter(pk=state_id, lease=lease)
    if not rows.update(held_until=timezone.now() + LEASE):
        raise LostError


def release(
    state_id: int, lease: UUID | None, *, was: datetime, next_at: datetime | None = None, **changes: object
) -> bool:
    """Hand a source back with what its turn found out. `was` is when it was due: somebody who meanwhile asked for an
    earlier poll is not overruled."""
    rows = SourceState.unscoped.filter(pk=state_id, lease=lease)
    with transaction.atomic():
        if not rows.update(holder="", **changes):
            return False
        if next_at is not None:
            rows.filter(next_at=was).update(next_at=next_at)
        rows.update(lease=None, held_until=None)
    return True


def _due(now: datetime) -> Any:
    mine = Claim.unscoped.filter(source=OuterRef("source"))
    waiting = mine.filter(state__in=[ClaimState.CLAIMED, ClaimState.TO_REPORT], not_before__lte=now)
    ended = mine.filter(state=ClaimState.RUNNING, document__status__in=OVER)
    resolved = mine.filter(state=ClaimState.BLOCKED, document__isnull=False).exclude(
        document__status=Status.FAILED_EXPORT
    )
    free = SourceState.unscoped.filter(Q(lease=None) | Q(held_until__lte=now))
    open_ones = free.filter(source__paused_at=None).filter(
        Q(source__destination=None) | Q(source__destination__paused_at=None)
    )
    return open_ones.filter(Q(next_at__lte=now) | (Q(errors=0) & (Exists(waiting) | Exists(ended) | Exists(resolved))))
