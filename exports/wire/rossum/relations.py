"""Relations of Rossum's wire, and uploads with their tasks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from exports.wire.rossum.times import stamp
from exports.wire.rossum.urls import Addresses

MADE = 10**12
"""Added to the id of a reference key's attachment: a relation that a pipeline keeps."""
TASKS_KEPT = timedelta(days=90)


def document_relation(
    pk: int, *, kind: str, key: str, annotation: int, documents: Sequence[int], at: Addresses
) -> dict[str, Any]:
    return {
        "id": pk,
        "type": kind,
        "key": key or None,
        "annotation": at.annotation(annotation),
        "documents": [at.document(one) for one in documents],
        "url": at.of("document_relations", pk),
    }


def relation(
    pk: int, *, kind: str, key: str, parent: int | None, annotations: Sequence[int], at: Addresses
) -> dict[str, Any]:
    return {
        "id": pk,
        "type": kind,
        "key": key or None,
        "parent": at.maybe("annotations", parent),
        "annotations": [at.annotation(one) for one in annotations],
        "url": at.of("relations", pk),
    }


def upload(
    pk: int,
    *,
    queue: int,
    organization: int,
    creator: int,
    created_at: datetime,
    documents: Sequence[int],
    at: Addresses,
) -> dict[str, Any]:
    """Its documents and annotations have the same ids."""
    return {
        "id": pk,
        "url": at.of("uploads", pk),
        "queue": at.queue(queue),
        "organization": at.organization(organization),
        "creator": at.user(creator),
        "created_at": stamp(created_at),
        "email": None,
        "documents": [at.document(one) for one in documents],
        "additional_documents": [],
        "annotations": [at.annotation(one) for one in documents],
    }


def task(pk: int, *, created_at: datetime, at: Addresses) -> dict[str, Any]:
    """Of an upload, which is done when its request is answered."""
    done = at.of("uploads", pk)
    return {
        "id": pk,
        "url": at.of("tasks", pk),
        "type": "upload_created",
        "status": "succeeded",
        "expires_at": stamp(created_at + TASKS_KEPT),
        "content": {"upload": done},
        "detail": None,
        "code": None,
        "result_url": done,
    }
