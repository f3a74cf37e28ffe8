"""A queue's schema put to use: is it sound, and is this document's tree complete by it?"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import regex

from pipelines import formulas, schematree, values
from pipelines.errors import Rejected
from pipelines.fields import Content, Node
from pipelines.problems import did_you_mean
from pipelines.schematree import Sections

TYPES = ("string", "number", "date", "enum", "button")
MAX_ID = 50
MATCH_SECONDS = 0.2

_INSIDE = {"section": ("datapoint", "multivalue"), "multivalue": ("tuple", "datapoint"), "tuple": ("datapoint",)}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the schema finds wrong with one value. `node` is the datapoint's id; None where the document has none."""

    field: str
    node: int | None
    content: str


def complete(content: Content, sections: Sections) -> Content:
    """The tree in the schema's shape: every field of the schema stands where the schema has it, values are normalized
    by type, defaults fill what was not given. Fields that the schema lacks are kept, after the others.

    Raises Rejected naming the field where a table is given as one value, or a field twice."""
    if not sections:
        return content
    given = _header(content)
    fresh = count(max((int(node.get("id") or 0) for node in content.nodes()), default=0) + 1)
    made = []
    for section in sections:
        old = next((one for one in content.sections if one.get("schema_id") == section.get("id")), None)
        nodes = [_node(node, given.pop(str(node.get("id")), None), fresh) for node in schematree.children(section)]
        made.append({
            **{key: value for key, value in (old or {}).items() if key != "children"},
            "id": old["id"] if old else next(fresh), "category": "section", "schema_id": section.get("id"),
            "children": nodes,
        })  # fmt: skip
    return Content(made + _left(content, given, {section["schema_id"]: section for section in made}))


def judge(content: Content, sections: Sections) -> list[Finding]:
    """What the schema finds wrong with a document's values: required and missing, no number, no date, no option, too
    long, not of the pattern. It is shown and keeps nobody from anything: what must not be sent, a stage says."""
    return [found for field in schematree.fields(sections) for found in _judged(field, content)]


def problems(sections: Any) -> list[str]:
    """What is wrong with a schema that somebody is about to save, each beginning with its place; empty when sound."""
    if not isinstance(sections, list):
        return ["A schema is a list of sections."]
    seen: set[str] = set()
    found = [text for index, node in enumerate(sections) for text in _checked(node, f"[{index}]", ("section",), seen)]
    return found or formulas.problems(sections)


def _header(content: Content) -> dict[str, Node]:
    given: dict[str, Node] = {}
    for section in content.sections:
        for node in section.get("children") or ():
            if node["schema_id"] in given:
                message = f'The field "{node["schema_id"]}" is given twice.'
                raise Rejected(message, place=f"field.{node['schema_id']}")
            given[node["schema_id"]] = node
    return given


def _node(schema: Mapping[str, Any], old: Node | None, fresh: Iterator[int]) -> Node:
    """One node of a section or a tuple, by its schema."""
    name = str(schema.get("id"))
    category = schema.get("category")
    if old is not None and old.get("category") != category:
        expected = "a table" if category == "multivalue" else "one value"
        message = f'"{name}" is {expected} in the schema, and given as a {old.get("category")}.'
        raise Rejected(message, place=f"field.{name}")
    if category == "multivalue":
        return _table(schema, old, fresh)
    return _datapoint(schema, old, fresh)


def _table(schema: Mapping[str, Any], old: Node | None, fresh: Iterator[int]) -> Node:
    name = str(schema.get("id"))
    row_schema = next(iter(schematree.children(schema)), {})
    table = dict(old or {"id": next(fresh), "category": "multivalue", "schema_id": name})
    table["children"] = [
        _row(row_schema, row, fresh, f"field.{name}[{index}]") for index, row in enumerate(table.get("children") or ())
    ]
    return table


def _row(schema: Mapping[str, Any], row: Node, fresh: Iterator[int], place: str) -> Node:
    if row.get("category") != schema.get("category"):
        expected = "a row of cells" if schema.get("category") == "tuple" else "one value"
        raise Rejected(f"The schema wants {expected} here, not a {row.get('category')}.", place=place)
    if schema.get("category") == "datapoint":
        return _datapoint(schema, row, fresh)
    cells = {cell["schema_id"]: cell for cell in row.get("children") or ()}
    if len(cells) < len(row.get("children") or ()):
        raise Rejected("A cell is given twice in this row.", place=place)
    made = [_datapoint(cell, cells.pop(str(cell.get("id")), None), fresh) for cell in schematree.children(schema)]
    left = [copy.deepcopy(cell) for cell in cells.values()]
    return {**row, "schema_id": schema.get("id"), "children": made + left}


def _datapoint(schema: Mapping[str, Any], old: Node | None, fresh: Iterator[int]) -> Node:
    name = str(schema.get("id"))
    if old is None:
        value = schema.get("default_value")
        content: dict[str, Any] = {"value": "" if value is None else str(value), "page": None, "position": None}
        node: Node = {"id": next(fresh), "category": "datapoint", "schema_id": name, "validation_sources": []}
    else:
        content = dict(old.get("content") or {})
        node = {**old, "schema_id": name}
    if schema.get("type") == "button":
        node["content"] = None
        return node
    text = str(content.get("value") or "")
    content["value"] = text
    content["normalized_value"] = _normalized(schema, text, content.get("normalized_value"))
    node["content"] = content
    return node


