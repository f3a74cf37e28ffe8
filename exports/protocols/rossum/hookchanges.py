"""Making, changing and deleting hooks where a stage can carry it; where not, a refusal that says what to do instead.

A hook of Rossum's works as soon as it is saved. A stage works once its pipeline is published, so each change publishes,
unless the draft holds changes of others: those are not for a robot to publish.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from exports.protocols.rossum.errors import Answer, refused
from exports.protocols.rossum.hooks import Hooks, OneHook, every, shapes
from exports.protocols.rossum.view import View
from exports.wire.rossum.hookpayload import KINDS, STORAGE, STORAGE_PATH, of_host
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of
from pipelines import drafts, publishing, vault
from pipelines.definition import StageDraft
from pipelines.models import Pipeline, Queue, Stage
from pipelines.publishing import NotPublishable

NOTE = "Changed over Rossum's protocol."
EVENTS = frozenset({"annotation_content.export", "annotation_content"})


class _Changing(View):
    """What creating and changing have in common."""

    def apply(self, pipeline: Pipeline, draft: StageDraft, sent: dict[str, Any], stage: Stage | None = None) -> Stage:
        """Save the stage, its secrets, and publish. In one transaction: what cannot be published is not saved."""
        with transaction.atomic():
            unpublished(pipeline)
            saved = drafts.save(pipeline, draft, by=self.principal, stage=stage, why=NOTE)
            for name, value in _secrets(sent).items():
                try:
                    vault.put(name, value, by=self.principal, pipeline=pipeline)
                except ValidationError as error:
                    raise WrongValue("secrets", " ".join(error.messages)) from None
            self.publish(pipeline)
        return saved

    def publish(self, pipeline: Pipeline) -> None:
        try:
            publishing.publish(pipeline, by=self.principal, note=NOTE)
        except NotPublishable as error:
            told = [f"{one.path}: {one.message}" for one in error.problems if one.severity == "error"]
            raise Answer(400, {"settings": told[:20]}) from None


class ChangeableHooks(Hooks, _Changing):
    """POST: a hook whose address names an export extension becomes a stage of its queues' pipeline."""

    verbs = {"get": "pipelines.view_stage", "post": ("pipelines.add_stage", "pipelines.publish_pipeline")}

    def post(self, request: Request) -> Response:
        sent = self.body()
        _check(sent)
        kind = _kind(sent)
        if kind is None:
            raise WrongValue(
                "config",
                "Waybill cannot tell which kind of stage this is. Its url must name an export extension: "
                f"{', '.join(sorted(KINDS))}. To call another address on export, make a REST API stage in the editor.",
            )
        queues = _queues(sent.get("queues"))
        pipelines = {queue.pipeline_id for queue in queues}
        pipeline = Pipeline.objects.filter(pk__in=pipelines, published__isnull=False).first()
        if pipeline is None or len(pipelines) != 1:
            raise WrongValue("queues", "Name queues that share one published pipeline: the hook becomes a stage of it.")
        draft = StageDraft(name=_name(sent.get("name")), kind=kind)
        stage = self.apply(pipeline, _filled(draft, sent, pipeline), sent)
        return Response(shapes([self.row(every(), stage.pk)], self.at)[0], status=201)


class ChangeableHook(OneHook, _Changing):
    """PATCH: name, active, settings, queues, run_after and secrets. DELETE: the stage goes, with the next revision."""

    verbs = {
        "get": "pipelines.view_stage",
        "patch": ("pipelines.change_stage", "pipelines.publish_pipeline"),
        "put": ("pipelines.change_stage", "pipelines.publish_pipeline"),
        "delete": ("pipelines.delete_stage", "pipelines.publish_pipeline"),
    }

    def patch(self, request: Request, pk: str) -> Response:
        stage: Stage = self.row(every(), pk)
        sent = self.body()
        _check(sent)
        if (kind := _kind(sent)) is not None and kind != stage.kind:
            raise WrongValue("config", f"A stage of the kind {stage.kind} stays one. Make another hook instead.")
        now = next(one for one in publishing.drafts(stage.pipeline) if one.name == stage.name)
        self.apply(stage.pipeline, _filled(now, sent, stage.pipeline), sent, stage)
        return self.shown(self.row(every(), pk))

    def put(self, request: Request, pk: str) -> Response:
        return self.patch(request, pk)

    def delete(self, request: Request, pk: str) -> Response:
        stage: Stage = self.row(every(), pk)
        with transaction.atomic():
            unpublished(stage.pipeline)
            drafts.remove(stage, by=self.principal)
            self.publish(stage.pipeline)
        return Response(status=204)


