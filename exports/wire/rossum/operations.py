"""Changes of an annotation's content: operations and patches as clients send them, and which of them can be applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of
from pipelines import schematree, values
from pipelines.fields import Content, Operation

MOST = 2000
"""Operations in one request."""

_BESIDE = {"validation_sources": list, "hidden": bool, "options": list}
"""What `replace` may set beside `content`, with its type."""


def read(given: Any) -> list[Operation]:
    """`operations` of a body. Raises WrongValue naming the first one that is none."""
    if not isinstance(given, list):
        raise WrongValue("operations", "This must be a list of operations.")
    if len(given) > MOST:
        raise WrongValue("operations", f"At most {MOST} operations are applied at once.")
    return [_operation(one, f"[{index}]") for index, one in enumerate(given)]


def patched(given: Any) -> list[Operation]:
    """The operations that a patch stands for: `content` with some of its nodes, nested or side by side. Nodes that are
    left out are kept. Raises WrongValue naming the first one that is none."""
    if not isinstance(given, list):
        raise WrongValue("content", "This must be a list of nodes.")
    found = list(_replacements(given, "", 0))
    if len(found) > 10 * MOST:
        raise WrongValue("content", f"At most {10 * MOST} values are changed at once.")
    return found


def judged(
    content: Content, schema: schematree.Sections, operations: Sequence[Operation]
) -> tuple[list[Operation], list[dict[str, Any]]]:
    """Those that can be applied, one after the other, and a message for each one that cannot: an unknown id, a value
    that is too long, a normalized value that is not the value's."""
    fields = {field.id: field.node for field in schematree.fields(schema)}
    if not any(_contradicts(content, fields, operation) for operation in operations):
        changed, warnings = content.apply(operations)
        if not warnings:
            return list(operations), []
    good: list[Operation] = []
    messages: list[dict[str, Any]] = []
    changed = content
    for operation in operations:
        warnings = _contradicts(changed, fields, operation)
        if not warnings:
            after, warnings = changed.apply([operation])
        if warnings:
            node = operation.id if operation.id is not None else "all"
            messages.append({"type": "warning", "content": f"{warnings[0]}.", "id": node})
        else:
            changed = after
            good.append(operation)
    return good, messages


def _contradicts(content: Content, fields: Mapping[str, schematree.Node], operation: Operation) -> list[str]:
    """A normalized value that came along must be the one that the value has by its field's type."""
    given = (operation.value.get("content") or {}) if isinstance(operation.value, dict) else {}
    if operation.op != "replace" or given.get("normalized_value") is None or "value" not in given:
        return []
    node = next((one for one in content.nodes() if one.get("id") == operation.id), None)
    field = fields.get(str((node or {}).get("schema_id")))
    if field is None:
        return []
    said = str(given["normalized_value"])
    known = values.normalize(field, str(given["value"] or ""))
    return [] if known is None or known == said else [f'replace: "{said[:60]}" is not the value in its normal form']


def _operation(given: Any, place: str) -> Operation:
    if not isinstance(given, Mapping):
        raise _wrong(place, "An operation is an object.")
    kind, value = given.get("op"), given.get("value")
    node = id_of(given.get("id"))
    if node is None:
        raise _wrong(f"{place}.id", "This must be the id of a node, a whole number.")
    if kind == "replace":
        return Operation("replace", id=node, value=_value(value, f"{place}.value"))
    if kind == "remove":
        return Operation("remove", id=node)
    if kind != "add":
        raise _wrong(f"{place}.op", "This must be replace, add or remove.")
    if not isinstance(value, list):
        return Operation("add", id=node, value=_value(value, f"{place}.value"))
    cells = []
    for index, cell in enumerate(value):
        at = f"{place}.value[{index}]"
        if not isinstance(cell, Mapping) or not isinstance(cell.get("schema_id"), str) or not cell["schema_id"]:
            raise _wrong(at, "A cell is an object with a schema_id.")
        cells.append({"schema_id": cell["schema_id"], "content": _value(cell, at).get("content") or {}})
    return Operation("add", id=node, value=cells)


def _value(given: Any, place: str) -> dict[str, Any]:
    """What one datapoint gets. Members that nobody knows are ignored."""
    if not isinstance(given, Mapping):
        raise _wrong(place, "This must be an object.")
    value: dict[str, Any] = {}
    if given.get("content") is not None:
        value["content"] = _content(given["content"], f"{place}.content")
    for name, kind in _BESIDE.items():
        if given.get(name) is not None:
            if not isinstance(given[name], kind):
                raise _wrong(f"{place}.{name}", "This is of the wrong type.")
            value[name] = given[name]
    return value


def _content(given: Any, place: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise _wrong(place, "This must be an object.")
    kept: dict[str, Any] = {}
    for name in ("value", "normalized_value"):
        if name in given:
            if isinstance(given[name], bool) or not isinstance(given[name], str | int | float | None):
                raise _wrong(f"{place}.{name}", "This must be a text.")
            kept[name] = None if given[name] is None else str(given[name])
    if "page" in given:
        page = given["page"]
        if page is not None and (isinstance(page, bool) or not isinstance(page, int)):
            raise _wrong(f"{place}.page", "This must be a whole number.")
        kept["page"] = page
    if "position" in given:
        box = given["position"]
        if box is not None and not (
            isinstance(box, list)
            and len(box) == 4
            and all(isinstance(side, int | float) and not isinstance(side, bool) for side in box)
        ):
            raise _wrong(f"{place}.position", "This must be four numbers.")
        kept["position"] = box
    if "value" in kept and kept.get("normalized_value", "") is None:
        del kept["normalized_value"]
    return kept


def _replacements(nodes: Sequence[Any], place: str, depth: int) -> Iterator[Operation]:
    if depth > 10:
        raise WrongValue("content", "A tree has four levels.")
    for index, node in enumerate(nodes):
        at = f"{place}[{index}]"
        if not isinstance(node, Mapping):
            raise WrongValue("content", f"{at}: A node is an object.")
        children = node.get("children")
        if children is not None:
            if not isinstance(children, list):
                raise WrongValue("content", f"{at}.children: This must be a list.")
            yield from _replacements(children, f"{at}.children", depth + 1)
            continue
        if node.get("category") not in (None, "datapoint"):
            continue
        try:
            value = _value(node, at)
        except WrongValue as wrong:
            raise WrongValue("content", wrong.message) from None
        pk, name = id_of(node.get("id")), node.get("schema_id")
        if not value:
            continue
        if pk is None and not (isinstance(name, str) and name):
            raise WrongValue("content", f"{at}: A node has an id.")
        yield Operation("replace", id=pk, schema_id=name if isinstance(name, str) else "", value=value)


def _wrong(place: str, message: str) -> WrongValue:
    return WrongValue("operations", f"{place}: {message}")
