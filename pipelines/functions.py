"""The functions, methods and attributes that expressions may use. What is not in these tables does not exist there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from pipelines import operators
from pipelines.operators import ValueProblem, is_empty, number, sized, text_of
from pipelines.typedfields import Column

MAX_DIGITS = 50


def _items(value: Any) -> list[Any]:
    if isinstance(value, str | Mapping):
        return list(value)
    if isinstance(value, list | tuple):
        return list(value)
    message = f"a list is needed, not {operators.kind(value)}"
    raise ValueProblem(message, of_document=value is None)


def _several(values: tuple[Any, ...]) -> list[Any]:
    return _items(values[0]) if len(values) == 1 else list(values)


def _len(value: Any) -> int:
    return len(_items(value))


def _int(value: Any) -> int:
    found = number(value, "a whole number")
    return operators.bounded(int(found))


def _float(value: Any) -> Decimal:
    return Decimal(number(value))


def _round(value: Any, digits: Any = 0) -> int | Decimal:
    """Halves go to the even neighbour, as in Python; exact, since nothing here is a binary float."""
    places = int(number(digits))
    if abs(places) > MAX_DIGITS:
        message = f"{MAX_DIGITS} digits are the most"
        raise ValueProblem(message, of_document=False)
    rounded = Decimal(number(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, operators.CONTEXT)
    return rounded if places > 0 else int(rounded)


def _sum(values: Any, start: Any = 0) -> Any:
    """Empty values are left out: an empty cell adds nothing."""
    given = [item for item in _items(values) if not is_empty(item)]
    return functools.reduce(operators.add, [number(item) for item in given], start)


def _extreme(sign: int) -> Callable[..., Any]:
    def chosen(*values: Any, default: Any = None) -> Any:
        given = [item for item in _several(values) if not is_empty(item)]
        if not given:
            return default
        return functools.reduce(lambda best, item: item if operators.order(item, best) * sign > 0 else best, given)

    return chosen


def _sorted(values: Any) -> list[Any]:
    return sorted(_items(values), key=functools.cmp_to_key(operators.order))


def _abs(value: Any) -> int | Decimal:
    found = number(value)
    return -found if found < 0 else found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else sized(text_of(value))


def _replace(text: Any, old: Any, new: Any, count: Any = -1) -> str:
    whole, before, after = _text(text), _text(old), _text(new)
    growth = whole.count(before) * max(len(after) - len(before), 0)
    if len(whole) + growth > operators.MAX_TEXT:
        return sized("x" * (operators.MAX_TEXT + 1))
    return whole.replace(before, after, int(number(count)))


def _split(text: Any, separator: Any = None, most: Any = -1) -> list[str]:
    return list(_text(text).split(None if separator is None else _text(separator), int(number(most))))


def _join(separator: Any, values: Any) -> str:
    texts = [text_of(item) for item in _items(values)]
    length = sum(map(len, texts)) + len(_text(separator)) * max(len(texts) - 1, 0)
    return _text(separator).join(texts) if length <= operators.MAX_TEXT else sized("x" * (operators.MAX_TEXT + 1))


def _padded(name: str) -> Callable[..., str]:
    def pad(text: Any, width: Any, *fill: Any) -> str:
        wanted = int(number(width))
        if wanted > operators.MAX_TEXT:
            message = f"{operators.MAX_TEXT:,} characters are the most"
            raise ValueProblem(message, of_document=False)
        return str(getattr(_text(text), name)(wanted, *(_text(one) for one in fill)))

    return pad


def _any_of(end: str) -> Callable[[Any, Any], bool]:
    def test(text: Any, given: Any) -> bool:
        wanted = tuple(_text(one) for one in given) if isinstance(given, list | tuple) else _text(given)
        return bool(getattr(_text(text), end)(wanted))

    return test


def _plain(name: str) -> Callable[..., Any]:
    """A method of text that takes texts and cannot grow."""

    def call(text: Any, *arguments: Any) -> Any:
        return getattr(_text(text), name)(*(_text(one) for one in arguments))

    return call


def _default_to(value: Any, default: Any) -> Any:
    return default if is_empty(value) else value


def _days(count: Any) -> timedelta:
    whole = int(number(count))
    if abs(whole) > 1_000_000:
        message = "a million days are the most"
        raise ValueProblem(message, of_document=False)
    return timedelta(days=whole)


def _every(values: Iterable[Any]) -> bool:
    return all(_items(values))


def _some(values: Iterable[Any]) -> bool:
    return any(_items(values))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": _len,
    "int": _int,
    "float": _float,
    "str": _text,
    "bool": lambda value: not is_empty(value) and bool(value),
    "abs": _abs,
    "round": _round,
    "min": _extreme(-1),
    "max": _extreme(1),
    "sum": _sum,
    "any": _some,
    "all": _every,
    "sorted": _sorted,
    "date": operators.as_day,
    "days": _days,
    "is_empty": is_empty,
    "is_set": lambda value: not is_empty(value),
    "default_to": _default_to,
    "contains": lambda whole, item: operators.contains(item, whole),
    "lower": _plain("lower"),
    "upper": _plain("upper"),
    "strip": _plain("strip"),
    "startswith": _any_of("startswith"),
    "endswith": _any_of("endswith"),
    "replace": _replace,
    "split": _split,
    "join": _join,
}

TEXT_METHODS: dict[str, Callable[..., Any]] = {
    **{name: FUNCTIONS[name] for name in ("lower", "upper", "strip", "startswith", "endswith")},
    **{name: FUNCTIONS[name] for name in ("replace", "split", "join")},
    **{name: _plain(name) for name in ("lstrip", "rstrip", "removeprefix", "removesuffix", "count", "find")},
    **{name: _plain(name) for name in ("title", "capitalize", "casefold", "isdigit", "isalpha", "isalnum", "isspace")},
    **{name: _padded(name) for name in ("zfill", "ljust", "rjust", "center")},
}  # fmt: skip
LIST_METHODS: dict[str, Callable[..., Any]] = {
    "count": lambda items, value: sum(1 for item in items if operators.equal(item, value)),
}
OBJECT_METHODS: dict[str, Callable[..., Any]] = {
    "get": lambda mapping, key, default=None: mapping.get(key, default),
    "keys": list,
    "values": lambda mapping: [mapping[key] for key in mapping],
    "items": lambda mapping: [[key, mapping[key]] for key in mapping],
}
DATE_METHODS: dict[str, Callable[..., Any]] = {
    "isoformat": lambda day: day.isoformat(),
    "weekday": lambda day: day.weekday(),
}

METHODS: tuple[tuple[Any, dict[str, Callable[..., Any]]], ...] = (
    (str, TEXT_METHODS),
    ((list, tuple), LIST_METHODS),
    (Mapping, OBJECT_METHODS),
    (date, DATE_METHODS),
)
ATTRIBUTES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (date, ("year", "month", "day")),
    (timedelta, ("days",)),
    (Column, ("all_values",)),
)
ALL_METHODS = frozenset(name for _, table in METHODS for name in table)
