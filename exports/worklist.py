"""What is due, and who gets it: claims in batches, fair between lanes, within each destination's limit.

A lane is an organization and the destination its pipeline sends to first ("7/12"; "7/0" without one).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from exports import breakers, transitions
from exports.ids import uuid7
from exports.models import Attempt
from exports.states import State
from pipelines.models import Destination

SUSPECT = 2
"""Lapses from which on an attempt runs alone in its process: if it is what kills workers, it kills no other's work."""

LANE_LIMIT = 64
"""Sends at once that a lane without a destination is given room for."""

ROOM = 2
"""Attempts that run for each send that may be under way: while one is being sent, another renders or records."""

# One index probe a lane, however long the list: "loose index scan".
_LANES = """
WITH RECURSIVE lanes(lane) AS (
    SELECT min(lane) FROM exports_attempt WHERE state = %s
    UNION ALL
    SELECT (SELECT min(lane) FROM exports_attempt WHERE state = %s AND lane > lanes.lane) FROM lanes
    WHERE lanes.lane IS NOT NULL
)
SELECT lane FROM lanes WHERE lane IS NOT NULL
"""


def lane(organization_id: int, destination_id: int | None) -> str:
    return f"{organization_id}/{destination_id or 0}"


def place(lane: str) -> int:
    """The destination's id of a lane; 0 without one."""
    return int(lane.partition("/")[2])


def claim(worker: str, most: int) -> tuple[UUID | None, list[int]]:
    """Up to `most` due attempts for this worker, round robin over the lanes, and their lease; (None, []) if none."""
    now = timezone.now()
    lanes = _due_lanes()
    if not lanes:
        return None, []
    lease = uuid7()
    with transaction.atomic():
        room = _room(lanes)
        waiting: deque[deque[int]] = deque()
        probes: dict[int, int] = {}
        for name in lanes:
            if room[name] <= 0:
                continue
            due = (
                Attempt.unscoped.filter(state=State.QUEUED, lane=name, due_at__lte=now, lapses__lt=SUSPECT)
                .select_for_update(skip_locked=True, of=("self",))
                .order_by("due_at", "id")
                .values_list("id", flat=True)[: min(room[name], most)]
            )
            if ids := deque(due):
                waiting.append(ids)
                if breakers.probing(there := place(name)):
                    probes[ids[0]] = there
        chosen: list[int] = []
        while waiting and len(chosen) < most:
            ids = waiting.popleft()
            chosen.append(ids.popleft())
            if ids:
                waiting.append(ids)
        chosen = [pk for pk in chosen if pk not in probes or breakers.take(probes[pk], pk)]
        if not chosen:
            return None, []
        ends_at = now + timedelta(seconds=settings.LEASE_SECONDS)
        claimed = set(transitions.claim(chosen, lease=lease, ends_at=ends_at, worker=worker))
    return lease, [pk for pk in chosen if pk in claimed]


def busy() -> bool:
    """Whether work is due that no loop has taken yet, or that cannot be taken because its destination is paused."""
    return Attempt.unscoped.filter(state=State.QUEUED, due_at__lte=timezone.now()).exists()


def suspects() -> bool:
    """Whether an attempt waits to be run alone."""
    return _suspects().exists()


def claim_suspect(worker: str) -> tuple[UUID | None, list[int]]:
    """One attempt that has taken its worker down before, and its lease."""
    lease = uuid7()
    ends_at = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        ids = list(_suspects().select_for_update(skip_locked=True).values_list("id", flat=True)[:1])
        claimed = transitions.claim(ids, lease=lease, ends_at=ends_at, worker=worker) if ids else []
    return (lease, claimed) if claimed else (None, [])


def _suspects() -> QuerySet[Attempt]:
    paused = Destination.unscoped.filter(paused_at__isnull=False).values_list("organization_id", "pk")
    due = Attempt.unscoped.filter(state=State.QUEUED, lapses__gte=SUSPECT, due_at__lte=timezone.now())
    return due.exclude(lane__in=[lane(*place) for place in paused]).order_by("due_at")


def claim_one(attempt_id: int, worker: str) -> UUID:
    """Claim this attempt, whatever its lane: for driving it by hand. Its lease lasts an hour."""
    lease = uuid7()
    breakers.look()
    with transaction.atomic():
        transitions.claim([attempt_id], lease=lease, ends_at=timezone.now() + timedelta(hours=1), worker=worker)
    return lease


def renew(leases: Sequence[UUID]) -> None:
    """The heartbeat: what this worker still drives stays its own.

    Rows are locked by id first, as the ledger locks them: an UPDATE takes them as it finds them, and the two would wait
    for each other in a circle."""
    if not leases:
        return
    ends_at = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        ours = Attempt.unscoped.select_for_update(of=("self",)).filter(lease__in=leases, state=State.RUNNING)
        held = list(ours.order_by("pk").values_list("pk", flat=True))
        Attempt.unscoped.filter(pk__in=held).update(lease_ends_at=ends_at)


def _due_lanes() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_LANES, [State.QUEUED.value, State.QUEUED.value])
        return [name for (name,) in cursor.fetchall()]


def _room(lanes: Sequence[str]) -> dict[str, int]:
    """How many more attempts may run in each lane now; none while its destination is paused."""
    running = dict(
        Attempt.unscoped.filter(state=State.RUNNING, lane__in=lanes)
        .order_by()
        .values("lane")
        .annotate(n=Count("id"))
        .values_list("lane", "n")
    )
    named = {place(name) for name in lanes}
    broken = breakers.look()
    known = {row.pk: row for row in Destination.unscoped.filter(pk__in=named - {0})}
    room = {}
    for name in lanes:
        destination = known.get(place(name))
        if destination is not None and destination.paused_at is not None:
            room[name] = 0
            continue
        limit = destination.concurrency if destination is not None else LANE_LIMIT
        busy = running.get(name, 0)
        room[name] = breakers.room(broken.get(place(name)), running=busy, free=ROOM * limit - busy)
    return room
