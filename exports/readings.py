"""How the text of a filter is read: lists, ids, ranges, times, captured values, words. Pure.

Which filters there are, and what each allows, stands in exports/parameters.py."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_IDS = 10_000
MOST_WORDS = 6
LONGEST = 200
"""Characters of a text that is searched for."""

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


def texts(text: str, _reading: Reading) -> tuple[str, ...]:
    """As they are, capitals and all."""
    values = _split(text)
    if not values or len(values) > MOST_IDS or any(len(value) > LONGEST for value in values):
        raise ValueError
    return values


def fold(text: str) -> str:
    """As search compares texts: composed, case-folded, one space where there was any white space."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def words(text: str, _reading: Reading) -> tuple[str, ...]:
    """Folded words; a quoted phrase is one of them."""
    found = [fold(phrase or word) for phrase, word in re.findall(r'"([^"]*[^"\s][^"]*)"|(\S+)', text)]
    if not found or len(found) > MOST_WORDS or any(len(word) > LONGEST for word in found):
        raise ValueError
    return tuple(found)


def wanted(text: str, _reading: Reading | None = None) -> Wanted:
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
        return Wanted(fold(text[:-1]), prefix=True)
    return Wanted(fold(text))


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
