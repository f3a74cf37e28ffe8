"""An annotation's fields and its schema as they come with a call: ids are Rossum's own, so operations can name them."""

from __future__ import annotations

from typing import Any

from exports import intake
from exports.wire.rossum.hookpayload import HookCall
from pipelines import fields as trees
from pipelines import shapes


def fields_of(call: HookCall) -> trees.Content | None:
    """The annotation's tree, every id as Rossum has it. Raises Rejected naming the node."""
    given = call.annotation.get("content")
    if not isinstance(given, list):
        return None
    return intake.tree(shapes.from_sections([_numbered(node) for node in given]), ())


def schema_of(sections: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """A schema without its formulas: what a field is worked out from is Rossum's to say, in Python, and done there."""
    return [_without_formulas(node) for node in sections or () if isinstance(node, dict)]


def _without_formulas(node: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in node.items() if key != "formula"}
    inner = node.get("children")
    if isinstance(inner, list):
        made["children"] = [_without_formulas(child) for child in inner if isinstance(child, dict)]
    elif isinstance(inner, dict):
        made["children"] = _without_formulas(inner)
    return made


def _numbered(node: Any) -> Any:
    """A node whose ids are numbers, also where they came as text."""
    if not isinstance(node, dict):
        return node
    given, children = node.get("id"), node.get("children")
    made = dict(node)
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 19:
        made["id"] = int(given)
    if isinstance(children, list):
        made["children"] = [_numbered(child) for child in children]
    return made
