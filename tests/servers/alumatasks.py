"""What a stand-in Aluma keeps: tasks, with the documents and files of their Export Specifications."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

STARTABLE, STARTED = "pending:start_client_action", "pending:complete_client_action"


def new_id() -> str:
    """22 characters of URL-safe base64, as Aluma's are."""
    return secrets.token_urlsafe(16)


@dataclass
class File:
    """`content` is text in the specification; `data` is fetched by its url: bytes, or as many zeros."""

    folder: str
    filename: str
    content: str | None = None
    data: bytes | int | None = None
    source: str = ""
    url: str = ""
    id: str = field(default_factory=new_id)

    def told(self, collection: str) -> dict[str, Any]:
        by_url = self.data is not None
        return {
            "folder": self.folder,
            "filename": self.filename,
            "source": self.source or ("url" if by_url else "content"),
            "content": self.content,
            "url": self.url or (f"/file_collections/{collection}/files/{self.id}" if by_url else None),
        }


@dataclass
class Task:
    documents: list[list[File]]
    id: str = field(default_factory=new_id)
    name: str = "delivery.pdf"
    state: str = STARTABLE
    client_action: str | None = "export"
    collection: str = field(default_factory=new_id)
    created_at: str = "2026-03-02T08:00:00Z"
    specification: Any = None
    """What start answers instead of the documents."""
    started_at: float = 0.0
    message: str = ""
    acts: list[str] = field(default_factory=list)
    """What was done to it, in order: start, complete, cancel, fail, and requeue after the half hour."""

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id, "name": self.name, "file_collection_id": self.collection, "project_id": "Tn6kQ2b8Q3mVd1x9",
            "project_name": "Goods-in", "created_at": self.created_at, "documents_count": len(self.documents),
            "state": self.state, "client_action": self.client_action,
        }  # fmt: skip
