"""What a stage would make of a chosen document, as it stands in the editor: rehearsed in the real sandbox, nothing sent
and nothing saved. Lives here because it needs a draft and a document; so does the choice of documents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from exports import rehearsal
from exports.admin import fieldtables, outputs
from exports.models import Document
from exports.rehearsal import Known, Played
from exports.states import Status
from pipelines import publishing
from pipelines.admin import marks
from pipelines.admin.stageform import StageForm
from pipelines.definition import StageDraft
from pipelines.models import Pipeline

CHOICES = 20
"""Documents offered to choose from."""

LOOKED_AT = 2000
"""The newest documents of the queues, among which a word is looked for."""

AT_ONCE = 2
"""Previews that one process renders at the same time; the rest of its threads stay free for pages."""

PATIENCE = 4.0
"""Seconds that a preview waits for its turn."""


class _Turns:
    """Lets few previews run at once, and of one person only the newest: an older one that still waits gives up."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._newest: dict[Any, object] = {}

    @contextmanager
    def turn(self, whose: Any) -> Iterator[bool]:
        """Whether it is still wanted, and there was a place for it in time."""
        ticket = object()
        self._newest[whose] = ticket
        taken = self._places.acquire(timeout=PATIENCE)
        try:
            yield taken and self._newest.get(whose) is ticket
        finally:
            if taken:
                self._places.release()
            if self._newest.get(whose) is ticket:
                del self._newest[whose]


TURNS = _Turns()


def shown(model_admin: Any) -> Callable[..., HttpResponse]:
    """The view of the output: {"html": a part of a page, "marks": what is wrong and where}."""

    def view(request: HttpRequest, pipeline_id: int, stage_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        pipeline = seen(request, model_admin, pipeline_id)
        stage = pipeline.stages.filter(pk=stage_id).first() if stage_id else None
        form = StageForm(request.POST, pipeline=pipeline, stage=stage)
        form.is_valid()
        draft = form.draft()
        draft = replace(draft, name=draft.name or "(no name yet)")
        with TURNS.turn((request.user.pk, pipeline_id, stage_id)) as granted:
            if not granted:
                told = "Other previews are being made just now. It is tried again as you type."
                return JsonResponse({"html": "", "marks": [], "busy": told}, status=429)
            document = _document(pipeline, request)
            if document is None:
                return _answer(request, {"missing": True, "wanted": request.POST.get("document", "")}, [])
            played = _played(draft, document, pipeline, was=stage.name if stage else "")
        return _answer(request, _context(played, document), _marks(played[-1], draft))

    return view


def choices(model_admin: Any) -> Callable[..., HttpResponse]:
    """The view that finds documents to try a stage on: the newest of the pipeline's queues that hold the word."""

    def view(request: HttpRequest, pipeline_id: int) -> HttpResponse:
        pipeline = seen(request, model_admin, pipeline_id)
        word = request.GET.get("q", "").strip().replace("\0", "")[:200]
        rows = of_pipeline(pipeline)
        if word:
            newest = Document.objects.filter(queue__pipeline=pipeline).order_by("-id").values("pk")[:LOOKED_AT]
            rows = rows.filter(pk__in=[row["pk"] for row in newest])
            rows = rows.filter(Q(external_id__icontains=word) | Q(file_name__icontains=word))
        return JsonResponse({"documents": [_choice(row) for row in rows.select_related("fields")[:CHOICES]]})

    return view


def seen(request: HttpRequest, model_admin: Any, pipeline_id: int) -> Pipeline:
    """The pipeline, for who may see pipelines and documents. Raises PermissionDenied and Http404."""
    if not (request.user.has_perm("pipelines.view_pipeline") and model_admin.has_view_permission(request)):
        raise PermissionDenied
    pipeline: Pipeline | None = Pipeline.objects.filter(pk=pipeline_id).first()
    if pipeline is None:
        raise Http404("There is no such pipeline here.")
    return pipeline


def of_pipeline(pipeline: Pipeline) -> QuerySet[Document]:
    """The documents of its queues that can be rehearsed, newest first."""
    gone = (Status.DELETED, Status.PURGED)
    rows: QuerySet[Document] = Document.objects.filter(queue__pipeline=pipeline).exclude(status__in=gone)
    return rows.order_by("-id")


def _choice(row: Document) -> dict[str, Any]:
    known = fieldtables.headline(row.fields.content if row.fields else [])
    parts = [known["party"], f"{known['amount']} {known['currency'].upper()}".strip(), row.get_status_display()]
    about = " · ".join(part for part in parts if part)
    return {"id": row.pk, "external_id": row.external_id, "about": about}


def _document(pipeline: Pipeline, request: HttpRequest) -> Document | None:
    """The document asked for by external id, else the newest of the pipeline's queues, else the newest of all."""
    rows = Document.objects.select_related("queue__schema", "fields", "original")
    wanted = request.POST.get("document", "").strip().replace("\0", "")
    own = of_pipeline(pipeline).select_related("queue__schema", "fields", "original")
    if wanted:
        return own.filter(external_id=wanted).first() or rows.filter(external_id=wanted).first()
    return own.first() or rows.exclude(status__in=(Status.DELETED, Status.PURGED)).first()


def _played(draft: StageDraft, document: Document, pipeline: Pipeline, *, was: str) -> list[Played]:
    """The stages before the one in the editor, as they are saved, then that one as it stands."""
    saved = publishing.drafts(pipeline)
    drafts = [draft if one.name == was else one for one in saved]
    if was not in {one.name for one in saved}:
        drafts = [one for one in saved if one.name != draft.name] + [draft]
    known = Known.of(pipeline, drafts)
    played = rehearsal.play(drafts, document, pipeline=pipeline, known=known, only_up_to=draft.name)
    return sorted(played, key=lambda one: one.stage == draft.name)


def _context(played: list[Played], document: Document) -> dict[str, Any]:
    own = played[-1]
    return {
        "document": document,
        "own": own,
        "outputs": outputs.of_stage(own),
        "before": [one for one in played[:-1] if one.error is not None],
    }


def _marks(own: Played, draft: StageDraft) -> list[dict[str, Any]]:
    return [] if own.error is None else [marks.of_error(own.error, draft.config)]


def _answer(request: HttpRequest, context: dict[str, Any], found: list[dict[str, Any]]) -> HttpResponse:
    html = render_to_string("admin/exports/preview.html", context, request)
    return JsonResponse({"html": html, "marks": found})
