"""Hooks and their logs on Rossum's wire, and the payload that a hook of an export is called with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from exports.wire.rossum.times import stamp
from exports.wire.rossum.urls import Addresses

EXPORT = "annotation_content.export"
REDACTED = "[redacted...]"


@dataclass(frozen=True, slots=True)
class Hook:
    """A stage, as it is told of as a hook. `called` is the address that does its work."""

    pk: int
    name: str
    called: str
    active: bool
    queues: Sequence[int]
    run_after: Sequence[int]
    settings: Mapping[str, Any]
    description: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def hook(one: Hook, at: Addresses) -> dict[str, Any]:
    return {
        "id": one.pk,
        "url": at.hook(one.pk),
        "name": one.name,
        "type": "webhook",
        "metadata": dict(one.metadata),
        "queues": [at.queue(pk) for pk in one.queues],
        "run_after": [at.hook(pk) for pk in one.run_after],
        "sideload": ["schemas"],
        "active": one.active,
        "events": [EXPORT],
        "config": {
            "url": one.called,
            "secret": None,
            "insecure_ssl": False,
            "client_ssl_certificate": None,
            "timeout_s": 60,
            "retry_count": 0,
            "max_polling_time_s": 300,
            "retry_after_polling_failure": True,
            "retry_on_any_non_2xx": False,
            "payload_logging_enabled": True,
            "schedule": {},
        },
        "test": {},
        "settings": dict(one.settings),
        "settings_schema": None,
        "secrets_schema": {"type": "object", "additionalProperties": {"type": "string"}},
        "token_owner": None,
        "token_lifetime_s": None,
        "extension_source": "custom",
        "hook_template": None,
        "description": one.description,
        "guide": None,
        "read_more_url": None,
        "extension_image_url": None,
    }


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a hook. `state` is a stage run's."""

    pk: UUID
    organization: int
    hook: int
    state: str
    begun_at: datetime
    finished_at: datetime | None = None
    queue: int | None = None
    annotation: int | None = None
    message: str = ""
    request: str | None = None
    response: str | None = None
    status_code: int | None = None


STATUSES = {
    "begun": "running",
    "waiting": "waiting",
    "parked": "waiting",
    "finished": "completed",
    "skipped": "completed",
    "failed": "failed",
    "blocked": "cancelled",
}
LEVELS = {"failed": "ERROR", "blocked": "WARNING"}
"""By the run's state; INFO for all others."""


def log(one: Run) -> dict[str, Any]:
    """`settings` is an object, which the official client needs; Rossum's documentation shows a text."""
    return {
        "timestamp": stamp(one.begun_at),
        "request_id": str(one.pk),
        "uuid": str(one.pk),
        "event": "annotation_content",
        "action": "export",
        "organization_id": one.organization,
        "queue_id": one.queue,
        "annotation_id": one.annotation,
        "email_id": None,
        "hook_id": one.hook,
        "hook_type": "webhook",
        "log_level": LEVELS.get(one.state, "INFO"),
        "message": one.message,
        "request": one.request,
        "response": one.response,
        "start": stamp(one.begun_at),
        "end": stamp(one.finished_at),
        "settings": {},
        "status": STATUSES.get(one.state, one.state),
        "status_code": one.status_code,
        "output": None,
    }


_OF_ANNOTATION = (
    "id", "url", "status", "document", "queue", "schema", "organization", "modifier", "pages", "created_at",
    "modified_at", "assigned_at", "confirmed_at", "exported_at", "export_failed_at", "deleted_at", "rejected_at",
    "purged_at", "automated", "automatically_rejected", "einvoice", "metadata", "messages", "time_spent",
)  # fmt: skip
_OF_DOCUMENT = (
    "id", "url", "s3_name", "mime_type", "arrived_at", "created_at", "original_file_name", "content", "metadata",
)  # fmt: skip


def payload(
    *,
    request_id: str,
    now: datetime,
    hook: Mapping[str, Any],
    annotation: Mapping[str, Any],
    document: Mapping[str, Any],
    content: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any],
    secrets: Sequence[str],
    status: tuple[str, str],
    changed: bool,
    at: Addresses,
) -> dict[str, Any]:
    """What a hook is called with on an export, or on a change of status (`changed`). `status` is the annotation's and
    the one before. Of secrets only the names are told. Fields that the schema has not are left out: scripts that read
    the payload break on them."""
    shown = {key: annotation[key] for key in _OF_ANNOTATION}
    shown |= {"status": status[0], "previous_status": status[1]}
    known = _ids(schema.get("content") or ())
    shown["content"] = annotation["content"] if changed else _known(content, known)
    return {
        "request_id": request_id,
        "timestamp": stamp(now),
        "base_url": at.base.removesuffix("/v1").removesuffix("/api"),
        "rossum_authorization_token": REDACTED,
        "hook": hook["url"],
        "settings": hook["settings"],
        "secrets": dict.fromkeys(secrets, REDACTED),
        "event": "annotation_status" if changed else "annotation_content",
        "action": "changed" if changed else "export",
        "annotation": shown,
        "document": {key: document[key] for key in _OF_DOCUMENT},
        "updated_datapoints": [],
        "schemas": [dict(schema)],
    }


def _ids(nodes: Any) -> set[str]:
    found: set[str] = set()
    for node in [nodes] if isinstance(nodes, Mapping) else nodes:
        found |= {str(node.get("id"))} | _ids(node.get("children") or ())
    return found


def _known(nodes: Sequence[Mapping[str, Any]], ids: set[str]) -> list[dict[str, Any]]:
    return [
        {**node, "children": _known(node["children"], ids)} if "children" in node else dict(node)
        for node in nodes
        if not ids or node.get("schema_id") in ids
    ]
