"""The page of one stage: its editor, the form beside it, the check while typing; and a stage's removal."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import NoReverseMatch, path, reverse

from accounts.admin.desk import DeskAdmin, answer, number, post_only, principal, require
from pipelines import drafts, publishing, schematree, stages
from pipelines.admin.stageform import StageForm
from pipelines.models import Pipeline, Queue, Stage
from pipelines.refusals import Refused


class StagePages(DeskAdmin):
    """Mixed into PipelineAdmin."""

    def stage_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pipeline_id>/stages/new/", view(self.stage_view), name=self.named("stage_add")),
            path("<int:pipeline_id>/stages/<int:stage_id>/", view(self.stage_view), name=self.named("stage")),
            path(
                "<int:pipeline_id>/stages/<int:stage_id>/remove/",
                view(self.remove_stage),
                name=self.named("stage_remove"),
            ),
            path("<int:pipeline_id>/check/", view(self.check_stage), name=self.named("check")),
        ]

    def stage_view(self, request: HttpRequest, pipeline_id: int, stage_id: int | None = None) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        stage = _stage(pipeline, stage_id) if stage_id else None
        may_change = self.has_change_permission(request, pipeline)
        if not may_change and (request.method == "POST" or stage is None):
            raise PermissionDenied("Your role does not include pipelines.change_pipeline.")
        form = StageForm(request.POST or None, pipeline=pipeline, stage=stage, read_only=not may_change)
        if request.method == "POST" and form.is_valid():
            try:
                saved = drafts.save(
                    pipeline,
                    form.draft(),
                    by=principal(request),
                    stage=stage,
                    version=form.cleaned_data["version"],
                    position=form.cleaned_data["position"],
                )
            except Refused as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(
                    request, f"{saved.name} is saved in the draft. Attempts use it once the pipeline is published."
                )
                return HttpResponseRedirect(reverse("admin:pipelines_pipeline_stage", args=[pipeline.pk, saved.pk]))
        problems = publishing.check(pipeline)
        return self.page(
            request,
            "admin/pipelines/stage.html",
            pipeline,
            title=f"{pipeline.name}: {stage.name if stage else 'new stage'}",
            pipeline=pipeline,
            stage=stage,
            form=form,
            read_only=not may_change,
            drawing=self.drawing(pipeline, problems, stage.pk if stage else None),  # type: ignore[attr-defined]
            problems=[problem for problem in problems if stage and problem.stage == stage.name],
            completions=completions(pipeline, stage),
            preview_url=_preview_url(pipeline, stage),
        )

    @post_only
    def remove_stage(self, request: HttpRequest, pipeline_id: int, stage_id: int) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        by = require(request, "pipelines.delete_stage")
        stage = _stage(pipeline, stage_id)

        def do() -> str:
            drafts.remove(stage, by=by)
            return f"{stage.name} is out of the draft. Published revisions keep it."

        return answer(request, reverse("admin:pipelines_pipeline_change", args=[pipeline.pk]), do, refused=(Refused,))

    @post_only
    def check_stage(self, request: HttpRequest, pipeline_id: int) -> HttpResponse:
        """What is wrong with the stage as it stands in the editor. Nothing is saved. Of a new stage in which nobody has
        typed yet nothing is said, and of one without a name not that: saving asks for it."""
        pipeline = self.found(request, str(pipeline_id))
        wanted = number(request.POST.get("stage", ""))
        stage = None if wanted is None else _stage(pipeline, wanted)
        form = StageForm(request.POST, pipeline=pipeline, stage=stage)
        form.is_valid()
        draft = form.draft()
        found = publishing.check_config(pipeline, draft) if stage or form.has_changed() else []
        if stage is None and not draft.name:
            found = [problem for problem in found if problem.path != "name"]
        problems = [
            {"path": problem.path, "message": problem.message, "severity": problem.severity, "line": problem.line}
            for problem in found
        ]
        return JsonResponse({"problems": problems})


def completions(pipeline: Pipeline, stage: Stage | None) -> dict[str, list[str]]:
    """What the editor offers: the schema's field names of the queues that use the pipeline, and the kinds' settings."""
    fields: set[str] = set()
    for queue in Queue.objects.filter(pipeline=pipeline).select_related("schema"):
        if queue.schema is not None:
            fields |= schematree.ids(queue.schema.content)
    keys: set[str] = set()
    for kind in [stage.kind] if stage else list(stages.KINDS):
        keys |= _keys(_schema_of(kind))
    return {"fields": sorted(fields), "keys": sorted(keys)}


def _schema_of(kind: str) -> dict[str, Any]:
    try:
        config = stages.get(kind).Config
    except (KeyError, ImportError):
        return {}
    schema: dict[str, Any] = config.model_json_schema()
    return schema


def _keys(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(_keys(part) for part in schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    return own.union(*(_keys(part) for part in schema.values()))


def _preview_url(pipeline: Pipeline, stage: Stage | None) -> str:
    """Of the page part that shows a stage's output for a chosen document; exports has it, who may import pipelines."""
    try:
        return reverse("admin:exports_document_preview", args=[pipeline.pk, stage.pk if stage else 0])
    except NoReverseMatch:
        return ""


def _stage(pipeline: Pipeline, stage_id: int) -> Stage:
    stage: Stage | None = pipeline.stages.filter(pk=stage_id).first()
    if stage is None:
        raise Http404("This pipeline has no such stage any more.")
    return stage
