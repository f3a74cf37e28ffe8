"""What lists can be narrowed by: the name of each query parameter, how its text is read, what is allowed. Pure.

Lives here: text to typed values and back. What the values mean to the database: exports/conditions.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from exports import looks, states
from pipelines.refusals import Refused

MOST_IDS = 10_000
MOST_FIELDS = 5
"""Captured values in one predicate."""
MOST_WORDS = 6
LONGEST = 200
"""Characters of a text that is searched for."""
TRIGGERS = ("automatic", "person", "robot", "bulk", "resume")
TABS = (*(key for key, _, _ in looks.TABS), "failed", "deleted")
FIELD = "field."

_AGO = re.compile(r"([0-9]{1,4})(m|h|d|w)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CODE_CLASS = re.compile(r"[1-5]xx$")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the meaning of a text depends on besides the text."""

    now: datetime
    zone: tzinfo = UTC
    """Of days and times that name none."""
    me: int | None = None
    """The id of the person who asks."""


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included unless `open_end`; None leaves a side open."""

    low: Any = None
    high: Any = None
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A captured value: equal to `text`, beginning with it, or within a range of numbers or dates."""

    text: str = ""
    prefix: bool = False
    numbers: Range | None = None
    dates: Range | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter."""

    name: str
    title: str
    """For the panel and the chips."""
    allowed: str
    """For the refusal and the documentation."""
    read: Callable[[str, Reading], Any]
    """Text to value; raises ValueError where it is none."""
    many: bool = True
    """Several values, separated by commas or by giving the parameter again: any of them."""
    frozen: Callable[[Any], str] | None = None
    """The text whose meaning no longer depends on the reading; none where it never does."""


def refuse(name: str, text: str, allowed: str) -> Refused:
    return Refused(f'{name}: "{text[:60]}" is not understood. Allowed: {allowed}.')


def chosen(*allowed: str) -> Callable[[str, Reading], tuple[str, ...]]:
    def read(text: str, _reading: Reading) -> tuple[str, ...]:
        values = _split(text)
        if not values or set(values) - set(allowed):
            raise ValueError
        return values

    return read


def ids(text: str, _reading: Reading) -> tuple[int, ...]:
    values = _split(text)
    if not values or len(values) > MOST_IDS:
        raise ValueError
    return tuple(_whole(value) for value in values)


def codes(text: str, _reading: Reading) -> tuple[Range, ...]:
    """Statuses: 404, 500..599 or 5xx."""
    found = []
    for part in _split(text):
        if _CODE_CLASS.match(part):
            found.append(Range(int(part[0]) * 100, int(part[0]) * 100 + 99))
        else:
            found.append(_whole_range(part))
    if not found:
        raise ValueError
    return tuple(found)


def tries(text: str, _reading: Reading) -> Range:
    return _whole_range(text)


def flag(text: str, _reading: Reading) -> bool:
    if text not in {"0", "1"}:
        raise ValueError
    return text == "1"


def yes(text: str, _reading: Reading) -> bool:
    if text != "1":
        raise ValueError
    return True


def since(text: str, reading: Reading) -> datetime:
    return _moment(text, reading)[0]


def until(text: str, reading: Reading) -> datetime:
    """Exclusive; a day is included wholly."""
    return _moment(text, reading)[1]


def span(text: str, reading: Reading) -> Range:
    """24h (since then), or from..to with either side left out."""
    low, dots, high = text.partition("..")
    if not low and not high:
        raise ValueError
    return Range(
        _moment(low, reading)[0] if low else None,
        _moment(high, reading)[1] if dots and high else None,
        open_end=True,
    )


def assignee(text: str, reading: Reading) -> tuple[int | None, ...]:
    """Ids; None stands for nobody."""
    found: list[int | None] = []
    for value in _split(text):
        if value == "me" and reading.me is None:
            raise ValueError
        found.append({"me": reading.me, "none": None}[value] if value in {"me", "none"} else _whole(value))
    if not found:
        raise ValueError
    return tuple(found)


def stages(text: str, _reading: Reading) -> tuple[str, ...]:
    values = _split(text)
    if not values or any(len(value) > 100 for value in values):
        raise ValueError
    return values


def words(text: str, _reading: Reading) -> tuple[str, ...]:
    """Lower-cased words; a quoted phrase is one of them."""
    found = [(phrase or word).casefold() for phrase, word in re.findall(r'"([^"]+)"|(\S+)', text)]
    if not found or len(found) > MOST_WORDS or any(len(word) > LONGEST for word in found):
        raise ValueError
    return tuple(found)


def wanted(text: str, _reading: Reading) -> Wanted:
    """value, prefix*, or low..high where a side is a number or a day."""
    if len(text) > LONGEST:
        raise ValueError
    low, dots, high = text.partition("..")
    if dots and (low or high):
        for kind, read in (("numbers", _number), ("dates", _day)):
            sides = [read(side) if side else None for side in (low.strip(), high.strip())]
            if all(value is not None or not side for value, side in zip(sides, (low, high), strict=True)):
                return Wanted(**{kind: Range(*sides)})  # type: ignore[arg-type]
    if text.endswith("*"):
        return Wanted(text[:-1].casefold(), prefix=True)
    return Wanted(text.casefold())


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError
    return int(text)


def _whole_range(text: str) -> Range:
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not dots:
        return Range(_whole(low), _whole(low))
    if not low and not high:
        raise ValueError
    return Range(_whole(low) if low else None, _whole(high) if high else None)


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10**13 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(text: str, reading: Reading) -> tuple[datetime, datetime]:
    """The instant, twice; of a day its beginning and its end."""
    text = text.strip()
    if ago := _AGO.match(text):
        at = reading.now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return at, at
    if day := _day(text):
        begins = [datetime.combine(day + timedelta(days=more), time(), reading.zone) for more in (0, 1)]
        return begins[0].astimezone(UTC), begins[1].astimezone(UTC)
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=reading.zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError from error
    return at, at


def _said_assignees(found: tuple[int | None, ...]) -> str:
    return ",".join("none" if pk is None else str(pk) for pk in found)


def _said_span(found: Range) -> str:
    return "..".join(side.isoformat() if side else "" for side in (found.low, found.high))


_IDS = "ids, separated by commas"
_TIME = "a time (2026-11-20, 2026-11-20T08:00) or how long ago (30m, 24h, 7d, 2w)"
_LIST = "{}, separated by commas"

PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("group", "Cause", f"{_IDS}; a group counts those merged into it", ids),
        Parameter("side", "Whose fault", _LIST.format(", ".join(side.key for side in looks.SIDES)),
                  chosen(*(side.key for side in looks.SIDES))),
        Parameter("reason", "Reason", _LIST.format(", ".join(states.Reason)), chosen(*states.Reason)),
        Parameter("destination", "Destination", _IDS, ids),
        Parameter("pipeline", "Pipeline", _IDS, ids),
        Parameter("queue", "Queue", _IDS, ids),
        Parameter("stage", "Stage", "names of stages, separated by commas", stages),
        Parameter("code", "Code", "statuses such as 404, 5xx or 500..503, separated by commas", codes),
        Parameter("state", "State", _LIST.format(", ".join(states.State)), chosen(*states.State)),
        Parameter("open", "Open failures", "1: the failure waits for a person; 0: it does not", flag, many=False),
        Parameter("resolution", "What became of it", _LIST.format(", ".join(states.Resolution)),
                  chosen(*states.Resolution)),
        Parameter("tries", "Tries", "a number or a range: 3, 2..5, 4..", tries, many=False),
        Parameter("trigger", "Begun by", _LIST.format(", ".join(TRIGGERS)), chosen(*TRIGGERS)),
        Parameter("since", "Since", _TIME, since, many=False, frozen=datetime.isoformat),
        Parameter("until", "Until", _TIME, until, many=False, frozen=datetime.isoformat),
        Parameter("assignee", "Assignee", "me, none or ids, separated by commas; me only for a person", assignee,
                  frozen=_said_assignees),
        Parameter("revision", "Revision", _IDS, ids),
        Parameter("ids", "Attempts", f"at least one id; {_IDS}", ids),
        Parameter("document", "Documents", f"at least one id; {_IDS}", ids),
        Parameter("last", "Last attempts", "1: only the newest attempt of each document", yes, many=False),
        Parameter("status", "Status", _LIST.format(", ".join(states.Status)), chosen(*states.Status)),
        Parameter("tab", "Tab", _LIST.format(", ".join(TABS)), chosen(*TABS)),
        Parameter("arrived", "Arrived", f"{_TIME}, or two of them: 14d..7d", span, many=False, frozen=_said_span),
        Parameter("automated", "Automated", "1 or 0", flag, many=False),
    )
}  # fmt: skip
NEVER_EMPTY = frozenset({"ids", "document"})
"""An empty selection is a mistake; of the others a form sends empty ones for what was left alone."""
