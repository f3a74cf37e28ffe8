"""The language of annotation searches: `query` with operators on properties and captured fields, and `query_string`.

Read into a small tree of conditions, with limits and with the place of what is wrong; what a condition means to the
database is exports/protocols/rossum/searching.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from exports.wire.rossum import times
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of

MOST_CONDITIONS = 100
MOST_VALUES = 1000
"""Of one $in."""
DEEPEST = 10
LONGEST = 200
"""Characters of a text; search knows no more of a value."""

Kind = Literal["id", "word", "moment", "flag", "string", "number", "date"]
Value = int | str | bool | datetime | date | Decimal

PROPERTIES: dict[str, Kind] = {
    **dict.fromkeys(
        (
            "id", "url", "queue", "workspace", "document", "modifier", "assignees", "confirmed_by", "exported_by",
            "rejected_by", "deleted_by", "purged_by",
        ),
        "id",
    ),
    **dict.fromkeys(("status", "original_file_name"), "word"),
    **dict.fromkeys(
        (
            "created_at", "arrived_at", "assigned_at", "confirmed_at", "modified_at", "exported_at", "export_failed_at",
            "deleted_at", "purged_at",
        ),
        "moment",
    ),
    "automated": "flag",
}  # fmt: skip
_COMPARING = frozenset({"$gt", "$gte", "$lt", "$lte"})
_LISTING = frozenset({"$in", "$nin"})
_PREFIXING = frozenset({"$startsWith", "$anyTokenStartsWith", "$containsPrefixes"})
OPERATORS = frozenset({"$eq", "$ne", "$emptyOrMissing"}) | _COMPARING | _LISTING | _PREFIXING

_ALLOWED: dict[Kind, frozenset[str]] = {
    "id": frozenset({"$eq", "$ne", "$emptyOrMissing"}) | _LISTING,
    "word": frozenset({"$eq", "$ne", "$startsWith", "$emptyOrMissing"}) | _LISTING,
    "moment": frozenset({"$eq", "$ne", "$emptyOrMissing"}) | _COMPARING,
    "flag": frozenset({"$eq", "$ne"}),
    "string": OPERATORS,
    "number": OPERATORS - _PREFIXING,
    "date": OPERATORS - _PREFIXING,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one property, or on the captured field `field` (then `name` is empty)."""

    name: str
    kind: Kind
    operator: str
    value: Any
    """A Value; a list of them for $in and $nin; a bool for $emptyOrMissing."""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that must all hold, or of which one must."""

    all_of: bool
    parts: Sequence[Group | Condition]


def read(body: Mapping[str, Any]) -> tuple[Group, str]:
    """The conditions of `query`, and the text of `query_string`; one of the two there must be. Raises WrongValue."""
    query, text = body.get("query"), body.get("query_string")
    if query is None and text is None:
        raise WrongValue("query", "Give a query or a query_string.")
    said: Any = ""
    if text is not None:
        said = text.get("string") if isinstance(text, Mapping) else text
        if not isinstance(said, str) or len(said) > LONGEST:
            raise WrongValue("query_string", f'This must be {{"string": a text of at most {LONGEST} characters}}.')
    if query is None:
        return Group(all_of=True, parts=()), said
    count = [0]
    return _group(query, "query", count, 0), said


def _group(given: Any, place: str, count: list[int], depth: int) -> Group:
    if not isinstance(given, Mapping):
        raise WrongValue("query", f"{place}: This must be an object.")
    if depth > DEEPEST:
        raise WrongValue("query", f"{place}: Nested more than {DEEPEST} levels deep.")
    parts: list[Group | Condition] = []
    for name, inner in given.items():
        at = f"{place}.{name}"[:200]
        if name in {"$and", "$or"}:
            if not isinstance(inner, list):
                raise WrongValue("query", f"{at}: This must be a list.")
            found = [_group(one, f"{at}[{index}]", count, depth + 1) for index, one in enumerate(inner)]
            parts.append(Group(all_of=name == "$and", parts=found))
        else:
            parts.extend(_conditions(name, inner, at, count))
    return Group(all_of=True, parts=parts)


def _conditions(name: str, given: Any, place: str, count: list[int]) -> list[Condition]:
    kind, field = _kind(name, place)
    operators = given if isinstance(given, Mapping) else {"$eq": given}
    found = []
    for operator, value in operators.items():
        count[0] += 1
        if count[0] > MOST_CONDITIONS:
            raise WrongValue("query", f"At most {MOST_CONDITIONS} conditions are looked at at once.")
        if operator not in _ALLOWED[kind]:
            known = ", ".join(sorted(_ALLOWED[kind]))
            raise WrongValue("query", f"{place}: There is no operator {str(operator)[:40]!r} here; there are {known}.")
        found.append(Condition("" if field else name, kind, operator, _value(kind, operator, value, place), field))
    return found


def _kind(name: str, place: str) -> tuple[Kind, str]:
    if name in PROPERTIES:
        return PROPERTIES[name], ""
    if name.startswith("field."):
        field, dot, kind = name.removeprefix("field.").rpartition(".")
        if dot and field and kind in {"string", "number", "date"}:
            return kind, field[:100]  # type: ignore[return-value]  # one of the three
        raise WrongValue("query", f"{place}: Fields are named field.SCHEMA_ID.string, .number or .date.")
    raise WrongValue("query", f"{place}: There is no such property. There are field.… and {', '.join(PROPERTIES)}.")


def _value(kind: Kind, operator: str, given: Any, place: str) -> Any:
    if operator == "$emptyOrMissing":
        if not isinstance(given, bool):
            raise WrongValue("query", f"{place}: $emptyOrMissing is true or false.")
        return given
    if operator in _LISTING:
        if not isinstance(given, list) or len(given) > MOST_VALUES:
            raise WrongValue("query", f"{place}: {operator} is a list of at most {MOST_VALUES} values.")
        return [_one(kind, one, place) for one in given]
    return _one(kind, given, place)


def _one(kind: Kind, given: Any, place: str) -> Value:
    found: Value | None = None
    match kind:
        case "id":
            found = id_of(given)
        case "flag":
            found = given if isinstance(given, bool) else None
        case "number":
            found = _number(given)
        case "moment" | "date":
            found = _moment(given)
            if kind == "date" and isinstance(found, datetime):
                found = found.date()
        case "word" | "string":
            found = given if isinstance(given, str) and len(given) <= 10 * LONGEST else None
    if found is None:
        raise WrongValue("query", f"{place}: {str(given)[:60]!r} is no value of it.")
    return found


def _number(given: Any) -> Decimal | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = Decimal(str(given)[:40])
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**13 else None


def _moment(given: Any) -> datetime | None:
    try:
        return times.read(given) if isinstance(given, str) else None
    except (ValueError, OverflowError):
        return None
