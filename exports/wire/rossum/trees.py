"""An annotation's content: the tree with a URL at every node, and its datapoints side by side for sideloading."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from exports.wire.rossum.urls import Addresses

Node = Mapping[str, Any]


def sections(nodes: Iterable[Node], annotation: int, at: Addresses) -> list[dict[str, Any]]:
    """The tree as `GET annotations/{id}/content` shows it."""
    return [node_shown(node, annotation, at) for node in nodes]


def body(nodes: Iterable[Node], annotation: int, at: Addresses) -> dict[str, Any]:
    """The whole reply; `results` is the deprecated name of the same."""
    shown = sections(nodes, annotation, at)
    return {"content": shown, "results": shown}


def datapoints(
    nodes: Iterable[Node], annotation: int, at: Addresses, only: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Every datapoint, flat, in the tree's order; those of the schema ids `only`, where there are any. Clients find the
    annotation that each belongs to by its URL."""
    for node in nodes:
        if node.get("category") == "datapoint":
            if not only or node.get("schema_id") in only:
                yield node_shown(node, annotation, at)
        else:
            yield from datapoints(node.get("children") or (), annotation, at, only)


def node_shown(node: Node, annotation: int, at: Addresses) -> dict[str, Any]:
    """One node with everything below it."""
    shown: dict[str, Any] = {**node, "url": at.node(annotation, int(node.get("id") or 0))}
    if node.get("category") == "datapoint":
        content = node.get("content")
        if isinstance(content, Mapping):
            shown["content"] = {"page": None, "position": None, "normalized_value": None, **content}
        else:
            shown["content"] = None
        return {"hidden": False, "validation_sources": [], "time_spent": 0, "time_spent_overall": 0, **shown}
    shown["children"] = [node_shown(child, annotation, at) for child in node.get("children") or ()]
    return shown


def found(nodes: Iterable[Node], pk: int) -> Node | None:
    """The node with this id."""
    for node in nodes:
        if node.get("id") == pk:
            return node
        if (inner := found(node.get("children") or (), pk)) is not None:
            return inner
    return None
