"""Pipelines: the list, and the page of one with its drawn stages, its problems and its revisions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.safestring import SafeString

from accounts.admin.desk import principal
from accounts.display import GOOD, QUIET, WARN, badge
from pipelines import drafts, publishing, stages
from pipelines.admin.drawing import Box, Drawing, draw
from pipelines.admin.publication import Publication
from pipelines.admin.revisions import Revisions
from pipelines.admin.stageaids import StageAids
from pipelines.admin.stagepages import StagePages
from pipelines.models import Pipeline, Stage
from pipelines.problems import Problem


@admin.register(Pipeline)
class PipelineAdmin(StagePages, StageAids, Publication, Revisions):
    """The page of a pipeline is ours; Django's form serves for its name and rules, under settings/."""

    list_display = ("name", "standing", "stage_count", "queue_names")
    search_fields = ("name", "description")
    list_select_related = ("published",)
    fieldsets = (
        (None, {"fields": ("name", "description")}),
        ("Rules", {"fields": ("every_status_counts", "max_tries")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pipeline]:
        rows: QuerySet[Pipeline] = super().get_queryset(request)
        return rows.annotate(stage_total=Count("stages", distinct=True)).prefetch_related("queues")

    def get_urls(self) -> list[Any]:
        settings = path(
            "<path:object_id>/settings/", self.admin_site.admin_view(self.settings_view), name=self.named("settings")
        )
        own = [*self.stage_urls(), *self.aid_urls(), *self.publication_urls(), *self.revision_urls()]
        return [settings, *own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        pipeline = self.found(request, object_id)
        problems = publishing.check(pipeline)
        return self.page(
            request,
            "admin/pipelines/pipeline.html",
            pipeline,
            title=pipeline.name,
            pipeline=pipeline,
            drawing=self.drawing(pipeline, problems),
            stages=[_told(stage, problems) for stage in pipeline.stages.select_related("destination")],
            problems=problems,
            blocked=any(problem.severity == "error" for problem in problems),
            differences=publishing.differences(pipeline),
            revisions=pipeline.revisions.defer("definition")[:20],
            queues=pipeline.queues.all(),
            may_change=self.has_change_permission(request, pipeline),
            may_publish=request.user.has_perm("pipelines.publish_pipeline"),
        )

    def settings_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Django's own form, for the pipeline's name and rules."""
        pipeline = self.found(request, object_id)
        response: HttpResponse = self.changeform_view(request, object_id, "", {"title": f"Settings of {pipeline.name}"})
        return response

    def save_model(self, request: HttpRequest, obj: Pipeline, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        given = {name: form.cleaned_data[name] for name in drafts.SETTINGS}
        if change:
            drafts.set_up(Pipeline.objects.get(pk=obj.pk), by=principal(request), **given)
        else:
            made = drafts.create(by=principal(request), **given)
            obj.pk, obj.organization_id = made.pk, made.organization_id

    def response_add(self, request: HttpRequest, obj: Pipeline, post_url_continue: str | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:pipelines_pipeline_change", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: Pipeline) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:pipelines_pipeline_change", args=[obj.pk]))

    def drawing(self, pipeline: Pipeline, problems: list[Problem], chosen: int | None = None) -> Drawing:
        wrong = {problem.stage for problem in problems if problem.severity == "error"}
        return draw([
            Box(
                name=stage.name,
                kind=stage.kind,
                run_after=tuple(stage.run_after),
                url=reverse("admin:pipelines_pipeline_stage", args=[pipeline.pk, stage.pk]),
                active=stage.active,
                always_run=stage.always_run,
                sends=_sends(stage.kind),
                wrong=stage.name in wrong,
                chosen=stage.pk == chosen,
            )
            for stage in pipeline.stages.all()
        ])  # fmt: skip

    @admin.display(description="state")
    def standing(self, obj: Pipeline) -> SafeString:
        if obj.published is None:
            return badge("Not published", WARN, "edit")
        return badge(f"Published r{obj.published.number}", GOOD, "check_circle")

    @admin.display(description="stages", ordering="stage_total")
    def stage_count(self, obj: Any) -> int:
        return int(obj.stage_total)

    @admin.display(description="queues")
    def queue_names(self, obj: Pipeline) -> SafeString | str:
        return ", ".join(queue.name for queue in obj.queues.all()) or badge("no queue uses it", QUIET, "inbox")


def _sends(kind: str) -> bool:
    try:
        return bool(stages.get(kind).SENDS)
    except (KeyError, ImportError):
        return False


def _told(stage: Stage, problems: list[Problem]) -> dict[str, Any]:
    own = [problem for problem in problems if problem.stage == stage.name]
    return {"stage": stage, "kind": stages.KINDS.get(stage.kind, stage.kind).partition(":")[0], "problems": own}
