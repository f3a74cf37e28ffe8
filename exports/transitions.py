"""The only module that moves attempts, documents and failure groups from one state to another.

Each move is one conditional UPDATE and its audit event in one transaction; a move that somebody else made first
changes nothing and says so. Work that no worker's lease guards (people, robots, the sweep) moves one row at a time;
the ledger ends many attempts in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal
from audit import rows, trail
from audit.models import Event
from exports.models import Attempt, Document, FailureGroup
from exports.outbox import record as _record
from exports.states import ENDED, GROUP_MOVES, MOVES, RESOLUTIONS, STATUS_MOVES, GroupState, Resolution, State, Status

STAMPS = {
    Status.CONFIRMED: "confirmed_at",
    Status.EXPORTED: "exported_at",
    Status.FAILED_EXPORT: "export_failed_at",
    Status.DELETED: "deleted_at",
    Status.PURGED: "purged_at",
}
NO_REVIEW = {"reviewer": "", "review_began_at": None, "reviewed_from": ""}
"""A review ends with whatever moves its document on."""


def _sources(moves: Mapping[Any, Collection[Any]], to: Any, given: Collection[Any] | None) -> list[str]:
    allowed = {source for source, targets in moves.items() if to in targets}
    return sorted(allowed if given is None else allowed & set(given))


def move_attempt(
    attempt_id: int,
    to: State,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    sources: Collection[State] | None = None,
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bool:
    """Move an attempt of `by`'s organization to `to`. False when it is in no state that leads there."""
    movable = Attempt.unscoped.filter(
        pk=attempt_id, organization_id=by.organization_id, state__in=_sources(MOVES, to, sources)
    )
    if to != State.RUNNING:
        changes = {"lease": None, "lease_ends_at": None, **changes}
    with transaction.atomic():
        if not movable.update(state=to, **changes):
            return False
        trail.record(
            f"attempt.{verb}",
            f"attempt:{attempt_id}",
            organization_id=by.organization_id,
            actor=by.name,
            why=why,
            detail={"state": to, **(detail or {})},
        )
    return True


