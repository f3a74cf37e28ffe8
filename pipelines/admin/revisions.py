"""What was: the list of revisions, one of them, any two compared, one stage through all of them, and the ways back."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, number, post_only, require
from pipelines import drafts, history, publishing
from pipelines.admin.differing import told, unified
from pipelines.admin.stageaids import stage_of
from pipelines.history import Line, Version
from pipelines.models import Pipeline, Revision
from pipelines.refusals import Refused

A_PAGE = 50


class Revisions(DeskAdmin):
    """Mixed into PipelineAdmin."""

    def revision_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        stage = "<int:pipeline_id>/stages/<int:stage_id>"
        return [
            path("<int:pipeline_id>/revisions/", view(self.revisions_view), name=self.named("revisions")),
            path("<int:pipeline_id>/revisions/<int:number>/", view(self.revision_view), name=self.named("revision")),
            path("<int:pipeline_id>/revisions/<int:number>/return/", view(self.return_to), name=self.named("return")),
            path("<int:pipeline_id>/differences/", view(self.differences_view), name=self.named("differences")),
            path(f"{stage}/history/", view(self.stage_history), name=self.named("stage_history")),
            path(f"{stage}/return/<int:number>/", view(self.return_stage), name=self.named("stage_return")),
        ]

    def revisions_view(self, request: HttpRequest, pipeline_id: int) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        below = number(request.GET.get("below", ""))
        rows = pipeline.revisions.defer("definition")
        found = list((rows.filter(number__lt=below) if below else rows)[: A_PAGE + 1])
        return self.page(
            request,
            "admin/pipelines/revisions.html",
            pipeline,
            title=f"Revisions of {pipeline.name}",
            pipeline=pipeline,
            revisions=found[:A_PAGE],
            below=found[A_PAGE - 1].number if len(found) > A_PAGE else None,
            may_change=self.has_change_permission(request, pipeline),
        )

    def revision_view(self, request: HttpRequest, pipeline_id: int, number: int) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        revision = _revision(pipeline.pk, number)
        return self.page(
            request,
            "admin/pipelines/revision.html",
            pipeline,
            title=f"{pipeline.name}, revision {number}",
            pipeline=pipeline,
            revision=revision,
            definition=json.dumps(revision.definition, indent=2, ensure_ascii=False),
            stages=revision.definition.get("stages", []),
            may_change=self.has_change_permission(request, pipeline),
        )

    def differences_view(self, request: HttpRequest, pipeline_id: int) -> HttpResponse:
        """Any two revisions, or one and the draft: `from` and `to` are numbers, 0 is the draft."""
        pipeline = self.found(request, str(pipeline_id))
        numbers = list(pipeline.revisions.values_list("number", flat=True)[:500])
        to = number(request.GET.get("to", ""))
        to = 0 if to is None else to
        before = number(request.GET.get("from", ""))
        if before is None:
            before = next((one for one in numbers if not to or one < to), 0)
        found = publishing.compared(_dumped(pipeline, before), _dumped(pipeline, to))
        return self.page(
            request,
            "admin/pipelines/differences.html",
            pipeline,
            title=f"{pipeline.name}: {_called(before)} and {_called(to)}",
            pipeline=pipeline,
            numbers=numbers,
            before=before,
            to=to,
            before_called=_called(before),
            to_called=_called(to),
            differences=[told(difference) for difference in found],
        )

    def stage_history(self, request: HttpRequest, pipeline_id: int, stage_id: int) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        stage = stage_of(pipeline, stage_id)
        draft = next(one for one in publishing.drafts(pipeline) if one.name == stage.name)
        versions = history.of_stage(pipeline, stage, draft)
        changes = [
            {"version": version, "before": before, "lines": unified(before.config if before else "", version.config)}
            for version, before in history.changed(versions)
        ]
        return self.page(
            request,
            "admin/pipelines/stage_history.html",
            pipeline,
            title=f"{pipeline.name}: history of {stage.name}",
            pipeline=pipeline,
            stage=stage,
            changes=changes,
            blames=list(_blames(versions)),
            may_change=self.has_change_permission(request, pipeline),
        )

    @post_only
    def return_to(self, request: HttpRequest, pipeline_id: int, number: int) -> HttpResponse:
        """Make the draft what it was in a revision; it is not published by that."""
        pipeline = self.found(request, str(pipeline_id))
        by = require(request, "pipelines.change_pipeline")
        revision = _revision(pipeline.pk, number)

        def do() -> str:
            lost = " ".join(drafts.return_to(revision, by=by))
            return f"The draft is what revision {number} was. Look at it, then publish it. {lost}".strip()

        to = reverse("admin:pipelines_pipeline_change", args=[pipeline.pk])
        return answer(request, to, do, refused=(Refused,))

    @post_only
    def return_stage(self, request: HttpRequest, pipeline_id: int, stage_id: int, number: int) -> HttpResponse:
        """Make one stage of the draft what it was in a revision."""
        pipeline = self.found(request, str(pipeline_id))
        by = require(request, "pipelines.change_stage")
        stage = stage_of(pipeline, stage_id)
        revision = _revision(pipeline.pk, number)

        def do() -> str:
            lost = " ".join(drafts.return_stage(stage, revision, by=by))
            return f"{stage.name} is what it was in revision {number}. Look at it, then publish it. {lost}".strip()

        to = reverse("admin:pipelines_pipeline_stage", args=[pipeline.pk, stage.pk])
        return answer(request, to, do, refused=(Refused,))


def _blames(versions: list[Version]) -> Any:
    """(title, lines) of the config, and of each template as the Jinja2 that it is."""
    for key in history.templates(versions[-1]):
        texts = [history.templates(version).get(key, "") for version in versions]
        if "\n" in texts[-1]:
            yield f"Template {key}", history.blame(versions, texts)
    lines: list[Line] = history.blame(versions)
    yield "Config", lines


def _dumped(pipeline: Pipeline, wanted: int) -> dict[str, Any]:
    if wanted:
        found: dict[str, Any] = _revision(pipeline.pk, wanted).definition
        return found
    return publishing.dumped(pipeline)


def _called(wanted: int) -> str:
    return f"revision {wanted}" if wanted else "the draft"


def _revision(pipeline_id: int, number: int) -> Revision:
    revision: Revision | None = Revision.objects.filter(pipeline_id=pipeline_id, number=number).first()
    if revision is None:
        raise Http404(f"There is no revision {number}.")
    return revision
