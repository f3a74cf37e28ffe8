"""A document's fields as tables for people, and a form's answers as operations on them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines import schemas
from pipelines.fields import Content, Node, Operation, text_of

HEADLINE: Mapping[str, tuple[str, ...]] = {
    "number": ("document_id", "invoice_id", "invoice_number", "order_id", "number"),
    "party": ("sender_name", "supplier_name", "vendor_name", "supplier", "vendor", "recipient_name"),
    "amount": ("amount_total", "amount_due", "total", "amount"),
    "currency": ("currency",),
    "due": ("date_due", "due_date", "date_issue", "invoice_date", "date"),
}
"""Where the fields that people know a document by are usually found, best first (Rossum's names, then common ones)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One datapoint."""

    id: int
    schema_id: str
    label: str
    value: str
    normalized: str
    findings: Sequence[str] = ()
    """What the schema finds wrong with the value."""

    @property
    def is_long(self) -> bool:
        return len(self.value) > 90 or "\n" in self.value


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    cells: Sequence[Cell | None]


@dataclass(frozen=True, slots=True)
class Table:
    """Line items, or a list of single values (one column)."""

    id: int
    schema_id: str
    label: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the schema says: its nodes by their ids, and what it finds by the ids of the document's nodes."""

    nodes: Mapping[str, Mapping[str, Any]]
    findings: Mapping[int | None, Sequence[str]]


@dataclass(slots=True)
class Section:
    label: str
    cells: list[Cell] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def headline(sections: Sequence[Node]) -> dict[str, str]:
    """Number, party, amount, currency and due date, each "" where the document has none."""
    content = Content(sections)
    return {
        what: next((text for name in names if (text := content.text(name))), "") for what, names in HEADLINE.items()
    }


def sections(tree: Sequence[Node], schema: Sequence[Mapping[str, Any]] = ()) -> list[Section]:
    """In the order of the tree, labelled by the schema where it says, else by the field's name; each value with what
    the schema finds wrong with it."""
    known = _Known(_nodes(schema), _findings(tree, schema))
    found = []
    for node in tree:
        section = Section(_label(node, known))
        for child in node.get("children") or ():
            if child.get("category") == "datapoint":
                section.cells.append(_cell(child, known))
            elif child.get("category") == "multivalue":
                section.tables.append(_table(child, known))
        found.append(section)
    return found


def absent(tree: Sequence[Node], schema: Sequence[Mapping[str, Any]] = ()) -> list[tuple[str, str]]:
    """What the schema finds wrong with fields that the document does not have at all: the field's label, and what."""
    known = _Known(_nodes(schema), {})
    return [(_title(one.field, known), one.content) for one in schemas.judge(Content(tree), schema) if one.node is None]


def operations(tree: Sequence[Node], given: Mapping[str, str]) -> list[Operation]:
    """What a form changed. Its names: `field-ID` holds a datapoint's text, `remove-ID` takes a row away, and
    `new-ID-COLUMN` fills a new row of the table ID (an empty one is not added)."""
    made: list[Operation] = []
    nodes = list(Content(tree).nodes())
    gone = {node["id"] for node in nodes if f"remove-{node.get('id')}" in given}
    for node in nodes:
        if node.get("category") == "datapoint" and (typed := given.get(f"field-{node['id']}")) is not None:
            value = typed.replace("\r\n", "\n")
            if value != _value(node):
                made.append(Operation("replace", id=node["id"], value={"content": {"value": value}}))
    made += [Operation("remove", id=node_id) for node_id in sorted(gone)]
    for node in nodes:
        if node.get("category") == "multivalue":
            prefix = f"new-{node['id']}-"
            cells = {name.removeprefix(prefix): text for name, text in given.items() if name.startswith(prefix)}
            if any(text.strip() for text in cells.values()):
                row = [{"schema_id": name, "content": {"value": text}} for name, text in cells.items()]
                simple = not any(child.get("category") == "tuple" for child in node.get("children") or ())
                made.append(Operation("add", id=node["id"], value=row[0] if simple and len(row) == 1 else row))
    return made


def _table(node: Node, known: _Known) -> Table:
    children = node.get("children") or []
    simple = bool(children) and all(child.get("category") == "datapoint" for child in children)
    lines = [[child] if simple else child.get("children") or [] for child in children]
    names = list(dict.fromkeys(cell["schema_id"] for line in lines for cell in line)) or _columns_of(node, known)
    columns = [(name, _title(name, known)) for name in names]
    rows = []
    for child, line in zip(children, lines, strict=True):
        by_name = {cell["schema_id"]: _cell(cell, known) for cell in line}
        rows.append(Row(int(child.get("id") or 0), [by_name.get(name) for name in names]))
    return Table(int(node.get("id") or 0), node["schema_id"], _label(node, known), columns, rows)


def _columns_of(node: Node, known: _Known) -> list[str]:
    """The schema's columns of a table without rows."""
    child = known.nodes.get(node["schema_id"], {}).get("children") or {}
    if isinstance(child, Mapping):
        inner = child.get("children")
        return (
            [cell["id"] for cell in inner if cell.get("id")] if isinstance(inner, list) else [child.get("id", "value")]
        )
    return []


def _cell(node: Node, known: _Known) -> Cell:
    value = _value(node)
    normalized = text_of(node)
    shown = normalized if normalized != value else ""
    found = known.findings.get(node.get("id"), ())
    return Cell(int(node.get("id") or 0), node["schema_id"], _label(node, known), value, shown, found)


def _value(node: Node) -> str:
    value = (node.get("content") or {}).get("value")
    return "" if value is None else str(value)


def _label(node: Node, known: _Known) -> str:
    return _title(str(node.get("schema_id") or ""), known)


def _title(schema_id: str, known: _Known) -> str:
    label = known.nodes.get(schema_id, {}).get("label")
    return str(label) if label else schema_id.replace("_", " ").capitalize()


def _findings(tree: Sequence[Node], schema: Sequence[Mapping[str, Any]]) -> dict[int | None, list[str]]:
    found: dict[int | None, list[str]] = {}
    for one in schemas.judge(Content(tree), schema):
        found.setdefault(one.node, []).append(one.content)
    return found


def _nodes(schema: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The schema's nodes by id, whatever their depth."""
    found: dict[str, Mapping[str, Any]] = {}
    stack = list(schema)
    while stack:
        node = stack.pop()
        if not isinstance(node, Mapping):
            continue
        if node.get("id"):
            found[str(node["id"])] = node
        children = node.get("children")
        stack.extend([children] if isinstance(children, Mapping) else children or [])
    return found
