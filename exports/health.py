"""How each destination does, what is open, what is under way: read in a few statements, whatever there is.

For the home page, a destination's own page and the alerts. Nothing is counted that a partial index or a tally does not
hold; exports/throughput.py reads what has ended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from accounts import scope
from exports import worklist
from exports.models import Attempt, Breaker
from exports.states import ACTIVE, State
from exports.tallies import floor
from exports.throughput import Ended, Reading
from pipelines.models import Destination

OPEN = Q(state=State.FAILED, resolution="")
LOST = timedelta(seconds=60)
"""A lease that ended so long ago and was not swept: its worker is gone, and no other one tends what it left."""
LATELY, USUALLY = timedelta(minutes=15), timedelta(days=7)
SLOWER, MORE = 2.0, 1.0
"""Slow is at least so many times the usual time, and so many seconds more."""
ENOUGH, ENOUGH_USUAL = 3, 20
"""Attempts that say something of a time."""


@dataclass(slots=True)
class Standing:
    """What is not over at one destination; `place` 0 is what is sent nowhere that has a name."""

    place: int
    states: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    next_at: datetime | None = None
    """When the first of those that wait is tried again."""
    park_ends_at: datetime | None = None
    failed: int = 0
    first_ids: set[int] = field(default_factory=set)
    """Attempts of which one is the first of what has been undelivered for longest."""
    undelivered_since: datetime | None = None

    @property
    def running(self) -> int:
        return self.states[State.RUNNING]

    @property
    def queued(self) -> int:
        return self.states[State.QUEUED]

    @property
    def waiting(self) -> int:
        return self.states[State.WAITING]

    @property
    def under_way(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Undone:
    """Everything of the organization in scope that is not over."""

    places: dict[int, Standing]
    reasons: Counter[str]
    """Open failures by reason."""
    groups: Counter[int]
    """Open failures by group, those of a merged one with the group that it was merged into."""

    @property
    def failed(self) -> int:
        return sum(self.reasons.values())

    def total(self, state: State) -> int:
        return sum(place.states[state] for place in self.places.values())


def undone(now: datetime) -> Undone:
    places: defaultdict[int, Standing] = _Places()
    for name, state, number, first, root, due, lost, ends in (
        Attempt.objects.filter(state__in=sorted(ACTIVE))
        .order_by()
        .values("lane", "state")
        .annotate(
            number=Count("pk"), first=Min("pk"), root=Min("lineage"), due=Min("due_at"),
            lost=Count("pk", filter=Q(lease_ends_at__lt=now - LOST)), ends=Min("deadline"),
        )
        .values_list("lane", "state", "number", "first", "root", "due", "lost", "ends")
    ):  # fmt: skip
        there = places[worklist.place(name)]
        there.states[state] += number
        there.lost += lost
        there.first_ids |= {first, root or first}
        if state == State.WAITING:
            there.next_at = due
        elif state == State.PARKED:
            there.park_ends_at = ends
    reasons: Counter[str] = Counter()
    groups: Counter[int] = Counter()
    for name, group, merged, destination, reason, number, first, root in (
        Attempt.objects.filter(OPEN)
        .order_by()
        .values("lane", "group", "group__merged_into", "group__destination", "reason")
        .annotate(number=Count("pk"), first=Min("pk"), root=Min("lineage"))
        .values_list("lane", "group", "group__merged_into", "group__destination", "reason", "number", "first", "root")
    ):
        there = places[destination or (worklist.place(name) if group is None else 0)]
        there.failed += number
        there.first_ids |= {first, root or first}
        reasons[reason] += number
        if group is not None:
            groups[merged or group] += number
    _date(places.values())
    return Undone(dict(places), reasons, groups)


class _Places(defaultdict[int, Standing]):
    def __missing__(self, place: int) -> Standing:
        self[place] = made = Standing(place)
        return made


def _date(places: Iterable[Standing]) -> None:
    """How long each has something undelivered: since the export of the oldest was asked for the first time."""
    places = list(places)
    wanted = {pk for place in places for pk in place.first_ids}
    asked = dict(Attempt.objects.filter(pk__in=wanted).values_list("pk", "created_at")) if wanted else {}
    for place in places:
        place.undelivered_since = min((asked[pk] for pk in place.first_ids if pk in asked), default=None)


@dataclass(frozen=True, slots=True)
class Line:
    """One destination in the health strip."""

    place: int
    name: str
    destination: Destination | None
    standing: Standing
    word: str
    tone: str
    symbol: str
    why: str = ""
    since: datetime | None = None
    probe_at: datetime | None = None
    last_success: datetime | None = None


@dataclass(slots=True)
class _Pace:
    """How what ended at one place went."""

    succeeded: int = 0
    failed: int = 0
    timed: int = 0
    seconds: float = 0.0
    last: datetime | None = None

    def add(self, row: Ended) -> None:
        if row.outcome == "cancelled":
            return
        if row.outcome == "succeeded":
            self.succeeded += row.attempts
            self.timed += row.timed
            self.seconds += row.seconds
            self.last = max(self.last or row.last_at, row.last_at)
        else:
            self.failed += row.attempts

    @property
    def mean(self) -> float:
        return self.seconds / self.timed if self.timed else 0.0


def destinations() -> list[Destination]:
    return list(Destination.objects.select_related("breaker").defer("credentials", "allowed_hosts", "allowed_networks"))


def lines(known: list[Destination], undone: Undone, reading: Reading, now: datetime) -> list[Line]:
    """One a destination, and one for what is sent nowhere that has a name where there is such."""
    usual, lately = _paces(reading, now)
    named = {one.pk: one for one in known}
    places = [
        *named,
        *(pk for pk, there in undone.places.items() if pk not in named and (there.under_way or there.failed)),
    ]
    return [
        _line(
            pk,
            named.get(pk),
            undone.places.get(pk) or Standing(pk),
            usual.get(pk) or _Pace(),
            lately.get(pk) or _Pace(),
        )
        for pk in places
    ]


def _paces(reading: Reading, now: datetime) -> tuple[dict[int, _Pace], dict[int, _Pace]]:
    usual: defaultdict[int, _Pace] = defaultdict(_Pace)
    lately: defaultdict[int, _Pace] = defaultdict(_Pace)
    since = floor(now - LATELY)
    for row in reading.usual:
        usual[worklist.place(row.lane)].add(row)
    for row in (*reading.fine, *reading.live):
        if row.at >= since:
            lately[worklist.place(row.lane)].add(row)
    for row in reading.live:  # not what is usual, but it may be the last success
        if row.outcome == "succeeded":
            pace = usual[worklist.place(row.lane)]
            pace.last = max(pace.last or row.last_at, row.last_at)
    return usual, lately


def _line(place: int, of: Destination | None, there: Standing, usual: _Pace, lately: _Pace) -> Line:
    name = of.name if of is not None else "No destination" if place == 0 else f"Destination {place}, deleted"

    def line(word: str, tone: str, symbol: str, why: str = "", since: datetime | None = None) -> Line:
        broken = breaker_of(of)
        probe = broken.retry_at if broken is not None else None
        return Line(place, name, of, there, word, tone, symbol, why, since, probe, usual.last)

    if of is not None and of.paused_at is not None:
        return line("Paused", "warn", "pause_circle", of.paused_why or "no reason given", of.paused_at)
    if (broken := breaker_of(of)) is not None:
        return line("Breaker open", "bad", "power_off", broken.why, broken.opened_at)
    if lately.failed and not lately.succeeded:
        return line("Failing", "bad", "error", f"{lately.failed:,} failed in the last 15 minutes, none succeeded")
    slower = usual.timed >= ENOUGH_USUAL and lately.timed >= ENOUGH
    if slower and lately.mean >= SLOWER * usual.mean and lately.mean >= usual.mean + MORE:
        took = f"{lately.mean:.1f} s an export in the last 15 minutes, usually {usual.mean:.1f} s"
        return line("Slow", "warn", "speed", took)
    if lately.succeeded:
        return line("Live", "good", "check_circle")
    return line("Quiet", "quiet", "bedtime", "nothing was sent in the last 15 minutes")


def breaker_of(destination: Destination | None) -> Breaker | None:
    """Its breaker, where that is open."""
    found = getattr(destination, "breaker", None)
    return found if isinstance(found, Breaker) and found.opened_at is not None else None


def of_one(destination: Destination, now: datetime) -> Line:
    """The same line for a destination's own page."""
    from exports import throughput

    reading = throughput.read(since=now - USUALLY, usual_since=now - USUALLY, fine_since=floor(now - LATELY))
    return lines([destination], undone(now), reading, now)[0]


def lane_of(destination_id: int) -> str:
    return worklist.lane(scope.current() or 0, destination_id)
