"""The five operators of JSON templating (docs/stages/json-templating.md), run and checked.

Each is an object with one key. The docs' two slips are accepted: `$IF_DATAPOINT_VALUE` without its final `$`, and
`fallback_mapping` as the name of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from pipelines.errors import Misconfigured, Rejected
from pipelines.fields import Node, text_of
from pipelines.jsontemplates import MAX_DEPTH, OPERATOR, SKIPPED, Scope, fill_in

Options = Mapping[str, Any]

REQUIRED = {
    "$DATAPOINT_VALUE$": ("schema_id",),
    "$DATAPOINT_MAPPING$": ("schema_id", "mapping"),
    "$FOR_EACH_SCHEMA_ID$": ("schema_id", "mapping"),
    "$IF_DATAPOINT_VALUE$": ("schema_id", "value"),
    "$IF_SCHEMA_ID$": ("schema_id", "mapping"),
}
OPTIONAL = {
    "$DATAPOINT_VALUE$": ("value_type",),
    "$DATAPOINT_MAPPING$": ("fallback_mapping",),
    "$FOR_EACH_SCHEMA_ID$": ("fallback_mapping",),
    "$IF_DATAPOINT_VALUE$": ("mapping", "fallback_mapping"),
    "$IF_SCHEMA_ID$": ("fallback_mapping",),
}
VALUE_TYPES = ("string", "integer", "float", "boolean", "iso_datetime")


def run(operator: str, options: Any, scope: Scope, depth: int) -> Any:
    """The operator's result, which stands in its object's place; SKIPPED where its place disappears."""
    name = _full(operator)
    wrong = next(_wrong(operator, options), None)
    if wrong is not None:
        raise Misconfigured(wrong, place=operator)
    return _RUN[name](options, scope, depth)


def problems_of(value: Any, path: str, depth: int) -> Iterator[str]:
    """One line for everything that cannot work, each with its path."""
    if depth > MAX_DEPTH:
        yield f"{path}: nested more than {MAX_DEPTH} levels deep."
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from problems_of(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, Mapping):
        for key, member in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if OPERATOR.match(str(key)):
                if len(value) > 1:
                    yield f"{inner}: an operator stands alone in its object; move the other keys out."
                for message in _wrong(str(key), member):
                    yield f"{inner}: {message}"
            yield from problems_of(member, inner, depth + 1)


def _full(operator: str) -> str:
    return operator if operator.endswith("$") else f"{operator}$"


def _wrong(operator: str, options: Any) -> Iterator[str]:
    name = _full(operator)
    if name not in REQUIRED:
        near = get_close_matches(name, list(REQUIRED), 1)
        yield f"There is no operator {operator}.{f' Did you mean {near[0]}?' if near else ''}"
        return
    if not isinstance(options, Mapping):
        yield f"The operator takes an object with {', '.join(REQUIRED[name])}."
        return
    for option in REQUIRED[name]:
        if option not in options:
            yield f'The option "{option}" is missing.'
    known = REQUIRED[name] + OPTIONAL[name]
    for option in options:
        if option not in known:
            near = get_close_matches(str(option), known, 1)
            yield f'The option "{option}" is unknown.{f" Did you mean {near[0]}?" if near else ""}'
    yield from _wrong_values(name, options)


def _wrong_values(name: str, options: Options) -> Iterator[str]:
    if not isinstance(options.get("schema_id", ""), str):
        yield "schema_id is text."
    if name == "$DATAPOINT_MAPPING$" and not isinstance(options.get("mapping", {}), Mapping):
        yield "mapping is an object: each key a value of the field, each member what then stands here."
    if name == "$IF_DATAPOINT_VALUE$" and ("mapping" in options) == ("fallback_mapping" in options):
        yield 'Give what stands here when the value is equal, once: in "mapping".'
    value_type = options.get("value_type", "string")
    if value_type not in VALUE_TYPES:
        near = get_close_matches(str(value_type), VALUE_TYPES, 1)
        yield f"value_type is one of {', '.join(VALUE_TYPES)}.{f' Did you mean {near[0]}?' if near else ''}"


def _value(options: Options, scope: Scope, _depth: int) -> Any:
    schema_id = options["schema_id"]
    text = scope.text(schema_id)
    return _CASTS[options.get("value_type", "string")](text, schema_id)


def _mapping(options: Options, scope: Scope, depth: int) -> Any:
    text = scope.text(options["schema_id"])
    chosen = options["mapping"][text] if text in options["mapping"] else options.get("fallback_mapping")
    return fill_in(chosen, scope, depth + 1)


def _for_each(options: Options, scope: Scope, depth: int) -> Any:
    rows = _rows(scope.nodes(options["schema_id"]))
    if not rows:
        return fill_in(options.get("fallback_mapping", []), scope, depth + 1)
    filled = [fill_in(options["mapping"], scope.inside(row, index), depth + 1) for index, row in enumerate(rows)]
    return [item for item in filled if item is not SKIPPED]


def _rows(found: list[Node]) -> list[Node]:
    """The rows meant by a row's id, or by the id of the table around them."""
    return [row for node in found for row in (node.get("children") or () if _is_table(node) else (node,))]


