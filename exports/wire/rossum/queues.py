"""What stands around annotations: organization, workspace, users, queues and schemas, with every key that the official
clients need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from exports.states import Status
from exports.wire.rossum.times import stamp
from exports.wire.rossum.urls import Addresses

MOST_ID = 50
"""Characters in a schema id of Rossum's."""


def organization(
    pk: int, *, name: str, created_at: datetime, users: Sequence[int], workspaces: Sequence[int], at: Addresses
) -> dict[str, Any]:
    return {
        "id": pk,
        "url": at.organization(pk),
        "name": name,
        "workspaces": [at.workspace(one) for one in workspaces],
        "users": [at.user(one) for one in users],
        "organization_group": at.of("organization_groups", pk),
        "is_trial": False,
        "trial_expires_at": None,
        "expires_at": None,
        "oidc_provider": None,
        "ui_settings": {},
        "metadata": {},
        "created_at": stamp(created_at),
        "creator": None,
        "phase": "production",
    }


def workspace(pk: int, *, name: str, organization: int, queues: Sequence[int], at: Addresses) -> dict[str, Any]:
    return {
        "id": pk,
        "url": at.workspace(pk),
        "name": name,
        "autopilot": False,
        "organization": at.organization(organization),
        "queues": [at.queue(one) for one in queues],
        "metadata": {},
    }


def user(
    pk: int,
    *,
    organization: int,
    username: str,
    at: Addresses,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    joined: datetime,
    last_login: datetime | None = None,
    active: bool = True,
) -> dict[str, Any]:
    return {
        "id": pk,
        "url": at.user(pk),
        "username": username,
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "phone_number": None,
        "organization": at.organization(organization),
        "queues": [],
        "groups": [],
        "date_joined": stamp(joined),
        "last_login": stamp(last_login),
        "is_active": active,
        "email_verified": None,
        "ui_settings": {},
        "metadata": {},
        "oidc_id": None,
        "auth_type": "password",
        "deleted": False,
    }


def counts(found: Mapping[str, int]) -> dict[str, int]:
    """Annotations of a queue by status; every status stands there, also where there are none."""
    return {status.value: found.get(status.value, 0) for status in Status}


def queue(
    pk: int,
    *,
    name: str,
    organization: int,
    schema: int | None,
    hooks: Collection[int],
    counted: Mapping[str, int],
    use_confirmed_state: bool,
    metadata: Mapping[str, Any],
    at: Addresses,
) -> dict[str, Any]:
    """`schema` None is a queue without one: the URL is still there, for clients need it, and names nothing (404)."""
    return {
        "id": pk,
        "url": at.queue(pk),
        "name": name,
        "workspace": at.workspace(organization),
        "connector": None,
        "webhooks": [],
        "hooks": [at.hook(one) for one in hooks],
        "schema": at.schema(schema or 0),
        "inbox": None,
        "users": [],
        "session_timeout": "01:00:00",
        "rir_url": None,
        "rir_params": None,
        "generic_engine": None,
        "dedicated_engine": None,
        "engine": None,
        "counts": counts(counted),
        "default_score_threshold": 0.8,
        "automation_enabled": False,
        "automation_level": "never",
        "locale": "en_GB",
        "metadata": dict(metadata),
        "settings": {"columns": [], "hide_export_button": True},
        "use_confirmed_state": use_confirmed_state,
        "document_lifetime": None,
        "delete_after": None,
        "status": "active",
        "training_enabled": True,
        "workflows": [],
    }


def schema(pk: int, *, name: str, content: Sequence[Any], queues: Sequence[int], at: Addresses) -> dict[str, Any]:
    return {
        "id": pk,
        "url": at.schema(pk),
        "name": name,
        "queues": [at.queue(one) for one in queues],
        "content": [_node(node) for node in content if isinstance(node, Mapping)],
        "metadata": {},
        "modified_by": None,
        "modified_at": None,
    }


_TYPES = frozenset({"string", "number", "date", "enum", "button"})


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node with the keys that clients read without asking: a label, a type, an object of constraints."""
    kept = dict(node)
    kept.setdefault("label", str(node.get("id", "")))
    children = node.get("children")
    if node.get("category") == "datapoint":
        if kept.get("type") not in _TYPES:
            kept["type"] = "string"
        if not isinstance(kept.get("constraints"), Mapping):
            kept["constraints"] = {}
        kept.setdefault("can_export", True)
        kept.setdefault("hidden", False)
    elif isinstance(children, Mapping):
        kept["children"] = _node(children)
    elif isinstance(children, list):
        kept["children"] = [_node(child) for child in children if isinstance(child, Mapping)]
    return kept
