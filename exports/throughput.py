"""What ended of late, by time: the counts of exports/tallies.py and, for what is not counted yet, the attempts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Max, Sum, Value
from django.db.models.functions import Coalesce

from exports.models import Attempt, Round, Tally
from exports.tallies import FINE, HOUR, NAME, OUTCOME, STRETCH, SUMS, Slot, floor, from_slot


@dataclass(frozen=True, slots=True)
class Ended:
    """Attempts that ended alike: in the five minutes or the hour from `at`, in a lane ("" for all), in one way."""

    at: datetime
    lane: str
    outcome: str
    attempts: int
    timed: int
    seconds: float
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that ended of late in the organization in scope, at one instant of the database."""

    fine: tuple[Ended, ...]
    """By five minutes and lane, since `fine_since`."""
    hours: tuple[Ended, ...]
    """By hour over all lanes, since `since`; the hours that are not over hold what was counted of them."""
    usual: tuple[Ended, ...]
    """By lane alone, since `usual_since`; their `at` says nothing."""
    live: tuple[Ended, ...]
    """By five minutes and lane: what is in none of the others yet."""


_COLUMNS = ("kind", "slot", "in_lane", "in_outcome", "n", "n_timed", "n_seconds", "n_last")


def read(*, since: datetime, usual_since: datetime, fine_since: datetime) -> Reading:
    """One statement, so that a stretch that is counted meanwhile is neither in two parts nor in none."""
    whole, day = Value("", CharField()), {"minutes": HOUR}
    counted = Tally.objects.order_by()
    mark = Round.objects.filter(name=NAME, upto__isnull=False).values("upto")
    live = Attempt.objects.order_by().filter(finished_at__gte=Coalesce(mark, Value(since)))
    parts = [
        _sums(counted.filter(minutes=FINE, at__gte=fine_since), "fine", Slot("at"), F("lane"), F("outcome")),
        _sums(counted.filter(at__gte=since, **day), "hours", Slot("at"), whole, F("outcome")),
        _sums(counted.filter(at__gte=usual_since, **day), "usual", Value(0), F("lane"), F("outcome")),
        live.annotate(kind=Value("live"), slot=Slot("finished_at"), in_lane=F("lane"), in_outcome=OUTCOME)
        .values("kind", "slot", "in_lane", "in_outcome")
        .annotate(**dict(zip(_COLUMNS[4:], SUMS.values(), strict=True)))
        .values_list(*_COLUMNS),
    ]
    found: dict[str, list[Ended]] = {"fine": [], "hours": [], "usual": [], "live": []}
    for kind, slot, lane, outcome, attempts, timed, seconds, last_at in parts[0].union(*parts[1:], all=True):
        found[kind].append(Ended(from_slot(slot), lane, outcome, attempts, timed, seconds, last_at))
    return Reading(**{kind: tuple(rows) for kind, rows in found.items()})


def _sums(rows: Any, kind: str, slot: Any, lane: Any, outcome: Any) -> Any:
    return (
        rows.annotate(kind=Value(kind), slot=slot, in_lane=lane, in_outcome=outcome)
        .values("kind", "slot", "in_lane", "in_outcome")
        .annotate(n=Sum("attempts"), n_timed=Sum("timed"), n_seconds=Sum("seconds"), n_last=Max("last_at"))
        .values_list(*_COLUMNS)
    )


def cut_hours(times: Iterable[datetime]) -> list[datetime]:
    """The hours that one of these instants lies within: part of a zone whose offset is no whole hour."""
    return sorted({floor(at, HOUR) for at in times if floor(at, HOUR) != at})


def fine_of(hours: Collection[datetime]) -> Iterator[Ended]:
    """The five minutes of these hours, over all lanes."""
    wanted = [hour + STRETCH * part for hour in hours for part in range(HOUR // FINE)]
    rows = Tally.objects.filter(minutes=FINE, at__in=wanted).order_by().values("at", "outcome")
    for row in rows.annotate(n=Sum("attempts")):
        yield Ended(row["at"], "", row["outcome"], row["n"], 0, 0.0, row["at"])
