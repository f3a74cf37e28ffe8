"""Aluma's client-action protocol as a server writes it: ids, states, tasks, Export Specifications, errors.

Reading it as a client is exports/wire/alumaclient.py. The shapes are those of docs/protocols/aluma.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

STARTABLE, STARTED = "pending:start_client_action", "pending:complete_client_action"
STATES = ("queued", "running", STARTABLE, STARTED, "completed", "failed", "timed-out", "canceled")
ACTIONS = ("export", "validation")
"""Every action that the protocol knows; only export is served."""

_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def short(id_: UUID) -> str:
    """22 characters of URL-safe base64, as Aluma's ids are."""
    return base64.urlsafe_b64encode(id_.bytes).rstrip(b"=").decode()


def long(text: str) -> UUID | None:
    """The inverse of `short`; None for what is no id. Only the one spelling that `short` makes is taken."""
    if not _ID.fullmatch(text):
        return None
    found = UUID(bytes=base64.urlsafe_b64decode(f"{text}=="))
    return found if short(found) == text else None


def project(pipeline_id: int) -> str:
    """The id that a pipeline has as a project: the same for as long as it exists."""
    return short(UUID(bytes=hashlib.sha256(f"waybill project {pipeline_id}".encode()).digest()[:16]))


@dataclass(frozen=True, slots=True)
class Task:
    """What the list tells of one task."""

    id: UUID
    name: str
    collection: UUID
    project_id: str
    project_name: str
    created_at: datetime
    documents_count: int
    state: str
    """One of STATES."""
    action: str


def task(one: Task) -> dict[str, Any]:
    return {
        "id": short(one.id),
        "name": one.name,
        "file_collection_id": short(one.collection),
        "project_id": one.project_id,
        "project_name": one.project_name,
        "created_at": moment(one.created_at),
        "documents_count": one.documents_count,
        "state": one.state,
        "client_action": one.action if one.state in {STARTABLE, STARTED} else None,
    }


@dataclass(frozen=True, slots=True)
class File:
    """One file of a specification. `text` None: it is fetched by its id."""

    document: int
    folder: str
    filename: str
    id: UUID
    text: str | None = None


def specification(collection: UUID, files: Sequence[File]) -> dict[str, Any]:
    """Documents in the order of their numbers, files in the order given."""
    documents: dict[int, list[dict[str, Any]]] = {}
    for file in sorted(files, key=lambda file: file.document):
        documents.setdefault(file.document, []).append(_file(collection, file))
    return {"documents": [{"files": told} for told in documents.values()]}


def _file(collection: UUID, file: File) -> dict[str, Any]:
    inline = file.text is not None
    return {
        "folder": file.folder,
        "filename": file.filename,
        "source": "content" if inline else "url",
        "content": newlines(file.text or "") if inline else None,
        "url": None if inline else address(collection, file.id),
    }


def address(collection: UUID, file_id: UUID) -> str:
    """Relative to the API's base."""
    return f"/file_collections/{short(collection)}/files/{short(file_id)}"


def newlines(text: str) -> str:
    """Lines ended by a line feed and no byte order mark: the form of `content`."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def problem(
    status: int,
    *,
    type_: str,
    title: str,
    detail: str,
    instance: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """An error that every kind of client reads: problem details (RFC 9457) with a numeric `status`, and the `message`
    and `requestErrors` of the older endpoints."""
    members: dict[str, Any] = {"type": type_, "title": title, "status": status, "detail": detail}
    if instance:
        members["instance"] = instance
    members["message"] = detail or title
    if errors:
        members["errors"] = {place: list(told) for place, told in errors.items()}
        members["requestErrors"] = members["errors"]
    return members
