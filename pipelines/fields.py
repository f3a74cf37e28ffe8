"""A document's captured fields: the tree of sections, datapoints, multivalues and tuples, as Rossum has them.

Lives here: reading values out of the tree and applying a reply's operations (7.4); a tree is never changed in place.
Making a tree of what arrives lives in `pipelines/shapes.py`, completing it from a schema in `pipelines/schemas.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Node = dict[str, Any]

MAX_VALUE = 1500
"""Characters in one datapoint's value; Rossum's platform limit."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change to the tree. `replace` names a datapoint by `id`, or by `schema_id` where it stands once outside
    tables; `add` names a multivalue and gives a list of cells or one object; `remove` names a child of a multivalue."""

    op: Literal["replace", "add", "remove"]
    id: int | None = None
    schema_id: str = ""
    value: Any = None

    @classmethod
    def assign(cls, schema_id: str, text: str) -> Operation:
        return cls("replace", schema_id=schema_id, value={"content": {"value": text, "normalized_value": text}})


class Content:
    """The tree, read-only. `sections` is JSON as Rossum's API shows it."""

    __slots__ = ("__dict__", "sections")

    def __init__(self, sections: Sequence[Node]) -> None:
        self.sections: Sequence[Node] = sections

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self.sections == other.sections

    __hash__ = None  # type: ignore[assignment]  # equal by content, and the content is unhashable JSON

    def nodes(self) -> Iterator[Node]:
        """Every node, depth first, sections included."""
        stack = list(reversed(self.sections))
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.get("children") or ()))

    def find(self, schema_id: str) -> list[Node]:
        """Every node with this schema id: none, one, or one a row."""
        return list(self._named.get(schema_id, ()))

    def datapoint(self, schema_id: str) -> Node | None:
        """The one header datapoint with this schema id; None where there is none or it stands inside a table."""
        return self._header.get(schema_id)

    @cached_property
    def _named(self) -> dict[str | None, list[Node]]:
        named: dict[str | None, list[Node]] = {}
        for node in self.nodes():
            named.setdefault(node.get("schema_id"), []).append(node)
        return named

    @cached_property
    def _header(self) -> dict[str, Node]:
        return {
            node["schema_id"]: node
            for section in self.sections
            for node in section.get("children") or ()
            if node.get("category") == "datapoint"
        }

    def text(self, schema_id: str) -> str | None:
        """A header datapoint's value as templates see it; None where there is no such datapoint."""
        node = self._header.get(schema_id)
        return None if node is None else text_of(node)

    @cached_property
    def values(self) -> dict[str, Any]:
        """The flattened tree (docs/stages/template.md): datapoint to text, table to a list of dicts, a simple
        multivalue to `Values`, which answers both as the list of texts and by its child's id."""
        flat: dict[str, Any] = {}
        for section in self.sections:
            for node in section.get("children") or ():
                flat[node["schema_id"]] = _flat(node)
                if node.get("category") == "multivalue" and node.get("children") and _is_simple(node):
                    flat[f"{node['schema_id']}_values"] = [text_of(child) for child in node["children"]]
        return flat

    def apply(self, operations: Sequence[Operation]) -> tuple[Content, list[str]]:
        """The tree after `operations`, and a warning for each one that could not be applied; the rest still are."""
        if not operations:
            return self, []
        changed = Content(_copied(self.sections))
        warnings = [warning for operation in operations if (warning := _apply(changed, operation))]
        return changed, warnings


def _copied(nodes: Iterable[Node]) -> list[Node]:
    """The nodes and their children anew. What is inside `content` is shared: operations replace it, never change it."""
    return [{**n, "children": _copied(n["children"])} if n.get("children") is not None else dict(n) for n in nodes]


def text_of(node: Node) -> str:
    """A datapoint's normalized value if it has one, else its value; always text."""
    content = node.get("content") or {}
    return str(content.get("normalized_value") or content.get("value") or "")


