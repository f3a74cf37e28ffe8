"""What the operators and functions of expressions do with numbers, texts, dates and nothing.

Numbers are whole or exact decimals, never binary floats. A text that is a number counts as one beside a number, because
fields without a schema are all text; empty counts as equal to empty, and as nothing that can be reckoned with.
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

MAX_TEXT = 100_000
MAX_BITS = 4096
CONTEXT = decimal.Context(
    prec=50,
    Emax=1000,
    Emin=-1000,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)


class ValueProblem(Exception):
    """`of_document`: a person corrects the document; otherwise the expression is wrong."""

    def __init__(self, message: str, *, of_document: bool = True) -> None:
        super().__init__(message)
        self.of_document = of_document


def number(value: Any, wanted: str = "a number") -> int | Decimal:
    """Raises ValueProblem where there is none."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        return Decimal(repr(value))
    if is_empty(value):
        message = f"it is empty, and {wanted} is needed"
        raise ValueProblem(message)
    if isinstance(value, str):
        found = _parsed(value)
        if found is None:
            message = f'"{short(value)}" is not {wanted}'
            raise ValueProblem(message)
        return found
    message = f"{kind(value)} is not {wanted}"
    raise ValueProblem(message, of_document=False)


def _parsed(text: str) -> Decimal | None:
    digits = text.strip()
    try:
        found = Decimal(digits) if digits and len(digits) <= 400 and "_" not in digits else None
    except decimal.InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def is_empty(value: Any) -> bool:
    """None, no text, white space alone, or a list or mapping with nothing in it."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | tuple | Mapping) and len(value) == 0)


def kind(value: Any) -> str:
    """The value's type in a person's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    for types, words in _KINDS:
        if isinstance(value, types):
            return words
    return "this"


_KINDS: tuple[tuple[Any, str], ...] = (
    ((int, float, Decimal), "a number"),
    (str, "text"),
    (date, "a date"),
    (timedelta, "a span of days"),
    ((list, tuple), "a list"),
    (Mapping, "an object"),
)


def short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


def text_of(value: Any) -> str:
    """A value as a field's text: 201 → "201", None → "", a date in ISO form, true and false in lower case."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.days)
    if isinstance(value, list | tuple):
        return sized(", ".join(text_of(item) for item in value))
    return str(value)


def sized(text: str) -> str:
    if len(text) > MAX_TEXT:
        message = f"the text would have {len(text):,} characters, and {MAX_TEXT:,} is the most"
        raise ValueProblem(message, of_document=False)
    return text


def bounded(value: int) -> int:
    if value.bit_length() > MAX_BITS:
        message = f"the number would have over {MAX_BITS * 3 // 10:,} digits"
        raise ValueProblem(message, of_document=False)
    return value


def add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            return sized("x" * (MAX_TEXT + 1))
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return [*left, *right][: MAX_TEXT + 1]
    if isinstance(left, date) and isinstance(right, timedelta):
        return _moved(left, right)
    if isinstance(left, timedelta) and isinstance(right, date):
        return _moved(right, left)
    if isinstance(left, timedelta) and isinstance(right, timedelta):
        return left + right
    return _reckon("add", left, right)


def subtract(left: Any, right: Any) -> Any:
    if isinstance(left, date) and isinstance(right, timedelta):
        return _moved(left, -right)
    if isinstance(left, date) and isinstance(right, date):
        return plain_day(left) - plain_day(right)
    return _reckon("subtract", left, right)


def _moved(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        message = "no calendar has that date"
        raise ValueProblem(message) from None


def multiply(left: Any, right: Any) -> Any:
    return _reckon("multiply", left, right)


def divide(left: Any, right: Any) -> Any:
    return _reckon("divide", left, right)


def floor_divide(left: Any, right: Any) -> Any:
    a, b = number(left), number(right)
    if isinstance(a, int) and isinstance(b, int) and b:
        return a // b
    return _reckon("divide_int", a, b)


def modulo(left: Any, right: Any) -> Any:
    a, b = number(left), number(right)
    if isinstance(a, int) and isinstance(b, int) and b:
        return a % b
    return _reckon("remainder", a, b)


def power(left: Any, right: Any) -> Any:
    a, b = number(left), number(right)
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        if a.bit_length() * b > MAX_BITS:
            return bounded(1 << (MAX_BITS + 1))
        return bounded(a**b)
    return _reckon("power", a, b)


def _reckon(name: str, left: Any, right: Any) -> Any:
    a, b = number(left), number(right)
    if isinstance(a, int) and isinstance(b, int) and name in _WHOLE:
        return bounded(_WHOLE[name](a, b))
    try:
        return getattr(CONTEXT, name)(Decimal(a), Decimal(b))
    except (decimal.DivisionByZero, decimal.DivisionUndefined):
        message = "it divides by zero"
        raise ValueProblem(message) from None
    except decimal.Overflow:
        message = "the number is too large"
        raise ValueProblem(message) from None
    except decimal.InvalidOperation:
        message = "there is no such number" if b else "it divides by zero"
        raise ValueProblem(message) from None


_WHOLE: dict[str, Any] = {"add": int.__add__, "subtract": int.__sub__, "multiply": int.__mul__}


def plain_day(value: Any) -> date:
    return value.date() if isinstance(value, datetime) else value


def equal(left: Any, right: Any) -> bool:
    if is_empty(left) or is_empty(right):
        return is_empty(left) and is_empty(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    if _is_number(left) != _is_number(right):
        counted, other = (left, right) if _is_number(left) else (right, left)
        found = _parsed(other) if isinstance(other, str) else None
        return found is not None and found == number(counted)
    if isinstance(left, date) != isinstance(right, date):
        day, other = (left, right) if isinstance(left, date) else (right, left)
        return isinstance(other, str) and other.strip() == day.isoformat()
    return bool(number(left) == number(right)) if _is_number(left) else bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def order(left: Any, right: Any) -> int:
    """Below, at or above zero as left is less than, equal to or greater than right."""
    if _is_number(left) or _is_number(right):
        a, b = number(left), number(right)
        return (a > b) - (a < b)
    if isinstance(left, date) or isinstance(right, date):
        first, second = as_day(left), as_day(right)
        return (first > second) - (first < second)
    for types in (str, timedelta):
        if isinstance(left, types) and isinstance(right, types):
            return (left > right) - (left < right)  # type: ignore[operator]  # both are of the one type
    if left is None or right is None:
        message = "it is empty, and cannot be compared"
        raise ValueProblem(message)
    message = f"{kind(left)} and {kind(right)} cannot be compared"
    raise ValueProblem(message, of_document=False)


def as_day(value: Any) -> date:
    """A date, or a text that is one in ISO form."""
    if isinstance(value, date):
        return plain_day(value)
    if is_empty(value):
        message = "it is empty, and a date is needed"
        raise ValueProblem(message)
    try:
        return datetime.fromisoformat(str(value).strip()).date()
    except ValueError:
        message = f'"{short(str(value))}" is not a date such as 2026-03-02'
        raise ValueProblem(message) from None


def contains(item: Any, whole: Any) -> bool:
    if isinstance(whole, str):
        return text_of(item) in whole
    if isinstance(whole, Mapping):
        return item in whole
    if isinstance(whole, list | tuple):
        return any(equal(item, member) for member in whole)
    message = f"nothing can be looked for in {kind(whole)}"
    raise ValueProblem(message, of_document=whole is None)
