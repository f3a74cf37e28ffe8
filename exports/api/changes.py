"""Saving plain configuration (queues, schemas) from the API: the row and its audit event in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model
from rest_framework.serializers import ModelSerializer

from accounts.policy import Principal
from audit import trail


def keep(shape: ModelSerializer[Any], *, by: Principal, **values: Any) -> Any:
    """Save a validated shape and say who changed what. Values stay out of the trail: a config may be long."""
    verb = "create" if shape.instance is None else "change"
    changed = sorted(shape.validated_data)
    with transaction.atomic():
        row = shape.save(**values)
        record(verb, row, by=by, detail={"changed": changed})
    return row


def remove(row: Any, *, by: Principal) -> None:
    """Delete a row. Raises ProtectedError where something still needs it."""
    with transaction.atomic():
        record("delete", row, by=by, detail={"name": str(row)})
        row.delete()


def record(verb: str, row: Model, *, by: Principal, detail: dict[str, Any]) -> None:
    noun = row._meta.model_name
    trail.record(f"{noun}.{verb}", f"{noun}:{row.pk}", organization_id=by.organization_id, actor=by.name, detail=detail)
