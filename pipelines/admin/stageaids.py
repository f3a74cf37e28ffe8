"""What the editor of a stage asks for while somebody types: problems, names to complete, who else is here. Nothing of
the pipeline is changed by any of it."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from accounts import presence
from accounts.admin.desk import DeskAdmin, number, post_only, principal
from accounts.models import User
from accounts.policy import may
from pipelines import completions, drafts, publishing
from pipelines.admin import marks
from pipelines.admin.stageform import StageForm
from pipelines.models import Pipeline, Stage

_WINDOW = re.compile(r"[a-z0-9-]{8,40}")


class StageAids(DeskAdmin):
    """Mixed into PipelineAdmin."""

    def aid_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pipeline_id>/check/", view(self.check_stage), name=self.named("check")),
            path("<int:pipeline_id>/offers/", view(self.offers), name=self.named("offers")),
            path("<int:pipeline_id>/stages/<int:stage_id>/here/", view(self.here), name=self.named("stage_here")),
        ]

    @post_only
    def check_stage(self, request: HttpRequest, pipeline_id: int) -> HttpResponse:
        """What is wrong with the stage as it stands in the editor. Nothing is saved. Of a new stage in which nobody has
        typed yet nothing is said, and of one without a name not that: saving asks for it."""
        pipeline = self.found(request, str(pipeline_id))
        wanted = number(request.POST.get("stage", ""))
        stage = None if wanted is None else stage_of(pipeline, wanted)
        form = StageForm(request.POST, pipeline=pipeline, stage=stage)
        form.is_valid()
        draft = form.draft()
        was = stage.name if stage else ""
        found = publishing.check_config(pipeline, draft, was=was) if stage or form.has_changed() else []
        if stage is None and not draft.name:
            found = [problem for problem in found if problem.path != "name"]
        return JsonResponse({"problems": [marks.of_problem(problem) for problem in found]})

    def offers(self, request: HttpRequest, pipeline_id: int) -> HttpResponse:
        """Names to complete, and the schema of a kind: for the stage `stage`, or for a new one of the kind `kind`."""
        pipeline = self.found(request, str(pipeline_id))
        wanted = number(request.GET.get("stage", ""))
        stage = None if wanted is None else stage_of(pipeline, wanted)
        kind = request.GET.get("kind", stage.kind if stage else "")
        secrets = may(principal(request), "pipelines.view_secret")
        return JsonResponse(completions.offers(pipeline, stage, kind, secrets=secrets))

    @post_only
    def here(self, request: HttpRequest, pipeline_id: int, stage_id: int) -> HttpResponse:
        """Note that this window has the stage open, or (`gone`) has closed it; tell which others have, and whether the
        stage was saved since this window read it."""
        pipeline = self.found(request, str(pipeline_id))
        stage = stage_of(pipeline, stage_id)
        window, user = request.POST.get("window", ""), request.user
        if not isinstance(user, User) or not _WINDOW.fullmatch(window):
            return JsonResponse({"others": [], "changed": False})
        place = f"stage:{stage.pk}"
        if "gone" in request.POST:
            presence.gone(place, user, window)
            return HttpResponse(status=204)
        others = presence.heard(place, user, window)
        seen = request.POST.get("seen", "")
        return JsonResponse({
            "others": [{"name": one.name, "own": one.own, "since": one.since.isoformat()} for one in others],
            "changed": bool(seen) and seen != drafts.fingerprint(stage),
        })  # fmt: skip


def stage_of(pipeline: Pipeline, stage_id: int) -> Stage:
    """Raises Http404."""
    stage: Stage | None = pipeline.stages.filter(pk=stage_id).prefetch_related("queues").first()
    if stage is None:
        raise Http404("This pipeline has no such stage any more.")
    return stage
