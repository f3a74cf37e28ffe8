"""Organizations, workspaces, queues and schemas, to be read. One workspace an organization, under its id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Membership, Organization
from exports.models import Document
from exports.protocols.rossum.view import View
from exports.wire.rossum import queues as wire
from exports.wire.rossum.urls import Addresses
from pipelines.models import Queue, Schema, Stage


def organizations(rows: Sequence[Organization], at: Addresses) -> list[dict[str, Any]]:
    members = Membership.objects.filter(organization__in=rows).order_by("user_id").values_list("user_id", flat=True)
    return [
        wire.organization(
            row.pk, name=row.name, created_at=row.created_at, users=list(members), workspaces=[row.pk], at=at
        )
        for row in rows  # a principal has one organization, so the members are its own
    ]


def workspaces(rows: Sequence[Organization], at: Addresses) -> list[dict[str, Any]]:
    queues = list(Queue.objects.order_by("pk").values_list("pk", flat=True))
    return [wire.workspace(row.pk, name=row.name, organization=row.pk, queues=queues, at=at) for row in rows]


def queues(rows: Sequence[Queue], at: Addresses) -> list[dict[str, Any]]:
    """Queues with their counts by status and the stages of their pipelines as hooks."""
    counted: dict[int, dict[str, int]] = {row.pk: {} for row in rows}
    groups = Document.objects.filter(queue__in=rows).order_by().values_list("queue_id", "status")
    for queue_id, status, count in groups.annotate(count=Count("pk")):
        counted[queue_id][status] = count
    hooks: dict[int, list[int]] = {}
    pipelines = {row.pipeline_id for row in rows if row.pipeline_id}
    stages = Stage.objects.filter(pipeline__in=pipelines, pipeline__published__isnull=False).order_by("position", "id")
    for stage in stages.only("pk", "pipeline_id").prefetch_related("queues"):
        only = {queue.pk for queue in stage.queues.all()}
        for row in rows:
            if row.pipeline_id == stage.pipeline_id and (not only or row.pk in only):
                hooks.setdefault(row.pk, []).append(stage.pk)
    return [
        wire.queue(
            row.pk,
            name=row.name,
            organization=row.organization_id,
            schema=row.schema_id,
            hooks=hooks.get(row.pk, []),
            counted=counted[row.pk],
            use_confirmed_state=row.use_confirmed_state,
            metadata=row.metadata,
            at=at,
        )
        for row in rows
    ]


def schemas(rows: Sequence[Schema], at: Addresses) -> list[dict[str, Any]]:
    used: dict[int, list[int]] = {}
    for schema_id, queue_id in Queue.objects.filter(schema__in=rows).order_by("pk").values_list("schema_id", "pk"):
        used.setdefault(schema_id, []).append(queue_id)
    return [wire.schema(row.pk, name=row.name, content=row.content, queues=used.get(row.pk, []), at=at) for row in rows]


class Organizations(View):
    verbs = {"get": "pipelines.view_queue"}

    def get(self, request: Request, pk: str = "") -> Response:
        rows = Organization.objects.filter(pk=self.principal.organization_id)
        if pk:
            return Response(organizations([self.row(rows, pk)], self.at)[0])
        return self.listed(rows, lambda found: organizations(found, self.at))


class Workspaces(View):
    verbs = {"get": "pipelines.view_queue"}

    def get(self, request: Request, pk: str = "") -> Response:
        rows = Organization.objects.filter(pk=self.principal.organization_id)
        if pk:
            return Response(workspaces([self.row(rows, pk)], self.at)[0])
        for name in ("id", "organization"):
            if (ids := self.given.numbers(name)) is not None:
                rows = rows.filter(pk__in=ids)
        if wanted := self.given.text("name"):
            rows = rows.filter(name=wanted)
        return self.listed(rows, lambda found: workspaces(found, self.at))


class Queues(View):
    verbs = {"get": "pipelines.view_queue"}

    def get(self, request: Request, pk: str = "") -> Response:
        rows = Queue.objects.all()
        if pk:
            return Response(queues([self.row(rows, pk)], self.at)[0])
        for name, column in (("id", "pk"), ("workspace", "organization"), ("schema", "schema"), ("hook", "")):
            if (ids := self.given.numbers(name)) is None:
                continue
            if column:
                rows = rows.filter(**{f"{column}__in": ids})
            else:
                of_pipelines = Stage.objects.filter(pk__in=ids).values("pipeline")
                rows = rows.filter(pipeline__in=of_pipelines)
        if wanted := self.given.text("name"):
            rows = rows.filter(name=wanted)
        columns = {"id": "pk", "name": "name", "workspace": "organization", "schema": "schema"}
        return self.listed(rows, lambda found: queues(found, self.at), keys=columns)


class Schemas(View):
    verbs = {"get": "pipelines.view_schema"}

    def get(self, request: Request, pk: str = "") -> Response:
        rows = Schema.objects.all()
        if pk:
            return Response(schemas([self.row(rows, pk)], self.at)[0])
        if (ids := self.given.numbers("id")) is not None:
            rows = rows.filter(pk__in=ids)
        if (ids := self.given.numbers("queue")) is not None:
            rows = rows.filter(queues__in=ids).distinct()
        if wanted := self.given.text("name"):
            rows = rows.filter(name=wanted)
        return self.listed(rows, lambda found: schemas(found, self.at), keys={"id": "pk", "name": "name"})
