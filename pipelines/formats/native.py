"""The native export of one document as JSON, XML or CSV, in the forms that Rossum exports. Pure.

Values are the normalised ones. Fields whose schema says `can_export: false` never appear; without a schema the tree
itself says what there is. The same document is the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pipelines.blobs import Blob
from pipelines.fields import Content, Node, text_of

Format = Literal["csv", "xml", "json"]
MEDIA_TYPES: Mapping[str, str] = {"csv": "text/csv", "xml": "application/xml", "json": "application/json"}
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (2.2)."""


def write(form: Format, fields: Content, schema: Sequence[Mapping[str, Any]], payload: Mapping[str, Any]) -> bytes:
    """`payload` is Rossum's hook payload; only facts about the document are read of it."""
    nodes = schema_nodes(schema)
    if form == "csv":
        return _csv(fields, schema, nodes)
    result = _result(fields, nodes, payload)
    if form == "xml":
        return _xml(result)
    pagination = {"total": 1, "total_pages": 1, "next": None, "previous": None}
    return json.dumps({"pagination": pagination, "results": [result]}, ensure_ascii=False).encode()


def form_of(blob: Blob) -> Format:
    """In which of the forms a file is that `write` made."""
    with blob.open() as stream:
        begins = stream.read(1)
    return "xml" if begins == b"<" else "json" if begins == b"{" else "csv"


def schema_nodes(schema: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Every node of the schema by its id."""
    found: dict[str, Mapping[str, Any]] = {}
    stack: list[Any] = list(reversed(schema))
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            found[str(node.get("id", ""))] = node
            children = node.get("children") or ()
            stack += [children] if isinstance(children, Mapping) else reversed(children)
    return found


def is_exported(schema_id: str, nodes: Mapping[str, Mapping[str, Any]]) -> bool:
    return not nodes or nodes.get(schema_id, {"can_export": False}).get("can_export", True) is not False


def _result(fields: Content, nodes: Mapping[str, Mapping[str, Any]], payload: Mapping[str, Any]) -> dict[str, Any]:
    annotation: Mapping[str, Any] = payload.get("annotation") or {}
    document: Mapping[str, Any] = payload.get("document") or {}
    url = str(document.get("url") or "")
    modifier = annotation.get("modifier")
    return {
        "url": annotation.get("url") or "",
        "status": annotation.get("status") or "exporting",
        "arrived_at": annotation.get("arrived_at") or document.get("arrived_at"),
        "exported_at": annotation.get("exported_at"),
        "document": {
            "url": url,
            "file_name": document.get("original_file_name") or "",
            "file": document.get("content") or (f"{url}/content" if url else ""),
        },
        "modifier": {"url": modifier} if isinstance(modifier, str) else modifier,
        "schema": {"url": annotation.get("schema") or ""},
        "metadata": annotation.get("metadata") or {},
        "content": [shown for section in fields.sections if (shown := shown_node(section, nodes)) is not None],
        "automated": bool(annotation.get("automated")),
        "modified_at": annotation.get("modified_at"),
        "assigned_at": annotation.get("assigned_at"),
    }


def shown_node(node: Node, nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """A node as exports show it; None where it is not exported."""
    schema_id = str(node.get("schema_id", ""))
    category = node.get("category")
    if category == "datapoint":
        if not is_exported(schema_id, nodes):
            return None
        confidence = (node.get("content") or {}).get("rir_confidence")
        kind = nodes.get(schema_id, {}).get("type") or "string"
        return {
            "category": "datapoint", "schema_id": schema_id, "type": kind,
            "value": text_of(node), "rir_confidence": confidence,
        }  # fmt: skip
    if category == "multivalue" and not is_exported(schema_id, nodes):
        return None
    children = [shown for child in node.get("children") or () if (shown := shown_node(child, nodes)) is not None]
    return {"category": category, "schema_id": schema_id, "children": children}


def _xml(result: Mapping[str, Any]) -> bytes:
    from lxml import etree

    export = etree.Element("export")
    etree.SubElement(export, "results").append(annotation_element(result))
    pagination = etree.SubElement(export, "pagination")
    for name, value in (("next", None), ("previous", None), ("total", 1), ("total_pages", 1)):
        _add(pagination, name, value)
    written: bytes = etree.tostring(export, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + written


def annotation_element(result: Mapping[str, Any]) -> Any:
    """One annotation of the JSON form as lxml's element. What XML cannot hold is left out."""
    from lxml import etree

    annotation = etree.Element("annotation", url=legal(result["url"]))
    _add(annotation, "status", result["status"])
    _add(annotation, "arrived_at", result["arrived_at"])
    if result["exported_at"]:
        _add(annotation, "exported_at", result["exported_at"])
    document = _add(annotation, "document", url=result["document"]["url"])
    _add(document, "file_name", result["document"]["file_name"])
    _add(document, "file", result["document"]["file"])
    modifier = result["modifier"] or {}
    person = _add(annotation, "modifier", url=modifier.get("url"))
    if modifier.get("username"):
        _add(person, "username", modifier["username"])
    _add(annotation, "schema", url=result["schema"]["url"])
    metadata = _add(annotation, "metadata")
    for key, value in result["metadata"].items():
        _add(metadata, "item", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), key=key)
    content = _add(annotation, "content")
    for section in result["content"]:
        _nest(content, section)
    _add(annotation, "automated", "true" if result["automated"] else "false")
    _add(annotation, "modified_at", result["modified_at"])
    _add(annotation, "assigned_at", result["assigned_at"])
    return annotation


