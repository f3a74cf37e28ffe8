"""Walking a queue's schema: sections of datapoints and multivalues. Shape only, no values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]
Sections = Sequence[Node]


@dataclass(frozen=True, slots=True)
class Field:
    """A datapoint of the schema. `table` is the id of the multivalue that it stands in, empty for a header field."""

    node: Node
    table: str = ""

    @property
    def id(self) -> str:
        return str(self.node.get("id", ""))

    @property
    def type(self) -> str:
        return str(self.node.get("type") or "string")

    @property
    def formula(self) -> str:
        return str(self.node.get("formula") or "")


def children(node: Node) -> list[Node]:
    """A multivalue has one child, written as an object; sections and tuples have a list."""
    found = node.get("children") or ()
    listed = [found] if isinstance(found, Mapping) else found
    return [child for child in listed if isinstance(child, Mapping)]


def fields(sections: Sections) -> Iterator[Field]:
    """Every datapoint, in the schema's order."""
    for section in sections:
        for node in children(section):
            if node.get("category") == "multivalue":
                for child in children(node):
                    cells = children(child) if child.get("category") == "tuple" else [child]
                    yield from (Field(cell, str(node.get("id", ""))) for cell in cells)
            else:
                yield Field(node)


def ids(sections: Sections) -> frozenset[str]:
    """Every id, those of sections, tables and rows too."""
    found: set[str] = set()
    stack: list[Node] = [node for node in sections if isinstance(node, Mapping)]
    while stack:
        node = stack.pop()
        if isinstance(node.get("id"), str):
            found.add(node["id"])
        stack.extend(children(node))
    return frozenset(found)
