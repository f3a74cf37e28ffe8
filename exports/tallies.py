"""Counts of ended attempts, kept off the hot path: whoever ends an attempt writes nothing here.

The sweep counts stretches of five minutes once they are over, from the index by end, and adds them up to hours. What
is not counted yet is read from the attempts, so that a reader's sum is what counting them all would give. A count is
made anew rather than added to: a crash leaves none out and counts none twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, CharField, Count, F, FloatField, Func, IntegerField, Max, Min, Q, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts.models import Organization
from exports import rounds
from exports.models import Attempt, Round, Tally
from exports.states import State

NAME = "tallies"
FINE, HOUR = 5, 60
"""The lengths of stretches, in minutes."""
STRETCH = timedelta(minutes=FINE)
SETTLES = timedelta(seconds=60)
"""After the end of a stretch until it is counted for the first time."""
LATE = timedelta(minutes=15)
"""An attempt's end is stamped before its transaction commits. Each stretch is counted again until it is this old."""
EVERY = timedelta(seconds=15)
AT_ONCE = timedelta(days=1)
"""Of the past that one round counts, when there is much to catch up with."""
KEEPS_FINE = timedelta(days=35)
BEGINS = timedelta(days=35)
"""How far back the very first round looks."""


class Slot(Func):
    """The number of the stretch, since 1970, that an instant lies in; stretches of five minutes unless `minutes`."""

    output_field = IntegerField()

    def __init__(self, at: Any, *, minutes: int = FINE) -> None:
        super().__init__(at, seconds=minutes * 60)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / %(seconds)s"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / %(seconds)s)::int"
        return self.as_sql(compiler, connection, template=template, **context)


class Epoch(Func):
    """Seconds since 1970, with their fraction."""

    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(julianday(%(expressions)s) - 2440587.5) * 86400.0"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXTRACT(EPOCH FROM %(expressions)s)::double precision"
        return self.as_sql(compiler, connection, template=template, **context)


OUTCOME = Case(
    When(state=State.FAILED, then=F("reason")),
    When(state=State.SUCCEEDED, then=Value("succeeded")),
    default=Value("cancelled"),
    output_field=CharField(),
)
_TIMED = Q(tries=0, started_at__isnull=False)
SUMS: dict[str, Any] = {
    "sum_attempts": Count("pk"),
    "sum_timed": Count("pk", filter=_TIMED),
    "sum_seconds": Coalesce(Sum(Epoch("finished_at") - Epoch("started_at"), filter=_TIMED), 0.0),
    "sum_last_at": Max("finished_at"),
}
"""What is counted of ended attempts."""

Key = tuple[int, datetime, str, str]
"""Organization, beginning, lane, outcome."""
Sums = tuple[int, int, float, datetime]


@dataclass(frozen=True, slots=True)
class Stretches:
    """Times [since, until) to count anew, at whole five minutes."""

    since: datetime
    until: datetime


