"""What a stand-in Rossum account holds: annotations with their content and original, documents, relations."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.servers.http import Seen

MOVES = {
    "confirmed": {"failed_export", "exporting", "exported", "to_review", "postponed", "deleted"},
    "failed_export": {"to_review", "exporting", "confirmed", "deleted"},
    "exported": {"exporting", "to_review", "deleted"},
    "to_review": {"postponed", "deleted", "importing", "rejected"},
    "postponed": {"to_review", "deleted"},
    "rejected": {"to_review", "deleted"},
    "deleted": {"to_review"},
}
"""By PATCH."""
WRITABLE = {
    "status",
    "document",
    "queue",
    "schema",
    "messages",
    "metadata",
    "modifier",
    "training_enabled",
    "time_spent",
}

_ids = itertools.count(70_001)


def stamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def fields(values: dict[str, Any]) -> list[dict[str, Any]]:
    """A content tree with one section: texts become datapoints, lists of dicts a table."""
    number = itertools.count(5001)

    def point(name: str, value: str) -> dict[str, Any]:
        content = {"value": value, "normalized_value": value, "page": 1, "position": [1, 2, 3, 4]}
        return {"id": next(number), "category": "datapoint", "schema_id": name, "content": content}

    children: list[dict[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, list):
            rows = [
                {
                    "id": next(number), "category": "tuple", "schema_id": f"{name}_row",
                    "children": [point(column, text) for column, text in row.items()],
                }
                for row in value
            ]  # fmt: skip
            children.append({"id": next(number), "category": "multivalue", "schema_id": name, "children": rows})
        else:
            children.append(point(name, value))
    return [{"id": next(number), "category": "section", "schema_id": "header", "children": children}]


@dataclass
class Document:
    """A file: an original, or what an extension or a robot stored."""

    name: str
    data: bytes
    media_type: str = "application/pdf"
    id: int = field(default_factory=lambda: next(_ids))
    annotations: list[int] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: str = field(default_factory=stamp)

    def told(self, base: str) -> dict[str, Any]:
        url = f"{base}/documents/{self.id}"
        return {
            "id": self.id, "url": url, "s3_name": hashlib.md5(self.data, usedforsecurity=False).hexdigest(),
            "parent": None, "email": None, "annotations": [f"{base}/annotations/{one}" for one in self.annotations],
            "mime_type": self.media_type, "creator": f"{base}/users/9", "created_at": self.created_at,
            "arrived_at": self.created_at, "original_file_name": self.name, "content": f"{url}/content",
            "attachment_status": None, "metadata": self.metadata,
        }  # fmt: skip


@dataclass
class Relation:
    """Of a document: the store of artifacts under a key."""

    annotation: int
    key: str | None
    documents: list[int]
    type: str = "export"
    id: int = field(default_factory=lambda: next(_ids))

    def told(self, base: str) -> dict[str, Any]:
        return {
            "id": self.id, "type": self.type, "key": self.key, "annotation": f"{base}/annotations/{self.annotation}",
            "documents": [f"{base}/documents/{one}" for one in self.documents],
            "url": f"{base}/document_relations/{self.id}",
        }  # fmt: skip


@dataclass
class Annotation:
    """One document in review or past it."""

    document: int
    queue: int = 205
    status: str = "confirmed"
    content: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    id: int = field(default_factory=lambda: next(_ids))
    times: dict[str, str | None] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    """Every status that it came to, in order."""

    def __post_init__(self) -> None:
        self.times = {"created_at": stamp(), "arrived_at": stamp(), "modified_at": stamp()}
        self.times[f"{self.status}_at"] = stamp()
        self.history.append(self.status)

    def go(self, status: str) -> None:
        self.status = status
        self.history.append(status)
        at = {"failed_export": "export_failed_at"}.get(status, f"{status}_at")
        self.times |= {"modified_at": stamp(), at: stamp()}

    def told(self, base: str) -> dict[str, Any]:
        url = f"{base}/annotations/{self.id}"
        no_times = dict.fromkeys((
            "assigned_at", "confirmed_at", "exported_at", "export_failed_at", "rejected_at", "deleted_at", "purged_at"
        ))  # fmt: skip
        return {
            "id": self.id, "url": url, "status": self.status, "schema": f"{base}/schemas/301",
            "queue": f"{base}/queues/{self.queue}", "document": f"{base}/documents/{self.document}",
            "content": f"{url}/content", "modifier": f"{base}/users/9", "organization": f"{base}/organizations/1",
            "pages": [], "relations": [], "labels": [], "assignees": [], "messages": self.messages,
            "metadata": self.metadata, "automated": False, "a_key_of_tomorrow": {"unknown": True},
            **no_times, **{name: at for name, at in self.times.items() if name.endswith("_at")},
        }  # fmt: skip

    def exported(self, base: str, file_name: str) -> dict[str, Any]:
        """As queues/{id}/export has it."""
        told = self.told(base)
        document = {"url": told["document"], "file_name": file_name, "file": f"{told['document']}/content"}
        return {
            **{name: told[name] for name in ("url", "status", "arrived_at", "exported_at", "metadata", "automated")},
            "document": document, "modifier": {"url": told["modifier"], "username": "clerk@acme.example"},
            "schema": {"url": told["schema"]}, "content": self.content, "modified_at": told["modified_at"],
        }  # fmt: skip


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, body: dict[str, Any] | str) -> None:
        super().__init__(status)
        self.status = status
        self.body = {"detail": body} if isinstance(body, str) else body


def body_of(seen: Seen) -> dict[str, Any]:
    try:
        given = json.loads(seen.body or b"{}")
    except ValueError:
        raise Refusal(400, "JSON parse error.") from None
    if not isinstance(given, dict):
        raise Refusal(400, {"non_field_errors": ["Expected a dictionary."]})
    return given