def _add(parent: Any, name: str, text: Any = None, **attributes: Any) -> Any:
    from lxml import etree

    kept = {key: legal(value) for key, value in attributes.items() if value is not None}
    element = etree.SubElement(parent, name, kept)
    if text not in (None, ""):
        element.text = legal(text)
    return element


def _nest(parent: Any, node: Mapping[str, Any]) -> None:
    if node["category"] == "datapoint":
        confidence = node["rir_confidence"] if node["value"] else None
        _add(
            parent,
            "datapoint",
            node["value"],
            rir_confidence=confidence,
            schema_id=node["schema_id"],
            type=node["type"],
        )
        return
    element = _add(parent, node["category"], schema_id=node["schema_id"])
    for child in node["children"]:
        _nest(element, child)


def legal(value: Any) -> str:
    return _ILLEGAL.sub("", str(value))


def _csv(fields: Content, schema: Sequence[Mapping[str, Any]], nodes: Mapping[str, Mapping[str, Any]]) -> bytes:
    """One row a table row, header values repeated; row i of several tables side by side; lines end as in RFC 4180."""
    columns = list(columns_in(schema) if schema else columns_of(fields))
    columns = [
        (table, name) for table, name in columns if is_exported(name, nodes) and is_exported(table or name, nodes)
    ]
    tables = {table: list(table_rows(fields, table)) for table in dict.fromkeys(table for table, _ in columns) if table}
    header = {name: fields.text(name) or "" for table, name in columns if not table}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([nodes.get(name, {}).get("label") or name for _, name in columns])
    for index in range(max([1, *map(len, tables.values())])):
        writer.writerow([
            header[name] if not table else tables[table][index].get(name, "") if index < len(tables[table]) else ""
            for table, name in columns
        ])  # fmt: skip
    return text.getvalue().encode()


def columns_in(schema: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(table, schema id) of every datapoint in schema order; the table is empty for header fields."""
    for section in schema:
        for node in section.get("children") or ():
            if node.get("category") != "multivalue":
                yield "", str(node.get("id"))
                continue
            inner = node.get("children") or {}
            cells = inner.get("children") or () if inner.get("category") == "tuple" else (inner,)
            for cell in cells:
                yield str(node.get("id")), str(cell.get("id"))


def columns_of(fields: Content) -> Iterator[tuple[str, str]]:
    """Likewise of a document without a schema."""
    for section in fields.sections:
        for node in section.get("children") or ():
            if node.get("category") == "datapoint":
                yield "", node["schema_id"]
                continue
            names = dict.fromkeys(name for row in node.get("children") or () for name in _cells(row))
            for name in names:
                yield node["schema_id"], name


def table_rows(fields: Content, table: str) -> Iterator[dict[str, str]]:
    for multivalue in fields.find(table):
        for row in multivalue.get("children") or ():
            yield _cells(row)


def _cells(row: Node) -> dict[str, str]:
    if row.get("category") == "datapoint":
        return {row["schema_id"]: text_of(row)}
    return {cell["schema_id"]: text_of(cell) for cell in row.get("children") or ()}
