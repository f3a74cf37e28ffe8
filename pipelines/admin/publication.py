"""Publishing: the differences to what is published, the problems that stand in the way, and the way back."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, post_only, require
from pipelines import drafts, publishing
from pipelines.models import Revision
from pipelines.publishing import Difference
from pipelines.refusals import Refused


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a coloured difference."""

    kind: str
    text: str


class Publication(DeskAdmin):
    """Mixed into PipelineAdmin."""

    def publication_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pipeline_id>/publish/", view(self.publish_view), name=self.named("publish")),
            path("<int:pipeline_id>/revisions/<int:number>/", view(self.revision_view), name=self.named("revision")),
            path("<int:pipeline_id>/revisions/<int:number>/return/", view(self.return_to), name=self.named("return")),
        ]

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

            return answer(request, self._page_of(pipeline.pk), do, refused=(Refused,))
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
            may_publish=request.user.has_perm("pipelines.publish_pipeline"),
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

    @post_only
    def return_to(self, request: HttpRequest, pipeline_id: int, number: int) -> HttpResponse:
        """Make the draft what it was in a revision; it is not published by that."""
        pipeline = self.found(request, str(pipeline_id))
        by = require(request, "pipelines.change_pipeline")
        revision = _revision(pipeline.pk, number)

        def do() -> str:
            lost = " ".join(drafts.return_to(revision, by=by))
            return f"The draft is what revision {number} was. Look at it, then publish it. {lost}".strip()

        return answer(request, self._page_of(pipeline.pk), do, refused=(Refused,))

    def _page_of(self, pipeline_id: int) -> str:
        return reverse("admin:pipelines_pipeline_change", args=[pipeline_id])


def told(difference: Difference) -> dict[str, Any]:
    """A difference for the page: long text line by line, short values side by side."""
    long = difference.path in {"", "config"}
    return {
        "stage": difference.stage,
        "what": difference.what,
        "path": difference.path,
        "old": difference.old,
        "new": difference.new,
        "lines": unified(difference.old, difference.new) if long else [],
    }


def unified(old: str, new: str) -> list[Line]:
    """A unified difference, three lines around each change."""
    kinds = {"+": "added", "-": "removed", "@": "place", " ": "same"}
    raw = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3)
    return [
        Line(kinds.get(line[:1], "same"), line if line.startswith("@") else line[1:])
        for line in raw
        if not line.startswith(("---", "+++"))
    ]


def _revision(pipeline_id: int, number: int) -> Revision:
    revision: Revision | None = Revision.objects.filter(pipeline_id=pipeline_id, number=number).first()
    if revision is None:
        raise Http404(f"There is no revision {number}.")
    return revision