def floor(at: datetime, minutes: int = FINE) -> datetime:
    """The beginning of the stretch that an instant lies in."""
    return datetime.fromtimestamp(at.timestamp() // (minutes * 60) * minutes * 60, UTC)


def from_slot(slot: int, minutes: int = FINE) -> datetime:
    return datetime.fromtimestamp(slot * minutes * 60, UTC)


def roll_up(now: datetime) -> None:
    """Count what is over and not counted, and what changed since. Part of the sweep; one loop of all does it."""
    if not rounds.mine(NAME, EVERY, now):
        return
    with transaction.atomic():
        mark = Round.objects.select_for_update().get(name=NAME)
        upto = floor(now - SETTLES)
        begin = mark.upto or _beginning(now)
        until = min(upto, begin + AT_ONCE)
        if until > begin:
            _count(Stretches(begin - LATE, until))
            mark.upto = until
            mark.save(update_fields=["upto"])
            _forget(now)
        elif mark.upto is None:
            mark.upto = upto
            mark.save(update_fields=["upto"])
        _count_stale(mark.upto)
    if until < upto:  # behind: whoever sweeps next goes on at once
        Round.objects.filter(pk=mark.pk).update(begun_at=now - EVERY)


def settled(organization_id: int, ended: datetime) -> None:
    """An attempt that ended then has another outcome now. In the transaction of that change."""
    counted = Tally.unscoped.filter(organization_id=organization_id, minutes=FINE, at=floor(ended))
    counted.update(stale=True)


def _beginning(now: datetime) -> datetime:
    oldest = now - BEGINS
    first = Attempt.unscoped.filter(organization_id__in=_organizations(), finished_at__gte=oldest)
    return floor(first.aggregate(first=Min("finished_at"))["first"] or now - SETTLES)


def _organizations() -> list[int]:
    """By name of each, the index by end is read in one stretch each."""
    return list(Organization.objects.values_list("pk", flat=True))


def _count(times: Stretches, organizations: Collection[int] | None = None) -> None:
    owners = _organizations() if organizations is None else list(organizations)
    _replace(FINE, times, owners, _ended(times, owners))
    hours = Stretches(floor(times.since, HOUR), floor(times.until - STRETCH, HOUR) + timedelta(hours=1))
    _replace(HOUR, hours, owners, _hours(hours, owners))


def _ended(times: Stretches, owners: list[int]) -> dict[Key, Sums]:
    ended = Attempt.unscoped.filter(
        organization_id__in=owners, finished_at__gte=times.since, finished_at__lt=times.until
    )
    rows = (
        ended.order_by()
        .annotate(slot=Slot("finished_at"), outcome=OUTCOME)
        .values("organization_id", "slot", "lane", "outcome")
        .annotate(**SUMS)
        .values_list("organization_id", "slot", "lane", "outcome", *SUMS)
    )
    return {(owner, from_slot(slot), lane, outcome): tuple(sums) for owner, slot, lane, outcome, *sums in rows}


def _hours(times: Stretches, owners: list[int]) -> dict[Key, Sums]:
    """From the five minutes, which stand already."""
    found: dict[Key, Sums] = {}
    rows = Tally.unscoped.filter(
        organization_id__in=owners, minutes=FINE, at__gte=times.since, at__lt=times.until
    ).values_list("organization_id", "at", "lane", "outcome", "attempts", "timed", "seconds", "last_at")
    for owner, at, lane, outcome, attempts, timed, seconds, last_at in rows:
        key = (owner, floor(at, HOUR), lane, outcome)
        before = found.get(key, (0, 0, 0.0, last_at))
        found[key] = (before[0] + attempts, before[1] + timed, before[2] + seconds, max(before[3], last_at))
    return found


def _replace(minutes: int, times: Stretches, owners: list[int], fresh: dict[Key, Sums]) -> None:
    """Let the rows of these times be what was counted now; those that are already stay untouched."""
    there = Tally.unscoped.filter(organization_id__in=owners, minutes=minutes, at__gte=times.since, at__lt=times.until)
    gone = []
    for row in there:
        key = (row.organization_id, row.at, row.lane, row.outcome)
        if key not in fresh:
            gone.append(row.pk)
        elif not row.stale and (row.attempts, row.timed, row.last_at) == (*fresh[key][:2], fresh[key][3]):
            del fresh[key]
    Tally.unscoped.filter(pk__in=gone).delete()
    Tally.unscoped.bulk_create(
        [
            Tally(
                organization_id=owner, minutes=minutes, at=at, lane=lane, outcome=outcome,
                attempts=attempts, timed=timed, seconds=seconds, last_at=last_at,
            )
            for (owner, at, lane, outcome), (attempts, timed, seconds, last_at) in fresh.items()
        ],
        update_conflicts=True,
        unique_fields=["organization", "minutes", "at", "lane", "outcome"],
        update_fields=["attempts", "timed", "seconds", "last_at", "stale"],
        batch_size=1000,
    )  # fmt: skip


def _count_stale(upto: datetime) -> None:
    stale: dict[datetime, set[int]] = defaultdict(set)
    for owner, at in Tally.unscoped.filter(stale=True, at__lt=upto).values_list("organization_id", "at")[:200]:
        stale[at].add(owner)
    for at, owners in stale.items():
        _count(Stretches(at, at + STRETCH), owners)


def _forget(now: datetime) -> None:
    Tally.unscoped.filter(minutes=FINE, at__lt=now - KEEPS_FINE).delete()
    Tally.unscoped.filter(minutes=HOUR, at__lt=now - settings.TALLIES_KEPT).delete()