def move_document(
    document_id: int,
    to: Status,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    sources: Collection[Status] | None = None,
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bool:
    """Move a document of `by`'s organization to `to`. False when its status does not lead there."""
    leads_there = _sources(STATUS_MOVES, to, sources)
    movable = Document.unscoped.filter(pk=document_id, organization_id=by.organization_id, status__in=leads_there)
    now = timezone.now()
    if stamp := STAMPS.get(to):
        changes = {stamp: now, **changes}
    if to != Status.REVIEWING:
        changes = {**NO_REVIEW, **changes}
    with transaction.atomic():
        if not movable.update(status=to, **{"modified_at": now, **changes}):
            return False
        if Status.FAILED_EXPORT in leads_there:
            _resolve([document_id], to, now)
        _record([_of_document(document_id, verb, by, why, {"status": to, **(detail or {})})])
    return True


def move_documents(
    document_ids: Collection[int],
    to: Status,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    sources: Collection[Status],
    **changes: Any,
) -> list[int]:
    """`move_document` for many that nobody reviews, in as many statements as for one: the ids of those that moved."""
    leads_there = _sources(STATUS_MOVES, to, sources)
    given = Document.unscoped.filter(pk__in=document_ids, organization_id=by.organization_id, status__in=leads_there)
    now = timezone.now()
    with transaction.atomic():
        if moved := list(given.select_for_update().order_by("pk").values_list("pk", flat=True)):
            Document.unscoped.filter(pk__in=moved).update(status=to, modified_at=now, **{STAMPS[to]: now}, **changes)
            _resolve(moved, to, now)
            _record(_of_document(pk, verb, by, why, {"status": to}) for pk in moved)
    return moved


def _of_document(pk: int, verb: str, by: Principal, why: str, detail: Mapping[str, Any]) -> Event:
    subject, owner = f"document:{pk}", by.organization_id
    return trail.event(f"document.{verb}", subject, organization_id=owner, actor=by.name, why=why, detail=detail)


def _resolve(document_ids: Collection[int], to: Status, now: datetime) -> None:
    """Documents have left failed_export: nobody has to act on their failures any more."""
    if (resolution := RESOLUTIONS.get(to)) is not None:
        open_failures = Attempt.unscoped.filter(
            document_id__in=document_ids, state=State.FAILED, resolution__in=["", Resolution.IGNORED]
        )
        open_failures.update(resolution=resolution, resolved_at=now)


def move_group(
    group_id: int,
    to: GroupState,
    *,
    by: Principal,
    verb: str,
    why: str = "",
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bool:
    """Move a failure group of `by`'s organization to `to`. False when its state does not lead there."""
    movable = FailureGroup.unscoped.filter(
        pk=group_id, organization_id=by.organization_id, state__in=_sources(GROUP_MOVES, to, None)
    )
    with transaction.atomic():
        if not movable.update(state=to, **changes):
            return False
        trail.record(
            f"failure_group.{verb}",
            f"failure_group:{group_id}",
            organization_id=by.organization_id,
            actor=by.name,
            why=why,
            detail={"state": to, **(detail or {})},
        )
    return True


def claim(attempt_ids: Sequence[int], *, lease: UUID, ends_at: datetime, worker: str) -> list[int]:
    """queued → running for as many of `attempt_ids` as are still queued, under one new lease; returns those.

    Inside the caller's transaction, whose locks keep the ids from being claimed twice."""
    now = timezone.now()
    claimed = Attempt.unscoped.filter(pk__in=attempt_ids, state=State.QUEUED)
    if not claimed.update(state=State.RUNNING, lease=lease, lease_ends_at=ends_at, worker=worker):
        return []
    mine = Attempt.unscoped.filter(lease=lease, state=State.RUNNING)
    mine.filter(started_at=None).update(started_at=now)
    found = list(mine.values_list("id", "organization_id"))
    _record(
        trail.event(
            "attempt.claim", f"attempt:{pk}", organization_id=owner, actor="waybill:worker", detail={"worker": worker}
        )
        for pk, owner in found
    )
    return [pk for pk, _ in found]


def lapse(now: datetime) -> int:
    """running → queued for attempts whose worker has not renewed its lease. Their marks stay and decide what next."""
    with transaction.atomic():
        late = Attempt.unscoped.filter(state=State.RUNNING, lease_ends_at__lt=now)
        found = list(late.select_for_update(skip_locked=True).values_list("id", "organization_id", "lapses", "worker"))
        for pk, _, lapses, _ in found:
            Attempt.unscoped.filter(pk=pk).update(
                state=State.QUEUED, lease=None, lease_ends_at=None, lapses=lapses + 1, due_at=now
            )
        _record(
            trail.event(
                "attempt.lapse",
                f"attempt:{pk}",
                organization_id=owner,
                actor="waybill:sweep",
                detail={"worker": worker},
            )
            for pk, owner, _, worker in found
        )
    return len(found)


def wake(now: datetime) -> int:
    """waiting → queued for attempts whose next try is due."""
    with transaction.atomic():
        due = Attempt.unscoped.filter(state=State.WAITING, due_at__lte=now)
        found = list(due.select_for_update(skip_locked=True).values_list("id", "organization_id", "tries")[:1000])
        Attempt.unscoped.filter(pk__in=[pk for pk, _, _ in found]).update(state=State.QUEUED)
        _record(
            trail.event(
                "attempt.wake", f"attempt:{pk}", organization_id=owner, actor="waybill:sweep", detail={"tries": tries}
            )
            for pk, owner, tries in found
        )
    return len(found)


def leave(ends: Sequence[tuple[int, int, State, Mapping[str, Any]]], *, actor: str = "waybill:worker") -> None:
    """running → anything, for attempts whose lease the ledger holds in this transaction, or that this transaction
    made: its id, its organization, where to, and the changes. Attempts that leave alike share one UPDATE."""
    now = timezone.now()
    ended = {"finished_at": now}
    alike: dict[str, tuple[State, Mapping[str, Any], list[int]]] = {}
    for pk, _, to, changes in ends:
        if to not in MOVES[State.RUNNING]:
            message = f"No attempt moves from running to {to}."
            raise ValueError(message)
        alike.setdefault(f"{to} {sorted(changes.items())!r}", (to, changes, []))[2].append(pk)
    for to, changes, ids in alike.values():
        Attempt.unscoped.filter(pk__in=ids, state=State.RUNNING).update(
            **{"state": to, "lease": None, "lease_ends_at": None, **(ended if to in ENDED else {}), **changes}
        )
    _record(
        trail.event(
            f"attempt.{_VERBS[to]}",
            f"attempt:{pk}",
            organization_id=owner,
            actor=actor,
            why=str(changes.get("message") or "")[:500],
            detail={
                "state": to,
                "at": now.isoformat(),
                **({"reason": changes["reason"]} if changes.get("reason") else {}),
            },
        )
        for pk, owner, to, changes in ends
    )


_VERBS = {
    State.SUCCEEDED: "succeed",
    State.FAILED: "fail",
    State.WAITING: "wait",
    State.PARKED: "park",
    State.QUEUED: "hand_back",
    State.CANCELLED: "cancel",
}


def follow(ends: Sequence[tuple[int, int, Status, Mapping[str, Any]]]) -> None:
    """exporting → exported or failed_export, with its attempt, in the ledger's transaction: of each document its id,
    its organization, where to, and the changes (`messages`, `fields_id`). One that has left exporting stays."""
    exporting = Document.unscoped.select_for_update().filter(pk__in=[pk for pk, *_ in ends], status=Status.EXPORTING)
    movable = set(exporting.order_by("pk").values_list("pk", flat=True))
    moved = [end for end in ends if end[0] in movable]
    now = timezone.now()
    rows.update(
        Document,
        ["status", "modified_at", "messages", "exported_at", "export_failed_at"],
        [
            (
                pk,
                to,
                now,
                changes.get("messages", []),
                now if to == Status.EXPORTED else None,
                now if to == Status.FAILED_EXPORT else None,
            )
            for pk, _, to, changes in moved
        ],
    )
    with_fields = [(pk, changes["fields_id"], True) for pk, _, _, changes in moved if "fields_id" in changes]
    rows.update(Document, ["fields_id", "unindexed"], with_fields)
    _record(
        trail.event(
            "document.finish_export" if to == Status.EXPORTED else "document.fail_export",
            f"document:{pk}",
            organization_id=owner,
            actor="waybill:worker",
            detail={"status": to},
        )
        for pk, owner, to, _ in moved
    )
