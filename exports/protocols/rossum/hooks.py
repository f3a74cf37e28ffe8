"""Hooks: the stages of published pipelines as Rossum's API shows hooks. They show the draft, as it is edited."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.policy import may
from exports.ids import uuid7
from exports.models import Document
from exports.protocols.rossum import annotations as of_annotations
from exports.protocols.rossum.documents import originals
from exports.protocols.rossum.errors import refused
from exports.protocols.rossum.queues import schemas
from exports.protocols.rossum.view import View
from exports.states import Status
from exports.wire.rossum import hooks as wire
from exports.wire.rossum import paging, trees
from exports.wire.rossum.hookpayload import KINDS
from exports.wire.rossum.parameters import Given, WrongValue
from exports.wire.rossum.urls import Addresses, id_of
from pipelines import vault
from pipelines.models import Queue, Stage

EXTENSIONS = {kind: name for name, kind in KINDS.items()}
"""The extension that does the work of each kind of stage, where there is one."""


def every() -> Any:
    return Stage.objects.filter(pipeline__published__isnull=False).select_related("pipeline")


def shapes(rows: Sequence[Stage], at: Addresses) -> list[dict[str, Any]]:
    pipelines = {row.pipeline_id for row in rows}
    queues: dict[int, list[int]] = {}
    for pipeline_id, pk in Queue.objects.filter(pipeline__in=pipelines).order_by("pk").values_list("pipeline_id", "pk"):
        queues.setdefault(pipeline_id, []).append(pk)
    only: dict[int, list[int]] = {}
    through = Stage.queues.through.objects.filter(stage__in=rows).order_by("queue_id")
    for stage_id, queue_id in through.values_list("stage_id", "queue_id"):
        only.setdefault(stage_id, []).append(queue_id)
    names = Stage.objects.filter(pipeline__in=pipelines).values_list("pipeline_id", "name", "pk")
    ids = {(pipeline_id, name): pk for pipeline_id, name, pk in names}
    return [
        wire.hook(
            wire.Hook(
                row.pk,
                name=row.name,
                called=called(row, at),
                active=row.active,
                queues=only.get(row.pk) or queues.get(row.pipeline_id, []),
                run_after=[ids[row.pipeline_id, name] for name in row.run_after if (row.pipeline_id, name) in ids],
                settings=settings_of(row),
                description=row.pipeline.description,
                metadata={"kind": row.kind, "pipeline": row.pipeline_id, "pipeline_name": row.pipeline.name},
            ),
            at,
        )
        for row in rows
    ]


def called(stage: Stage, at: Addresses) -> str:
    """The address at which the same work is done for who calls hooks; else the hook's own."""
    name = EXTENSIONS.get(stage.kind)
    root = at.base.partition("/rossum/")[0]
    return f"{root}/extensions/{name}" if name else f"{at.hook(stage.pk)}/invoke"


def settings_of(stage: Stage) -> dict[str, Any]:
    """The stage's config; empty while somebody is typing it."""
    try:
        config = json.loads(stage.config)
    except ValueError:
        return {}
    return config if isinstance(config, dict) else {}


def narrowed(rows: QuerySet[Stage], given: Given) -> QuerySet[Stage]:
    if (ids := given.numbers("id")) is not None:
        rows = rows.filter(pk__in=ids)
    if (ids := given.numbers("queue")) is not None:
        everywhere = Q(queues=None, pipeline__queues__in=ids)
        rows = rows.filter(pk__in=Stage.objects.filter(everywhere | Q(queues__in=ids)).order_by().values("pk"))
    if wanted := given.text("name"):
        rows = rows.filter(name=wanted)
    if (active := given.flag("active")) is not None:
        rows = rows.filter(active=active)
    if wanted := given.text("config_url"):
        rows = rows.filter(kind=KINDS.get(wanted.rstrip("/").rpartition("/")[2], ""))
    events = given.words("events")
    if (
        (events and not {wire.EXPORT, "annotation_content"} & set(events))
        or given.text("type", "webhook") != "webhook"
        or given.text("extension_source", "custom") != "custom"
        or "config_app_url" in given
    ):
        rows = rows.none()
    return rows


