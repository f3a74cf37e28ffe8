"""Publishing: the differences to what is published, in the configs and in the output, and what stands in the way."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, require
from pipelines import publishing
from pipelines.admin.differing import told
from pipelines.admin.stagepages import of_exports
from pipelines.refusals import Refused


class Publication(DeskAdmin):
    """Mixed into PipelineAdmin."""

    def publication_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [path("<int:pipeline_id>/publish/", view(self.publish_view), name=self.named("publish"))]

    def publish_view(self, request: HttpRequest, pipeline_id: int) -> HttpResponse:
        """Looked at by GET, done by POST."""
        pipeline = self.found(request, str(pipeline_id))
        if request.method == "POST":
            by = require(request, "pipelines.publish_pipeline")
            before = pipeline.published_id

            def do() -> str:
                revision = publishing.publish(pipeline, by=by, note=request.POST.get("note", "").strip())
                if revision.pk == before:
                    return f"Nothing has changed since revision {revision.number}, so it stays."
                return f"Revision {revision.number} is published. Every attempt takes it from now on."

            page = reverse("admin:pipelines_pipeline_change", args=[pipeline.pk])
            return answer(request, page, do, refused=(Refused,))
        problems = publishing.check(pipeline)
        found = publishing.differences(pipeline)
        return self.page(
            request,
            "admin/pipelines/publish.html",
            pipeline,
            title=f"Publish {pipeline.name}",
            pipeline=pipeline,
            problems=problems,
            blocked=any(problem.severity == "error" for problem in problems),
            differences=[told(difference) for difference in found],
            comparison_url=of_exports("comparison", pipeline.pk),
            may_publish=request.user.has_perm("pipelines.publish_pipeline"),
        )
