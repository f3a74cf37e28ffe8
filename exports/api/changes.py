"""Saving configuration from the API: the row, its audit event and the draft's new version in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Model
from rest_framework.serializers import ModelSerializer

from accounts.policy import Principal
from audit import trail
from pipelines.models import Pipeline
from pipelines.refusals import Stale


def keep(shape: ModelSerializer[Any], *, by: Principal, **values: Any) -> Any:
    """Save a validated shape and say who changed what. Values stay out of the trail: a config may be long."""
    verb = "add" if shape.instance is None else "change"
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


def touch(pipeline: Pipeline, expected: int | None) -> None:
    """Raise the draft's version, which is what publishing and other editors compare. Raises Stale.

    Call first in the transaction of the change: the row stays locked until it is committed."""
    rows = Pipeline.objects.filter(pk=pipeline.pk)
    if expected is not None:
        rows = rows.filter(version=expected)
    if not rows.update(version=F("version") + 1):
        raise Stale(f'"{pipeline.name}" was changed since version {expected}. Read it again.')


def record(verb: str, row: Model, *, by: Principal, detail: dict[str, Any]) -> None:
    noun = row._meta.model_name  # noqa: SLF001  public Options
    trail.record(f"{noun}.{verb}", f"{noun}:{row.pk}", organization_id=by.organization_id, actor=by.name, detail=detail)
