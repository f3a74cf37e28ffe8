"""The charts of the home page: what ended in the last hours, the last day and the last month, and what comes due."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.safestring import SafeString

from exports import looks, throughput
from exports.admin.charts import Bin, Panel, Series, columns
from exports.tallies import floor
from exports.throughput import Ended, Reading

HOURS, DAYS, RECENT = 24, 31, timedelta(hours=3)

SUCCEEDED = Panel("succeeded", "Succeeded", (Series("succeeded", "succeeded"),))
FAILED = Panel("failed", "Failed", tuple(Series(side.key, side.title.lower()) for side in looks.SIDES), 60)
DUE = Panel("due", "Come due", (Series("due", "due"),), 60)
_SERIES = {reason: side.key for side in looks.SIDES for reason in side.reasons} | {"succeeded": "succeeded"}


@dataclass(frozen=True, slots=True)
class Chart:
    """One tab of the card."""

    key: str
    title: str
    drawn: SafeString
    succeeded: int
    failed: int


def beginnings(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime, datetime]:
    """Since when each chart looks back: the month, the day, the last hours."""
    days = _days(now, zone)
    return days[0], floor(now, 60) - timedelta(hours=HOURS - 1), floor(now) + timedelta(minutes=5) - RECENT


def ended(reading: Reading, now: datetime, zone: ZoneInfo) -> list[Chart]:
    days = _days(now, zone)
    _, day, recent = beginnings(now, zone)
    cut = throughput.cut_hours(days)
    whole = [row for row in reading.hours if row.at not in cut] if cut else reading.hours
    parts = throughput.fine_of(cut) if cut else ()
    hours = [day + timedelta(hours=number) for number in range(HOURS + 1)]
    fine = [recent + timedelta(minutes=5 * number) for number in range(36 + 1)]
    return [
        _chart("hours", "3 hours", "by five minutes", fine, (*reading.fine, *reading.live), zone, _minute),
        _chart("day", "Day", "by the hour", hours, (*reading.hours, *reading.live), zone, _hour),
        _chart("month", "Month", "by the day", days, (*whole, *parts, *reading.live), zone, _day),
    ]


def due(minutes: Mapping[datetime, int], now: datetime, zone: ZoneInfo) -> SafeString:
    """The next hour by minutes: how many attempts are tried again when."""
    first = floor(now, 1)
    url = f"{reverse('admin:exports_attempt_changelist')}?{urlencode({'state': 'waiting'})}"
    bins = []
    for number in range(60):
        at = first + timedelta(minutes=number)
        local = at.astimezone(zone)
        tick = local.strftime("%H:%M") if local.minute % 10 == 0 else ""
        bins.append(Bin(local.strftime("%H:%M"), tick, {"due": minutes.get(at, 0)}, {"due": url}))
    about = f"Automatic tries in the next hour, by the minute. Times in {zone.key}."
    return columns("due", "Tries ahead", about, [DUE], bins)


Said = Callable[[datetime, datetime], tuple[str, str]]
"""A stretch's words and its tick, of its local beginning and end."""


def _chart(
    key: str, title: str, by: str, bounds: Sequence[datetime], rows: Iterable[Ended], zone: ZoneInfo, said: Said
) -> Chart:
    counts: list[Counter[str]] = [Counter() for _ in bounds[1:]]
    for row in rows:
        index = bisect_right(bounds, row.at) - 1
        if 0 <= index < len(counts) and (series := _SERIES.get(row.outcome)):
            counts[index][series] += row.attempts
    bins = []
    for begin, end, numbers in zip(bounds, bounds[1:], counts, strict=False):
        words, tick = said(begin.astimezone(zone), end.astimezone(zone))
        bins.append(
            Bin(words, tick, numbers, {panel.key: _list(panel.key, begin, end) for panel in (SUCCEEDED, FAILED)})
        )
    succeeded = sum(one["succeeded"] for one in counts)
    failed = sum(sum(one.values()) for one in counts) - succeeded
    about = f"{succeeded:,} attempts succeeded and {failed:,} failed, {by}. Times in {zone.key}."
    drawn = columns(f"chart-{key}", f"Ended attempts, {title.lower()}", about, [SUCCEEDED, FAILED], bins)
    return Chart(key, title, drawn, succeeded, failed)


def _list(state: str, since: datetime, until: datetime) -> str:
    query = {"state": state, "since": _exact(since), "until": _exact(until)}
    return f"{reverse('admin:exports_attempt_changelist')}?{urlencode(query)}"


def _exact(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _days(now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The midnights of the last days and the next one: a day of a clock change is 23 or 25 hours long."""
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=DAYS - 1 - number) for number in range(DAYS + 1)]
    return [datetime.combine(date, time(), zone).astimezone(UTC) for date in dates]


def _minute(begin: datetime, end: datetime) -> tuple[str, str]:
    return f"{begin:%H:%M}–{end:%H:%M}", f"{begin:%H:%M}" if begin.minute in {0, 30} else ""


def _hour(begin: datetime, end: datetime) -> tuple[str, str]:
    zone = f" {begin:%Z}" if begin.utcoffset() != end.utcoffset() else ""
    return f"{begin:%a %d %b}, {begin:%H:%M}–{end:%H:%M}{zone}", f"{begin:%H:%M}" if begin.hour % 3 == 0 else ""


def _day(begin: datetime, _end: datetime) -> tuple[str, str]:
    return f"{begin:%a %d %b %Y}", f"{begin:%d %b}" if begin.weekday() == 0 else ""
