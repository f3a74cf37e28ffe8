"""Documents of Rossum's wire: originals, robots' files, and what pipelines made, told apart by their ids. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exports.wire.rossum.times import stamp
from exports.wire.rossum.urls import Addresses

FILES = 10**12
"""Added to a robot file's id. JSON-safe, and no original has one."""
MADE = 2 * 10**12
"""Added to the id of a reference key's attachment: the file that a pipeline keeps under that key now."""


@dataclass(frozen=True, slots=True)
class File:
    """What is told of one. `pk` is the wire's, the annotations' those of the documents that have it."""

    pk: int
    stored_as: str
    created_at: datetime
    name: str = ""
    media_type: str = ""
    annotations: Sequence[int] = ()
    creator: int | None = None
    parent: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def document(one: File, at: Addresses) -> dict[str, Any]:
    """Nothing that the official client needs as text is null: a purged file has an empty name, and its content's URL
    answers 404."""
    url = at.document(one.pk)
    return {
        "id": one.pk,
        "url": url,
        "s3_name": one.stored_as,
        "parent": at.maybe("documents", one.parent),
        "email": None,
        "annotations": [at.annotation(pk) for pk in one.annotations],
        "mime_type": one.media_type or "application/octet-stream",
        "creator": at.maybe("users", one.creator),
        "created_at": stamp(one.created_at),
        "arrived_at": stamp(one.created_at),
        "original_file_name": one.name,
        "content": f"{url}/content",
        "attachment_status": None,
        "metadata": dict(one.metadata),
    }
