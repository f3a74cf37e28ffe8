"""What `queues/{id}/export` answers in JSON and XML (pipelines/formats/native.py has the form of one annotation). Pure.

The documented JSON nests documents, schemas and modifiers; the official Python client reads URLs there. `flat` is the
shape that its dataclass takes (docs/decisions has why there are two)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exports.wire.rossum.times import stamp
from exports.wire.rossum.urls import Addresses
from pipelines.fields import Content
from pipelines.formats import native

Schema = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an export says of one annotation. `modifier` is a user's id and name."""

    pk: int
    status: str
    queue_id: int
    schema_id: int | None
    organization_id: int
    fields: Content
    file_name: str
    arrived_at: datetime
    modified_at: datetime | None
    assigned_at: datetime | None
    exported_at: datetime | None
    metadata: Mapping[str, Any]
    automated: bool
    modifier: tuple[int, str] | None = None


def annotation(facts: Facts, nodes: Mapping[str, Mapping[str, Any]], at: Addresses) -> dict[str, Any]:
    """One of `results` as documented. `nodes` are the schema's by id; what it does not export is left out."""
    document = at.document(facts.pk)
    modifier = facts.modifier
    return {
        "url": at.annotation(facts.pk),
        "status": facts.status,
        "arrived_at": stamp(facts.arrived_at),
        "exported_at": stamp(facts.exported_at),
        "document": {"url": document, "file_name": facts.file_name, "file": f"{document}/content"},
        "modifier": {"url": at.user(modifier[0]), "username": modifier[1]} if modifier else None,
        "schema": {"url": at.schema(facts.schema_id or 0)},
        "metadata": dict(facts.metadata),
        "content": [
            shown for section in facts.fields.sections if (shown := native.shown_node(section, nodes)) is not None
        ],
        "automated": facts.automated,
        "modified_at": stamp(facts.modified_at),
        "assigned_at": stamp(facts.assigned_at),
    }


def flat(shown: Mapping[str, Any], facts: Facts, at: Addresses) -> dict[str, Any]:
    """The same with URLs where the official client wants text, and its id."""
    return {
        **shown,
        "id": facts.pk,
        "document": shown["document"]["url"],
        "modifier": shown["modifier"]["url"] if shown["modifier"] else None,
        "schema": shown["schema"]["url"],
        "queue": at.queue(facts.queue_id),
        "organization": at.organization(facts.organization_id),
    }


def xml_begin() -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>\n<export><results>'


def xml_annotation(shown: Mapping[str, Any]) -> bytes:
    """One annotation as its element, without what XML 1.0 cannot hold."""
    from lxml import etree

    written: bytes = etree.tostring(native.annotation_element(shown), encoding="utf-8")
    return written


def xml_end(pagination: Mapping[str, Any]) -> bytes:
    """`pagination` as in JSON; what is null is an empty element."""
    from lxml import etree

    element = etree.Element("pagination")
    for name in ("next", "previous", "total", "total_pages"):
        child = etree.SubElement(element, name)
        if pagination[name] is not None:
            child.text = native.legal(pagination[name])
    written: bytes = etree.tostring(element, encoding="utf-8")
    return b"</results>" + written + b"</export>"


def xml(shown: Iterator[Mapping[str, Any]], pagination: Mapping[str, Any]) -> Iterator[bytes]:
    """The whole document, one annotation at a time."""
    yield xml_begin()
    for one in shown:
        yield xml_annotation(one)
    yield xml_end(pagination)
