"""A document's fields with the types of their schema, as expressions read them (docs/stages/expressions.md).

A number is an exact Decimal, a date a date, everything else text; empty is None for numbers and dates and "" for text.
Tables are lists of rows; a column is also there under its own id, as the list of its values in every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pipelines.errors import Rejected
from pipelines.fields import Content, Node, text_of

Schema = Sequence[Mapping[str, Any]]


class Column(list[Any]):
    """The values of one column, or of a simple multivalue. `all_values` is the list itself, as in TxScript."""

    @property
    def all_values(self) -> list[Any]:
        return list(self)


class Row(Mapping[str, Any]):
    """One row of a table, by cell id."""

    def __init__(self, node: Node, types: Mapping[str, str], place: str) -> None:
        self._cells = {cell["schema_id"]: cell for cell in node.get("children") or ()}
        self._types = types
        self._place = place

    def __getitem__(self, schema_id: str) -> Any:
        return _typed(self._cells[schema_id], self._types, f"{self._place}.{schema_id}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


class Fields(Mapping[str, Any]):
    """Every field by its schema id; typed when read, so that a bad value hurts only who asks for it.

    Raises Rejected naming the field where its text is not of its type, KeyError where there is no such field."""

    def __init__(self, content: Content, schema: Schema = ()) -> None:
        self._content = content
        self._types = dict(_types(schema))
        self._known: dict[str, Any] = {}

    def __getitem__(self, schema_id: str) -> Any:
        if schema_id not in self._known:
            self._known[schema_id] = self._read(schema_id)
        return self._known[schema_id]

    def __iter__(self) -> Iterator[str]:
        present = (node["schema_id"] for node in self._content.nodes() if node.get("category") in _NAMED)
        return iter(dict.fromkeys([*present, *self._types]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, schema_id: object) -> bool:
        if schema_id in self._types:
            return True
        return isinstance(schema_id, str) and any(n.get("category") in _NAMED for n in self._content.find(schema_id))

    def _read(self, schema_id: str) -> Any:
        header = self._content.datapoint(schema_id)
        if header is not None:
            return _typed(header, self._types, schema_id)
        found = self._content.find(schema_id)
        if found and found[0].get("category") == "multivalue":
            return self._table(found[0], schema_id)
        cells = [node for node in found if node.get("category") == "datapoint"]
        if cells:
            return Column(_typed(cell, self._types, schema_id) for cell in cells)
        return _EMPTY[self._types[schema_id]]()

    def _table(self, table: Node, schema_id: str) -> list[Any]:
        children = table.get("children") or []
        if children and children[0].get("category") == "datapoint":
            return Column(_typed(child, self._types, schema_id) for child in children)
        return [Row(child, self._types, f"{schema_id}[{index}]") for index, child in enumerate(children)]


_NAMED = {"datapoint", "multivalue"}
_EMPTY: dict[str, Callable[[], Any]] = {
    "number": lambda: None,
    "date": lambda: None,
    "table": list,
    "column": Column,
    "string": str,
}


def _types(schema: Schema) -> Iterable[tuple[str, str]]:
    """(schema id, number | date | string | table | column …) of every field of the schema."""
    for section in schema:
        for node in section.get("children") or ():
            yield from _types_of(node)


def _types_of(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if node.get("category") == "datapoint":
        yield str(node.get("id")), _kind(node)
        return
    if node.get("category") == "multivalue":
        yield str(node.get("id")), "table"
    children = node.get("children") or ()
    for child in (children,) if isinstance(children, Mapping) else children:
        yield from _types_of(child)


def _kind(node: Mapping[str, Any]) -> str:
    kind = node.get("type")
    if kind == "enum":
        kind = node.get("enum_value_type")
    return str(kind) if kind in {"number", "date"} else "string"


def _typed(node: Node, types: Mapping[str, str], place: str) -> Any:
    text = text_of(node)
    kind = types.get(node["schema_id"], "string")
    if kind == "number":
        return number(text, place)
    if kind == "date":
        return day(text, place)
    return text


def number(text: str, place: str) -> Decimal | None:
    """Raises Rejected naming the field where the text is no number."""
    digits = "".join(text.split())
    if not digits:
        return None
    try:
        value = Decimal(digits)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        message = f'"{_short(text)}" is not a number. Correct the field.'
        raise Rejected(message, place=f"field.{place}")
    return value


def day(text: str, place: str) -> date | None:
    """Raises Rejected naming the field where the text is no date."""
    text = text.strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        message = f'"{_short(text)}" is not a date such as 2026-03-02. Correct the field.'
        raise Rejected(message, place=f"field.{place}") from None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