def _is_table(node: Node) -> bool:
    return node.get("category") in {"multivalue", "section"}


def _if_value(options: Options, scope: Scope, depth: int) -> Any:
    schema_id = options["schema_id"]
    node = scope.datapoint(schema_id)
    if node is None:
        message = "$IF_DATAPOINT_VALUE$ needs this field, and the document does not have it."
        raise Misconfigured(message, place=f"field.{schema_id}")
    if text_of(node) != _as_text(options["value"]):
        return SKIPPED
    return fill_in(options["mapping"] if "mapping" in options else options["fallback_mapping"], scope, depth + 1)


def _if_schema(options: Options, scope: Scope, depth: int) -> Any:
    if any(_filled(node) for node in scope.nodes(options["schema_id"])):
        return fill_in(options["mapping"], scope, depth + 1)
    return fill_in(options["fallback_mapping"], scope, depth + 1) if "fallback_mapping" in options else SKIPPED


def _filled(node: Node) -> bool:
    if node.get("category") == "datapoint":
        return text_of(node) != ""
    return any(_filled(child) for child in node.get("children") or ())


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _integer(text: str, schema_id: str) -> int | None:
    number = _number(text, schema_id, "a whole number")
    if number is None:
        return None
    if number != number.to_integral_value() or abs(number) >= Decimal(10) ** 30:
        raise _uncast(text, schema_id, "a whole number")
    return int(number)


def _float(text: str, schema_id: str) -> float | None:
    number = _number(text, schema_id, "a number")
    if number is None:
        return None
    if abs(number) >= Decimal("1e300"):
        raise _uncast(text, schema_id, "a number that JSON can carry")
    return float(number)


def _number(text: str, schema_id: str, wanted: str) -> Decimal | None:
    """None for an empty field: nothing was captured, which is not a wrong number."""
    if not text.strip():
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _uncast(text, schema_id, wanted) from None
    if not number.is_finite():
        raise _uncast(text, schema_id, wanted)
    return number


def _boolean(text: str, _schema_id: str) -> bool:
    return text.strip().lower() in {"true", "1", "yes"}


def _iso_datetime(text: str, schema_id: str) -> str | None:
    """RFC 3339 in UTC, for example 2026-03-02T00:00:00Z; a text without a zone is taken as UTC."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _uncast(text, schema_id, f"a date such as {date(2026, 3, 2).isoformat()}") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _uncast(text: str, schema_id: str, wanted: str) -> Rejected:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return Rejected(f'The value "{shown}" is not {wanted}. Correct the field.', place=f"field.{schema_id}")


_CASTS: dict[str, Callable[[str, str], Any]] = {
    "string": lambda text, _: text,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "iso_datetime": _iso_datetime,
}
_RUN: dict[str, Callable[[Options, Scope, int], Any]] = {
    "$DATAPOINT_VALUE$": _value,
    "$DATAPOINT_MAPPING$": _mapping,
    "$FOR_EACH_SCHEMA_ID$": _for_each,
    "$IF_DATAPOINT_VALUE$": _if_value,
    "$IF_SCHEMA_ID$": _if_schema,
}
