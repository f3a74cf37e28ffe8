"""Bytes as something to compare: a JSON tree, an XML tree, lines of text, or only a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lxml import etree

from exports.differences.changes import Element

MOST = 1024 * 1024
"""Bytes of each side that are compared; the rest is compared by its digest."""

NODES = 200_000
"""Of one tree; a body with more is compared as text."""


@dataclass(frozen=True, slots=True)
class Readable:
    """One side. `tree` is set where `form` is JSON or XML, `text` wherever it is text."""

    form: str
    """JSON, XML, text or binary."""
    tree: Any = None
    text: str = ""


def read(data: bytes, *, cut: bool = False) -> Readable:
    """What `data` is. A cut one is never a tree: half a tree would look like a change."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not cut or error.start < len(data) - 4:
            return Readable("binary", text=_digest(data))
        text = data.decode("utf-8-sig", errors="ignore")
    if "\0" in text:
        return Readable("binary", text=_digest(data))
    first = text.lstrip()[:1]
    if not cut and first in {"{", "["} and (tree := _json(text)) is not None:
        return Readable("JSON", tree, text)
    if not cut and first == "<" and (element := _xml(data)) is not None:
        return Readable("XML", element, text)
    return Readable("text", text=text)


def _digest(data: bytes) -> str:
    return f"{len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


class _UnfitError(ValueError):
    """It says more than a tree could: two members of one name, or more nodes than are compared."""


def _json(text: str) -> Any:
    """The value; None where it is no JSON, or JSON that a tree does not tell wholly."""
    left = NODES

    def members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal left
        left -= len(pairs)
        made = dict(pairs)
        if left < 0 or len(made) != len(pairs):
            raise _UnfitError
        return made

    if text.count(",") > NODES:
        return None
    try:
        return json.loads(text, object_pairs_hook=members, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def _xml(data: bytes) -> Element | None:
    """Without entities, DTD or network; comments and processing instructions do not count."""
    if b"<!DOCTYPE" in data.upper() or data.count(b"<") > NODES:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        return _element(etree.fromstring(data, parser))
    except (etree.XMLSyntaxError, ValueError, RecursionError):
        return None


def _element(node: Any) -> Element:
    children: list[Any] = []
    texts = [node.text, *(child.tail for child in node)]
    spaced = len(node) > 0 and not any(text and text.strip() for text in texts)
    if node.text and not spaced:
        children.append(node.text)
    for child in node:
        if isinstance(child.tag, str):
            children.append(_element(child))
        if child.tail and not spaced:
            children.append(child.tail)
    return Element(str(node.tag), {str(name): str(value) for name, value in node.attrib.items()}, children)