def unpublished(pipeline: Pipeline) -> None:
    """Raises Answer where the draft holds changes already: a robot would take them live with its own."""
    if publishing.differences(pipeline):
        raise refused(
            f'The pipeline "{pipeline.name}" has changes that nobody has published yet. Publish them, or take them '
            "back, then send this again."
        )


def _filled(draft: StageDraft, sent: dict[str, Any], pipeline: Pipeline) -> StageDraft:
    """The stage with what was sent of it."""
    changes: dict[str, Any] = {}
    if "name" in sent:
        changes["name"] = _name(sent["name"])
    if "active" in sent:
        if not isinstance(sent["active"], bool):
            raise WrongValue("active", "Must be a valid boolean.")
        changes["active"] = sent["active"]
    if "settings" in sent:
        if not isinstance(sent["settings"], dict):
            raise WrongValue("settings", "This must be an object.")
        changes["config"] = json.dumps(sent["settings"], indent=2, ensure_ascii=False)
    if "queues" in sent:
        queues = _queues(sent["queues"])
        if any(queue.pipeline_id != pipeline.pk for queue in queues):
            raise WrongValue("queues", f'Only queues of the pipeline "{pipeline.name}" have its stages.')
        every_one = set(Queue.objects.filter(pipeline=pipeline).values_list("pk", flat=True))
        named = frozenset(queue.pk for queue in queues)
        changes["queues"] = frozenset() if named == every_one else named
    if "run_after" in sent:
        changes["run_after"] = _names(sent["run_after"], pipeline)
    return replace(draft, **changes)


def _check(sent: dict[str, Any]) -> None:
    if sent.get("type", "webhook") != "webhook":
        raise WrongValue("type", "Waybill runs no code of others. What a function does is written as stages.")
    events = sent.get("events")
    if events is not None and (not isinstance(events, list) or not set(map(str, events)) <= EVENTS or not events):
        raise WrongValue("events", "A stage runs on annotation_content.export and on nothing else.")


def _kind(sent: dict[str, Any]) -> str | None:
    """The kind of stage that the address does the work of, by its host or its path."""
    config = sent.get("config")
    url = config.get("url") if isinstance(config, dict) else None
    if not isinstance(url, str):
        return None
    host, _, path = url.partition("://")[2].partition("/")
    if f"/{path}".rstrip("/") == STORAGE_PATH:
        return KINDS[STORAGE]
    name = of_host(host) or next((part for part in path.split("/") if part in KINDS), None)
    return KINDS[name] if name else None


def _queues(given: Any) -> list[Queue]:
    ids = [id_of(one, "queues") for one in given] if isinstance(given, list) else []
    found = list(Queue.objects.filter(pk__in=[pk for pk in ids if pk is not None]))
    if not ids or len(found) != len(set(ids)):
        raise WrongValue("queues", "This must be a list of URLs of queues, at least one.")
    return found


def _names(given: Any, pipeline: Pipeline) -> tuple[str, ...]:
    ids = [id_of(one, "hooks") for one in given] if isinstance(given, list) else [None]
    found = dict(Stage.objects.filter(pipeline=pipeline, pk__in=[pk for pk in ids if pk]).values_list("pk", "name"))
    if set(ids) != set(found):
        raise WrongValue("run_after", f'This must be a list of URLs of hooks of the pipeline "{pipeline.name}".')
    return tuple(found[pk] for pk in ids if pk is not None)


def _name(given: Any) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > drafts.MAX_NAME:
        raise WrongValue("name", f"This must be a text of 1 to {drafts.MAX_NAME} characters.")
    return given


def _secrets(sent: dict[str, Any]) -> dict[str, str]:
    given = sent.get("secrets") or {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise WrongValue("secrets", "This must be an object of texts.")
    return dict(given)
