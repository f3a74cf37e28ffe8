"""An annotation as Rossum's API shows it, with every key that the official clients need, and its messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exports.wire.rossum.times import stamp
from exports.wire.rossum.urls import Addresses

MOST_MESSAGE = 4096
"""Characters in one message."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did something last (a user's id on the wire, None for Waybill itself), and when."""

    by: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is told of one. Ids are those of the wire; a document's original has the annotation's own id."""

    pk: int
    status: str
    queue: int
    schema: int | None
    organization: int
    created_at: datetime
    modified_at: datetime | None = None
    assigned_at: datetime | None = None
    confirmed_at: datetime | None = None
    exported_at: datetime | None = None
    export_failed_at: datetime | None = None
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    modifier: int | None = None
    creator: int | None = None
    assignees: Sequence[int] = ()
    messages: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    automated: bool = False
    deeds: Mapping[str, Deed] = field(default_factory=dict)
    """confirmed, exported, rejected, deleted, purged: those that are known."""


def annotation(one: Annotation, at: Addresses) -> dict[str, Any]:
    url = at.annotation(one.pk)
    who = {name: at.maybe("users", deed.by) for name, deed in one.deeds.items()}
    return {
        "id": one.pk,
        "url": url,
        "status": one.status,
        "schema": at.schema(one.schema or 0),
        "queue": at.queue(one.queue),
        "document": at.document(one.pk),
        "content": f"{url}/content",
        "organization": at.organization(one.organization),
        "modifier": at.maybe("users", one.modifier),
        "modified_by": at.maybe("users", one.modifier),
        "creator": at.maybe("users", one.creator),
        "assignees": [at.user(pk) for pk in one.assignees],
        "pages": [],
        "relations": [],
        "related_emails": [],
        "labels": [],
        "email": None,
        "email_thread": None,
        "has_email_thread_with_replies": False,
        "has_email_thread_with_new_replies": False,
        "suggested_edit": None,
        "automation_blocker": None,
        "messages": [dict(message) for message in one.messages],
        "created_at": stamp(one.created_at),
        "arrived_at": stamp(one.created_at),
        "modified_at": stamp(one.modified_at),
        "assigned_at": stamp(one.assigned_at),
        "confirmed_at": stamp(one.confirmed_at),
        "exported_at": stamp(one.exported_at),
        "export_failed_at": stamp(one.export_failed_at),
        "rejected_at": stamp(one.deeds["rejected"].at) if "rejected" in one.deeds else None,
        "deleted_at": stamp(one.deleted_at),
        "purged_at": stamp(one.purged_at),
        **{f"{name}_by": who.get(name) for name in ("confirmed", "exported", "rejected", "deleted", "purged")},
        "rir_poll_id": None,
        "prediction": None,
        "time_spent": 0,
        "time_spent_overall": 0,
        "metadata": dict(one.metadata),
        "automated": one.automated,
        "automatically_rejected": False,
        "restricted_access": False,
        "training_enabled": True,
        "einvoice": False,
    }


def chosen(shown: Mapping[str, Any], wanted: Iterable[str], unwanted: Iterable[str]) -> dict[str, Any]:
    """Only the keys of `fields`, without those of `fields!`; neither changes anything where it is empty."""
    keep, drop = set(wanted), set(unwanted)
    return {key: value for key, value in shown.items() if (not keep or key in keep) and key not in drop}


def messages(given: Any) -> list[dict[str, Any]] | None:
    """Messages as a client sends them, in the one form in which they are kept: new ones {"type", "content", "id"} and
    legacy ones {"error": "…"}. None where they are no messages."""
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > 1000:
        return None
    read = [_message(one) for one in given]
    return None if None in read else [one for one in read if one is not None]


def _message(given: Any) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        return None
    for legacy in ("error", "warning", "info"):
        if "content" not in given and isinstance(given.get(legacy), str):
            return {"type": legacy, "content": given[legacy][:MOST_MESSAGE], "id": "all"}
    kind, content, node = given.get("type", "info"), given.get("content"), given.get("id", "all")
    if kind not in {"error", "warning", "info"} or not isinstance(content, str):
        return None
    if not isinstance(node, int | str) or isinstance(node, bool):
        node = "all"
    if isinstance(node, str) and node.isascii() and node.isdigit() and len(node) < 19:
        node = int(node)
    return {"type": kind, "content": content[:MOST_MESSAGE], "id": node if isinstance(node, int) else "all"}


def told(read: Iterable[Mapping[str, Any]]) -> str:
    """The reason that messages give for a failure, one a line: the errors, or all where none is called one."""
    every = list(read)
    errors = [one for one in every if one["type"] == "error"] or every
    return "\n".join(str(one["content"]).strip() for one in errors if str(one["content"]).strip())
