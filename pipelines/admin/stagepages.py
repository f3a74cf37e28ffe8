"""The page of one stage: its editor and the form beside it; what happens when two people saved at once; its removal."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, path, reverse

from accounts.admin.desk import DeskAdmin, answer, post_only, principal, require
from pipelines import drafts, merging, publishing
from pipelines.admin.differing import unified
from pipelines.admin.stageaids import stage_of
from pipelines.admin.stageform import FIELDS, StageForm
from pipelines.models import Pipeline, Stage
from pipelines.refusals import Refused, Stale


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
        ]

    def stage_view(self, request: HttpRequest, pipeline_id: int, stage_id: int | None = None) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        stage = stage_of(pipeline, stage_id) if stage_id else None
        may_change = self.has_change_permission(request, pipeline)
        if not may_change and (request.method == "POST" or stage is None):
            raise PermissionDenied("Your role does not include pipelines.change_pipeline.")
        form = StageForm(request.POST or None, pipeline=pipeline, stage=stage, read_only=not may_change)
        conflict: dict[str, Any] | None = None
        if request.method == "POST" and form.is_valid():
            try:
                saved = self._save(request, pipeline, stage, form)
            except Stale as stale:
                conflict = _conflict(stage, form, stale) if stage else None
                if conflict is None:
                    form.add_error(None, stale.message)
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
            conflict=conflict,
            draft_key=f"{request.user.pk}:{pipeline.pk}:{stage.pk if stage else 'new'}",
            preview_url=of_exports("preview", pipeline.pk, stage.pk if stage else 0),
            choices_url=of_exports("choices", pipeline.pk),
        )

    def _save(self, request: HttpRequest, pipeline: Pipeline, stage: Stage | None, form: StageForm) -> Stage:
        """The draft's version guards the whole pipeline; what matters here is whether this stage is still what the
        person read, or what they were shown when they chose to overwrite it. Raises Stale and Refused."""
        seen = request.POST.get("overwrite") or form.cleaned_data["seen"]
        version = form.cleaned_data["version"]
        if stage is None or (seen and seen == drafts.fingerprint(stage)):
            version = pipeline.version
        return drafts.save(
            pipeline,
            form.draft(),
            by=principal(request),
            stage=stage,
            version=version,
            position=form.cleaned_data["position"],
        )

    @post_only
    def remove_stage(self, request: HttpRequest, pipeline_id: int, stage_id: int) -> HttpResponse:
        pipeline = self.found(request, str(pipeline_id))
        by = require(request, "pipelines.delete_stage")
        stage = stage_of(pipeline, stage_id)

        def do() -> str:
            drafts.remove(stage, by=by)
            return f"{stage.name} is out of the draft. Published revisions keep it."

        return answer(request, reverse("admin:pipelines_pipeline_change", args=[pipeline.pk]), do, refused=(Refused,))


def of_exports(name: str, *args: int) -> str:
    """The address of a page part that needs documents; exports has it, who may import pipelines. Empty without it."""
    try:
        return reverse(f"admin:exports_document_{name}", args=args)
    except NoReverseMatch:
        return ""


def _conflict(stage: Stage, form: StageForm, stale: Stale) -> dict[str, Any]:
    """Both texts and what they become together, for a person who saved second. Nothing of either is lost."""
    now = Stage.objects.select_related("destination").get(pk=stage.pk)
    given = form.cleaned_data
    mine, theirs, base = (text.replace("\r\n", "\n") for text in (given["config"], now.config, given["base"]))
    merged = merging.merge(base, mine, theirs)
    return {
        "message": stale.message,
        "lines": unified(theirs, mine),
        "others": [row for row in _rows(now, given) if row["theirs"] != row["mine"]],
        "overwrite": drafts.fingerprint(now),
        "texts": {"mine": mine, "theirs": theirs, "merged": merged.text, "base": base},
        "conflicts": merged.conflicts,
    }


def _rows(now: Stage, given: dict[str, Any]) -> list[dict[str, str]]:
    labels = {name: field.label or name.replace("_", " ") for name, field in StageForm.base_fields.items()}
    theirs = {name: getattr(now, name) for name in FIELDS if name != "queues"}
    theirs["queues"] = list(now.queues.all())
    return [
        {"label": str(labels[name]).capitalize(), "theirs": _told(theirs[name]), "mine": _told(given.get(name))}
        for name in FIELDS
    ]


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, str | int):
        return "" if value is None else str(value)
    try:
        return ", ".join(map(str, value))
    except TypeError:
        return str(value)