def _normalized(schema: Mapping[str, Any], text: str, given: Any) -> str | None:
    """A normalized value that came with the document stands where it is one; otherwise it is worked out."""
    if given is not None and str(given) != text and text:
        kept = values.normalize({**schema, "format": ""}, str(given))
        if kept is not None:
            return kept
    return values.normalize(schema, text)


def _left(content: Content, given: Mapping[str, Node], made: Mapping[Any, Node]) -> list[Node]:
    """Put what the schema lacks at the end of its own section, and return the sections that the schema lacks."""
    own_sections = []
    for section in content.sections:
        children = [copy.deepcopy(node) for node in section.get("children") or () if node["schema_id"] in given]
        if section.get("schema_id") in made:
            made[section["schema_id"]]["children"].extend(children)
        elif children:
            own_sections.append({**section, "children": children})
    return own_sections


def _judged(field: schematree.Field, content: Content) -> Iterator[Finding]:
    label = str(field.node.get("label") or field.id)
    constraints = field.node.get("constraints") or {}
    length, pattern = constraints.get("length") or {}, constraints.get("regexp") or {}
    nodes = content.find(field.id)
    # Rossum's own default: a field is required unless its schema says otherwise; ours asks only where it says so.
    if (
        constraints.get("required")
        and not field.table
        and not any((n.get("content") or {}).get("value") for n in nodes)
    ):
        yield Finding(field.id, nodes[0].get("id") if nodes else None, f"{label} is required and empty.")
    for node in nodes:
        at = node.get("id")
        text = str((node.get("content") or {}).get("value") or "")
        if not text:
            continue
        if values.normalize(field.node, text) is None:
            kind = {"number": "number", "date": "date that has one reading"}.get(field.type, "option of the list")
            yield Finding(field.id, at, f'{label}: "{text[:60]}" is no {kind}.')
        if isinstance(length, Mapping) and not _fits(len(text), length):
            yield Finding(field.id, at, f"{label} has {len(text)} characters; {_bounds(length)}.")
        expression = pattern.get("pattern") if isinstance(pattern, Mapping) else pattern
        if expression and not _looks_like(str(expression), text):
            yield Finding(field.id, at, f'{label}: "{text[:60]}" does not look as it must ({expression}).')


def _looks_like(expression: str, text: str) -> bool:
    try:
        return regex.search(expression, text, timeout=MATCH_SECONDS) is not None
    except TimeoutError:
        return True  # the pattern is to blame, not the document; saving a schema cannot find every such pattern


def _fits(size: int, length: Mapping[str, Any]) -> bool:
    exact = length.get("exact")
    if exact is not None and size != exact:
        return False
    return bool(length.get("min", 0) <= size <= length.get("max", size))


def _bounds(length: Mapping[str, Any]) -> str:
    words = {"exact": "exactly", "min": "at least", "max": "at most"}
    return " and ".join(f"{word} {length[key]}" for key, word in words.items() if key in length) + " are allowed"


def _checked(node: Any, place: str, expected: Sequence[str], seen: set[str]) -> Iterator[str]:
    if not isinstance(node, Mapping):
        yield f"{place}: Here an object is expected, a {' or '.join(expected)}."
        return
    category = node.get("category")
    if category not in expected:
        yield f"{place}.category: This must be {' or '.join(expected)}, not {category!r}."
        return
    name = node.get("id")
    if not isinstance(name, str) or not name or len(name) > MAX_ID:
        yield f"{place}.id: Every node has an id, a text of at most {MAX_ID} characters."
    elif name in seen:
        yield f'{place}.id: The id "{name}" stands twice in the schema.'
    else:
        seen.add(name)
    if category == "datapoint":
        yield from _datapoint_checked(node, place)
        return
    children = node.get("children")
    if category == "multivalue":
        if not isinstance(children, Mapping):
            yield f"{place}.children: A multivalue has one child, written as an object."
            return
        yield from _checked(children, f"{place}.children", _INSIDE["multivalue"], seen)
    elif not isinstance(children, list):
        yield f"{place}.children: A {category} has a list of children."
    else:
        for index, child in enumerate(children):
            yield from _checked(child, f"{place}.children[{index}]", _INSIDE[str(category)], seen)


def _datapoint_checked(node: Mapping[str, Any], place: str) -> Iterator[str]:
    kind = node.get("type", "string")
    if kind not in TYPES:
        yield f"{place}.type: {kind!r} is no type; there are {', '.join(TYPES)}.{did_you_mean(str(kind), TYPES)}"
    if kind == "enum":
        options = node.get("options")
        if not isinstance(options, list) or not options:
            yield f'{place}.options: An enum has a list of options, each with "value" and "label".'
        elif any(not isinstance(option, Mapping) or "value" not in option for option in options):
            yield f'{place}.options: Every option has a "value" and a "label".'
    constraints = node.get("constraints", {})
    if not isinstance(constraints, Mapping):
        yield f"{place}.constraints: This must be an object, {{}} for none."
        return
    pattern = constraints.get("regexp") or {}
    expression = pattern.get("pattern") if isinstance(pattern, Mapping) else pattern
    try:
        regex.compile(str(expression or ""))
    except regex.error as error:
        yield f"{place}.constraints.regexp: This is no regular expression: {error}."