class Hooks(View):
    verbs = {"get": "pipelines.view_stage"}

    def get(self, request: Request) -> Response:
        columns = {"id": "pk", "name": "name", "active": "active", "type": "kind"}
        return self.listed(narrowed(every(), self.given), lambda found: shapes(found, self.at), keys=columns)


class OneHook(View):
    verbs = {"get": "pipelines.view_stage"}

    def get(self, request: Request, pk: str) -> Response:
        return self.shown(self.row(every(), pk))

    def shown(self, stage: Stage, code: int = 200) -> Response:
        return Response(shapes([stage], self.at)[0], status=code)


class SecretsKeys(View):
    """The names of the secrets that the stage may look up; never a value."""

    verbs = {"get": "pipelines.view_secret"}

    def get(self, request: Request, pk: str) -> Response:
        return Response(secret_names(self.row(every(), pk)))


def secret_names(stage: Stage) -> list[str]:
    return sorted(
        vault.names_for(stage.organization_id, destination_id=stage.destination_id, pipeline_id=stage.pipeline_id)
    )


class GeneratePayload(View):
    """What the hook would be called with for an annotation. Secrets are named and never told."""

    verbs = {"post": ("pipelines.view_stage", "exports.view_document")}

    def post(self, request: Request, pk: str) -> Response:
        stage = self.row(every(), pk)
        sent = self.body()
        event, action = str(sent.get("event") or "annotation_content"), str(sent.get("action") or "")
        event, _, rest = event.partition(".")
        expected = {"annotation_content": "export", "annotation_status": "changed"}.get(event)
        if expected is None or (action or rest or expected) != expected:
            raise WrongValue(
                "event", "Stages run on annotation_content.export; annotation_status.changed is known too."
            )
        document = self._document(sent.get("annotation"))
        was = document.status
        status = [_status(sent, name) for name in ("status", "previous_status")]
        return Response(
            wire.payload(
                request_id=str(uuid7()),
                now=timezone.now(),
                hook=shapes([stage], self.at)[0],
                annotation=of_annotations.shapes([document], self.at)[0],
                document=originals([document], self.at)[0],
                content=trees.sections(document.fields.content if document.fields else (), document.pk, self.at),
                schema=schemas([document.queue.schema], self.at)[0] if document.queue.schema else {"content": []},
                secrets=secret_names(stage) if may(self.principal, "pipelines.view_secret") else (),
                status=(status[0] or Status.EXPORTING.value, status[1] or was),
                changed=event == "annotation_status",
                at=self.at,
            )
        )

    def _document(self, given: Any) -> Document:
        pk = id_of(given, "annotations")
        rows = Document.objects.select_related("queue__schema", "fields")
        found: Document | None = rows.filter(pk=pk).first() if pk is not None else None
        if found is None:
            raise WrongValue("annotation", "Name the annotation that the payload is for, by its URL.")
        return found


def _status(sent: dict[str, Any], name: str) -> str:
    given = sent.get(name) or ""
    if given and given not in set(Status):
        raise WrongValue(name, f'"{str(given)[:60]}" is not a valid choice.')
    return str(given)


class Invoke(View):
    """Not for stages: they run as a part of their pipeline, for a document, with an attempt that tells of it."""

    verbs = {"post": "pipelines.view_stage"}

    def post(self, request: Request, pk: str) -> Response:
        self.row(every(), pk)
        raise refused(
            "A stage is not invoked by itself: it runs in its pipeline. PATCH an annotation to the status exporting, "
            "or POST hooks/{id}/test to see what the stage would do."
        )


class HookTemplates(View):
    """Waybill has none: kinds of stages take their place."""

    verbs = {"get": "pipelines.view_stage"}

    def get(self, request: Request, pk: str = "") -> Response:
        if pk:
            raise NotFound
        page = paging.Page.read(self.given)
        return Response(paging.envelope([], page=page, total=0, url=self.request.build_absolute_uri()))
