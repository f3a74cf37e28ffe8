"""Fields that are worked out from other fields: datapoints whose schema carries a "formula".

Recomputed whenever fields change, between the stages of a pipeline too. A formula is one
expression of our safe language; it sees `field`, and inside a table the cells of its own row under `field` first.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pipelines import expressions, operators, schematree
from pipelines.definition import in_order
from pipelines.errors import Misconfigured, StageError
from pipelines.fields import MAX_VALUE, Content, Node
from pipelines.problems import did_you_mean
from pipelines.schematree import Field, Sections
from pipelines.typedfields import Fields


class RowFields(Mapping[str, Any]):
    """What `field` is inside a table: the row's own cells, then everything else of the document."""

    def __init__(self, row: Node, everything: Fields, sections: Sections) -> None:
        cells = row.get("children") or ()
        self._ids = {cell["schema_id"] for cell in cells}
        self._cells = Fields(Content([{"category": "section", "schema_id": "row", "children": cells}]), sections)
        self._everything = everything

    def __getitem__(self, schema_id: str) -> Any:
        return (self._cells if schema_id in self._ids else self._everything)[schema_id]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._ids, *self._everything]))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def recompute(content: Content, sections: Sections) -> tuple[Content, list[str]]:
    """The tree with every formula's value fresh, and a warning for each one that has none: its value is then empty.

    Where a node says `no_recalculation`, somebody has overridden the formula: it stays as it is."""
    known = {field.id: field for field in schematree.fields(sections) if field.formula}
    if not known:
        return content, []
    fresh = Content(copy.deepcopy(list(content.sections)))
    warnings: list[str] = []
    for name in _order(known):
        field = known[name]
        fields = Fields(fresh, sections)
        for node, seen in _places(field, fresh, fields, sections):
            if not node.get("no_recalculation"):
                value, warning = _value(field, seen)
                kept = {"page": None, "position": None, **(node.get("content") or {})}
                node["content"] = {**kept, "value": value, "normalized_value": value}
                warnings += [warning] if warning else []
    return Content(fresh.sections), warnings


def problems(sections: Sections) -> list[str]:
    """What is wrong with the formulas of a schema that is about to be saved; empty when sound."""
    known = {field.id: field for field in schematree.fields(sections) if field.formula}
    ids = schematree.ids(sections)
    found = []
    for field in known.values():
        try:
            reads = _parse(field.formula).reads
        except Misconfigured as error:
            found.append(f"{field.id}.formula: {error}")
            continue
        lacking = sorted(reads - ids)
        found += [f'{field.id}.formula: The schema has no field "{name}".{did_you_mean(name, ids)}' for name in lacking]
    ordered: list[str] = []
    for name in _order(known):
        if any(before in known and before not in ordered for before in _needs(known[name])):
            circle = [name for name in known if name not in ordered]
            found.append(f"{circle[0]}.formula: These formulas need each other in a circle: {', '.join(circle)}.")
            break
        ordered.append(name)
    return found


@lru_cache(maxsize=2048)
def _parse(formula: str) -> expressions.Expression:
    return expressions.parse(formula)


def _needs(field: Field) -> frozenset[str]:
    """The fields that the formula reads; none where it cannot be read itself."""
    try:
        return _parse(field.formula).reads
    except Misconfigured:
        return frozenset()


def _order(known: Mapping[str, Field]) -> list[str]:
    return in_order(list(known), {name: _needs(field) for name, field in known.items()})


def _places(
    field: Field, content: Content, fields: Fields, sections: Sections
) -> Sequence[tuple[Node, Mapping[str, Any]]]:
    """Each datapoint that the formula fills, with what `field` is there."""
    if not field.table:
        header = content.datapoint(field.id)
        return [] if header is None else [(header, fields)]
    places: list[tuple[Node, Mapping[str, Any]]] = []
    for table in content.find(field.table):
        for row in table.get("children") or ():
            places += [
                (cell, RowFields(row, fields, sections))
                for cell in row.get("children") or ()
                if cell["schema_id"] == field.id
            ]
    return places


def _value(field: Field, seen: Mapping[str, Any]) -> tuple[str, str]:
    """The formula's value as text, and a warning where it has none."""
    label = str(field.node.get("label") or field.id)
    try:
        value = _parse(field.formula).evaluate({"field": seen})
    except StageError as error:
        return "", f'The formula of "{label}" has no value: {error.message}'
    if isinstance(value, Sequence | Mapping) and not isinstance(value, str):
        return "", f'The formula of "{label}" gives a list, and a field holds one value.'
    text = operators.text_of(value)
    if len(text) > MAX_VALUE:
        return text[:MAX_VALUE], f'The formula of "{label}" gives {len(text)} characters; {MAX_VALUE} are kept.'
    return text, ""
