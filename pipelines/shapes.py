"""The two shapes in which captured fields arrive, flat and Rossum's own, made into the tree of pipelines/fields.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.errors import Rejected
from pipelines.fields import Content, Node, datapoint_node, row_name


def from_flat(flat: Mapping[str, Any]) -> Content:
    """The tree of a flat object: text, number, boolean or null is a datapoint, a list of objects a table, a list of
    texts a simple multivalue. Raises Rejected naming the field."""
    numbers = iter(range(1, 10_000_000))
    header: Node = {"id": next(numbers), "category": "section", "schema_id": "header", "children": []}
    tables: Node = {"id": next(numbers), "category": "section", "schema_id": "tables", "children": []}
    for name, value in flat.items():
        if isinstance(value, list):
            table: Node = {"id": next(numbers), "category": "multivalue", "schema_id": name, "children": []}
            for index, row in enumerate(value):
                place = f"{name}[{index}]"
                if isinstance(row, Mapping):
                    row_id = next(numbers)
                    cells = [
                        datapoint_node(key, _scalar(cell, f"{place}.{key}"), next(numbers)) for key, cell in row.items()
                    ]
                    child = {"id": row_id, "category": "tuple", "schema_id": row_name(name), "children": cells}
                else:
                    child = datapoint_node(row_name(name), _scalar(row, place), next(numbers))
                table["children"].append(child)
            tables["children"].append(table)
        else:
            header["children"].append(datapoint_node(name, _scalar(value, name), next(numbers)))
    return Content([section for section in (header, tables) if section["children"]])


def _scalar(value: Any, place: str) -> dict[str, Any]:
    if isinstance(value, Mapping | list):
        shape = "an object" if isinstance(value, Mapping) else "a list"
        message = f"A value must be text, a number, true, false or null; this is {shape}."
        raise Rejected(message, place=f"field.{place}")
    if isinstance(value, bool):
        return {"value": "true" if value else "false"}
    return {"value": "" if value is None else str(value)}


def from_sections(sections: Any) -> Content:
    """The tree of Rossum's own shape, every node checked and numbered. Raises Rejected naming the node's path."""
    if not isinstance(sections, list):
        message = "The fields must be a list of sections, or one flat object."
        raise Rejected(message, place="content")
    taken = set(_ids(sections, 4))
    numbers = iter(n for n in range(1, 10_000_000) if n not in taken)
    return Content([_checked(node, f"content[{index}]", ("section",), numbers) for index, node in enumerate(sections)])


_CHILDREN = {"section": ("datapoint", "multivalue"), "multivalue": ("tuple", "datapoint"), "tuple": ("datapoint",)}


def _ids(nodes: Any, levels: int) -> Iterator[int]:
    """Of nodes that nobody has checked yet; a tree has four levels, sections first."""
    for node in nodes if isinstance(nodes, list) and levels else ():
        if isinstance(node, dict):
            if isinstance(node.get("id"), int):
                yield node["id"]
            yield from _ids(node.get("children"), levels - 1)


def _checked(node: Any, place: str, expected: tuple[str, ...], numbers: Iterator[int]) -> Node:
    if not isinstance(node, dict) or node.get("category") not in expected:
        message = f"Expected an object whose category is {' or '.join(expected)}."
        raise Rejected(message, place=place)
    if not isinstance(node.get("schema_id"), str) or not node["schema_id"]:
        message = "Every node names its field in schema_id."
        raise Rejected(message, place=f"{place}.schema_id")
    kept = dict(node)
    if not isinstance(kept.get("id"), int):
        kept["id"] = next(numbers)
    if node["category"] == "datapoint":
        content = node.get("content")
        if content is not None and not isinstance(content, dict):
            message = "A datapoint's content is an object with value and normalized_value."
            raise Rejected(message, place=f"{place}.content")
        if content is not None:
            value = _scalar(content.get("value"), place)["value"]
            kept["content"] = {"page": None, "position": None, "normalized_value": None, **content, "value": value}
        return kept
    children = node.get("children") or []
    if not isinstance(children, list):
        message = "children is a list."
        raise Rejected(message, place=f"{place}.children")
    inner = _CHILDREN[node["category"]]
    kept["children"] = [_checked(c, f"{place}.children[{i}]", inner, numbers) for i, c in enumerate(children)]
    return kept


def parse(given: Any) -> Content:
    """Fields as an intake path received them: a list of sections, `{"content": [...]}`, or the flat shape."""
    if isinstance(given, Mapping):
        if set(given) <= {"content", "results"} and isinstance(given.get("content"), list):
            return from_sections(given["content"])
        return from_flat(given)
    return from_sections(given)
