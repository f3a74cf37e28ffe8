"""Seals events into one hash chain an organization, behind the work that records them. audit/proof.py checks it.

Ids are given before their transaction commits, so an event can appear below one that is sealed already. The watermark
therefore moves only to an id that an earlier pass saw: on PostgreSQL at least `SETTLES` ago, and once every transaction
that ran at that moment has ended. Between it and the newest seal the sealer looks for stragglers on every pass. However
late an event is recorded, it is sealed, in the order in which it was found.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from audit import rows
from audit.models import Event, Seal, Watermark

FIRST = "0" * 64
"""What stands in the first link for the digest before it."""
SETTLES = timedelta(seconds=10)
"""PostgreSQL gives an event its id a moment before its transaction has a number to wait for."""


def seal_new(limit: int = 1000) -> int:
    """Seal at most `limit` events, oldest first; returns how many. Returned as many as asked: call again.

    Any number of machines may do this at once: the unique (organization, number) lets one of two win, and the other
    finds its events on the next call."""
    mark, _ = Watermark.objects.get_or_create(pk=1)
    settles = _settles(mark)  # asked before the search: what ended until here is visible to it
    newest = Seal.objects.aggregate(newest=Max("event"))["newest"] or 0
    events = list(_unsealed().filter(pk__gt=max(newest, mark.settled))[:limit])
    searched = len(events) < limit
    if searched and newest > mark.settled:
        stragglers = _unsealed().filter(pk__gt=mark.settled, pk__lt=newest)
        found = list(stragglers[: limit - len(events)])
        searched = len(found) < limit - len(events)
        events = found + events
    sealed = _seal(events)
    if searched and sealed == len(events):
        _move(mark, settles=settles, newest=max([newest, *(event.pk for event in events)]))
    return sealed


def seal_all() -> int:
    """Seal every event from the very first one, whatever the watermark says; returns how many."""
    total = 0
    while events := list(_unsealed()[:1000]):
        total += _seal(events)
    return total


def canonical(event: Event) -> bytes:
    """What the digest covers: the event as JSON with sorted keys and no spaces, times in UTC with microseconds."""
    facts = {
        "id": event.pk,
        "organization_id": event.organization_id,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "verb": event.verb,
        "subject": event.subject,
        "why": event.why,
        "detail": event.detail,
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def digest(previous: str, event: Event) -> str:
    """sha256 over the digest before (64 hex characters), a line feed, and the event."""
    return hashlib.sha256(previous.encode() + b"\n" + canonical(event)).hexdigest()


def head(organization_id: int) -> tuple[int, str]:
    """The number and digest of the newest seal; (0, FIRST) where there is none. Kept elsewhere, it proves later that
    nothing was cut off the end."""
    last = Seal.objects.filter(organization_id=organization_id).order_by("-number").first()
    return (last.number, last.digest) if last else (0, FIRST)


def _unsealed() -> QuerySet[Event]:
    return Event.objects.filter(seal=None).order_by("pk")


def _seal(events: Sequence[Event]) -> int:
    by_organization: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        by_organization[event.organization_id].append(event)
    return sum(_extend(organization_id, its) for organization_id, its in by_organization.items())


def _extend(organization_id: int, events: Sequence[Event]) -> int:
    number, last = head(organization_id)
    seals = []
    for event in events:  # before the transaction: on SQLite nobody else writes while one is open
        number, last = number + 1, digest(last, event)
        seals.append(rows.new(Seal, organization_id=organization_id, number=number, event_id=event.pk, digest=last))
    try:
        with transaction.atomic():
            rows.insert(Seal, seals)
    except IntegrityError:  # another sealer was first: nothing of ours stays, its seals do
        return 0
    return len(seals)


def _settles(mark: Watermark) -> bool:
    """Whether the watermark may move to its candidate."""
    if mark.candidate_at is None:
        return False
    if connection.vendor == "sqlite":  # one writer at a time: ids appear in their order
        return True
    if timezone.now() - mark.candidate_at < SETTLES:
        return False
    oldest, _ = _transactions()
    return oldest >= mark.candidate_xid


def _move(mark: Watermark, *, settles: bool, newest: int) -> None:
    seen: dict[str, int | datetime | None]
    if settles:
        seen = {"settled": mark.candidate, "candidate_at": None}
    elif mark.candidate_at is None and newest > mark.settled:
        _, following = _transactions()  # asked after the search: whoever holds a lower id unseen has a lower number
        seen = {"candidate": newest, "candidate_xid": following, "candidate_at": timezone.now()}
    else:
        return
    unmoved = Watermark.objects.filter(pk=mark.pk, settled=mark.settled, candidate=mark.candidate)
    unmoved.filter(candidate_at=mark.candidate_at).update(**seen)


def _transactions() -> tuple[int, int]:
    """The oldest transaction still running, and the number the next one will get, on PostgreSQL."""
    if connection.vendor == "sqlite":
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint "
            "FROM pg_current_snapshot() AS now"
        )
        oldest, following = cursor.fetchone()
    return oldest, following
