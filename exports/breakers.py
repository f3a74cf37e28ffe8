"""Circuit breakers: a destination that turned several attempts in a row away is sent nothing but one probe at a time.

The state is a row of the database, there only while something is wrong; what a process believes of all of them is read
with each claim, so that nothing is asked where nothing is wrong. Outcomes are written in the ledger's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from audit import trail
from exports import doorbell
from exports.models import Breaker
from pipelines.models import Destination

PROBE = timedelta(seconds=60)
"""How long a probe may take before the next one is let through without it; longer where it runs in the lane still."""
MOST_ASKED = 3600.0
"""Seconds: a longer Retry-After is cut."""
LOOK = 15.0
"""Seconds until an attempt that met a broken destination looks again, at the latest."""


@dataclass(frozen=True, slots=True)
class Away:
    """A destination turned an attempt away: nothing was accepted."""

    message: str
    retry_after: float | None = None


Contacts = Mapping[int, Away | None]
"""By destination what one attempt met there: None is that it answered."""


@dataclass(frozen=True, slots=True)
class Known:
    """A breaker as this process read it last."""

    opened_at: datetime | None
    retry_at: datetime | None
    probe_id: int | None


_known: dict[int, Known] = {}
"""By destination; replaced as a whole. One that is missing for a moment only lets a few more sends through."""


def look() -> Mapping[int, Known]:
    """What is wrong where, read now."""
    global _known  # noqa: PLW0603  # one belief a process, shared by its threads
    rows = Breaker.unscoped.values_list("destination_id", "opened_at", "retry_at", "probe_id")
    _known = {pk: Known(*values) for pk, *values in rows}
    return _known


def room(there: Known | None, *, running: int, free: int) -> int:
    """How many attempts of a lane may be claimed: none while its destination is broken, one when a probe is due."""
    if there is None or there.opened_at is None or there.retry_at is None:
        return free
    return int(there.retry_at <= timezone.now() and not running)


def probing(destination_id: int) -> bool:
    """Whether what is claimed for it now is a probe."""
    there = _known.get(destination_id)
    return there is not None and there.opened_at is not None


def take(destination_id: int, attempt_id: int) -> bool:
    """Let this attempt through as the probe; False where another one was faster, or it is not time."""
    now = timezone.now()
    due = Breaker.unscoped.filter(destination_id=destination_id, opened_at__isnull=False, retry_at__lte=now)
    if not due.update(probe_id=attempt_id, retry_at=now + PROBE):
        return False
    _believe({destination_id: Known(now, now + PROBE, attempt_id)})
    return True


def barred(destination_id: int, attempt_id: int) -> float | None:
    """Seconds after which to look again, where this attempt may not send there; None where it may. 0: a probe is due,
    and whoever `take`s it may."""
    there = _known.get(destination_id)
    if there is None or there.opened_at is None or there.retry_at is None or there.probe_id == attempt_id:
        return None
    left = (there.retry_at - timezone.now()).total_seconds()
    return min(max(left, 1.0), LOOK) if left > 0 else 0.0


def note(met: Iterable[tuple[int, int, Contacts]]) -> None:
    """What attempts (organization, id) met before they left their worker, in the transaction that writes their ends."""
    met = list(met)
    known = _known
    ids = {attempt_id for _, attempt_id, _ in met}
    away = {pk for *_, contacts in met for pk, told in contacts.items() if told is not None}
    answered = {pk for *_, contacts in met for pk, told in contacts.items() if told is None}
    silent = {pk for pk, there in known.items() if there.probe_id in ids}
    if not settings.BREAKER_FAILURES:
        away = away & known.keys()
    if concerned := away | ((answered | silent) & known.keys()):
        with transaction.atomic():
            _write(met, concerned, new=away)


def close(destination: Destination, *, by: Principal, why: str = "") -> bool:
    """Let sends begin again at once, whatever was met there; False where nothing was broken."""
    require(by, "pipelines.pause_destination", destination)
    with transaction.atomic():
        row = Breaker.objects.select_for_update().filter(destination=destination).first()
        if row is None or row.opened_at is None:
            return False
        _close(row, by.name, why)
        doorbell.ring()
    look()
    return True


def _write(met: Collection[tuple[int, int, Contacts]], concerned: Collection[int], *, new: Collection[int]) -> None:
    now = timezone.now()
    rows = _locked(concerned)
    if missing := set(new) - rows.keys():
        there = Destination.unscoped.select_for_update(no_key=True).filter(pk__in=missing).order_by("pk")
        made = [Breaker(organization_id=one.organization_id, destination=one, first_at=now) for one in there]
        Breaker.unscoped.bulk_create(made, ignore_conflicts=True)
        rows |= _locked([row.destination_id for row in made])
    changed: set[int] = set()
    for _, attempt_id, contacts in met:
        for pk, told in contacts.items():
            if (row := rows.get(pk)) is None:
                continue
            if told is None:
                del rows[pk]
                _close(row, "waybill:worker")
            elif _turn_away(row, attempt_id, told, now):
                changed.add(pk)
        for pk, row in rows.items():
            if row.probe_id == attempt_id and pk not in contacts:  # it came to its end before it got there
                row.probe_id, row.retry_at = None, now
                changed.add(pk)
    for pk in sorted(changed & rows.keys()):
        rows[pk].save(update_fields=["attempts", "why", "opened_at", "retry_at", "probes", "probe_id"])
    gone = set(concerned) - rows.keys()
    _believe({pk: Known(row.opened_at, row.retry_at, row.probe_id) for pk, row in rows.items()}, gone=gone)


def _locked(ids: Collection[int]) -> dict[int, Breaker]:
    rows = Breaker.unscoped.select_for_update().filter(destination_id__in=ids).order_by("destination_id")
    return {row.destination_id: row for row in rows}


def _turn_away(row: Breaker, attempt_id: int, told: Away, now: datetime) -> bool:
    """Whether the row has changed."""
    if row.opened_at is None:
        if attempt_id in row.attempts:  # one document that is turned away again and again proves little
            return False
        row.attempts, row.why = [*row.attempts, attempt_id], told.message[:4000]
        if len(row.attempts) >= max(settings.BREAKER_FAILURES, 1):
            row.opened_at, row.retry_at = now, now + _wait(row, told)
            _record("open_breaker", row, "waybill:worker", told.message[:500], {"attempts": len(row.attempts)})
        return True
    if row.probe_id != attempt_id:  # sent before it broke: says nothing new
        return False
    row.probes, row.why, row.probe_id = row.probes + 1, told.message[:4000], None
    row.retry_at = now + _wait(row, told)
    return True


def _wait(row: Breaker, told: Away) -> timedelta:
    doubled = settings.BREAKER_SECONDS * 2 ** min(row.probes, 20)
    asked = min(max(told.retry_after or 0.0, 0.0), MOST_ASKED)
    return timedelta(seconds=max(min(doubled, settings.BREAKER_LONGEST), asked))


def _close(row: Breaker, actor: str, why: str = "") -> None:
    if row.opened_at is not None:
        detail = {"opened_at": row.opened_at.isoformat(), "probes": row.probes}
        _record("close_breaker", row, actor, why, detail)
    row.delete()


def _record(verb: str, row: Breaker, actor: str, why: str, detail: Mapping[str, object]) -> None:
    trail.record(
        f"destination.{verb}",
        f"destination:{row.destination_id}",
        organization_id=row.organization_id,
        actor=actor,
        why=why,
        detail=detail,
    )


def _believe(changed: Mapping[int, Known], gone: Collection[int] = ()) -> None:
    global _known  # noqa: PLW0603  # as in `look`
    _known = {pk: there for pk, there in {**_known, **changed}.items() if pk not in gone}