class Values(dict[str, str]):
    """A simple multivalue: by child id the last value (Rossum's quirk), iterated the whole list."""

    def __init__(self, child: str, texts: list[str]) -> None:
        super().__init__({child: texts[-1]} if texts else {})
        self.texts = texts


def _is_simple(multivalue: Node) -> bool:
    return all(child.get("category") == "datapoint" for child in multivalue.get("children") or ())


def _flat(node: Node) -> Any:
    match node.get("category"):
        case "datapoint":
            return text_of(node)
        case "tuple":
            return {cell["schema_id"]: _flat(cell) for cell in node.get("children") or ()}
        case _:
            children = node.get("children") or []
            if children and _is_simple(node):
                return Values(children[0]["schema_id"], [text_of(child) for child in children])
            return [_flat(child) for child in children]


def _apply(content: Content, operation: Operation) -> str:
    if operation.op == "remove":
        for parent in content.nodes():
            children = parent.get("children") or []
            for index, child in enumerate(children):
                if parent.get("category") == "multivalue" and child.get("id") == operation.id:
                    del children[index]
                    return ""
        return f"remove: no row has the id {operation.id}"
    node = _target(content, operation)
    name = operation.schema_id or str(operation.id)
    if node is None:
        return f"{operation.op}: the document has no field {name}"
    if operation.op == "replace":
        return _replace(node, operation.value, name)
    return _add(content, node, operation.value, name)


def _target(content: Content, operation: Operation) -> Node | None:
    if operation.id is not None:
        return next((node for node in content.nodes() if node.get("id") == operation.id), None)
    header = content.datapoint(operation.schema_id)
    if header is not None:
        return header
    found = [node for node in content.nodes() if node.get("schema_id") == operation.schema_id]  # `find` would keep them
    return found[0] if len(found) == 1 else None


def _replace(node: Node, value: Any, name: str) -> str:
    if node.get("category") != "datapoint":
        return f"replace: {name} is a {node.get('category')}, only a datapoint has a value"
    given = (value or {}).get("content") or {}
    text = str(given.get("value") or "")
    if len(text) > MAX_VALUE:
        return f"replace: the value for {name} has {len(text)} characters, {MAX_VALUE} is the most"
    kept = dict(node.get("content") or {})
    if "value" in given:
        kept["value"] = text
        kept["normalized_value"] = given.get("normalized_value", text)
    kept.update({key: given[key] for key in ("position", "page") if key in given})
    node["content"] = kept
    node.update({key: value[key] for key in ("validation_sources", "hidden", "options") if key in value})
    return ""


def _add(content: Content, node: Node, value: Any, name: str) -> str:
    if node.get("category") != "multivalue":
        return f"add: {name} is a {node.get('category')}, rows are added to a multivalue"
    fresh = max((int(known.get("id") or 0) for known in content.nodes()), default=0) + 1
    children: list[Node] = node.setdefault("children", [])
    if isinstance(value, list):
        cells = [
            datapoint_node(cell["schema_id"], cell.get("content") or {}, fresh + 1 + i) for i, cell in enumerate(value)
        ]
        row_id = children[0]["schema_id"] if children else row_name(node["schema_id"])
        children.append({"id": fresh, "category": "tuple", "schema_id": row_id, "children": cells})
    else:
        cell_id = children[0]["schema_id"] if children else row_name(node["schema_id"])
        children.append(datapoint_node(cell_id, (value or {}).get("content") or {}, fresh))
    return ""


def datapoint_node(schema_id: str, content: Mapping[str, Any], node_id: int) -> Node:
    """A fresh datapoint with this value."""
    value = "" if content.get("value") is None else str(content["value"])
    normalized = content.get("normalized_value", value)
    return {
        "id": node_id,
        "category": "datapoint",
        "schema_id": schema_id,
        "content": {"value": value, "normalized_value": normalized, "page": None, "position": None},
        "validation_sources": [],
    }


def row_name(table: str) -> str:
    """The tuple's schema id where no schema says: `line_items` has rows of `line_item`."""
    return table[:-1] if table.endswith("s") and len(table) > 1 else f"{table}_item"
