"""The output of a template stage for a chosen document, as it stands in the editor: rendered in the real sandbox.
Nothing is sent and nothing is saved. It lives here because it needs a draft and a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from exports import dryrun
from exports.admin import bodies
from exports.models import Document
from pipelines.admin.stageform import StageForm
from pipelines.blobs import Blob
from pipelines.errors import StageError
from pipelines.models import Pipeline


def shown(model_admin: Any) -> Callable[..., HttpResponse]:
    """The view; it answers a part of a page, for the editor's page to put in."""

    def view(request: HttpRequest, pipeline_id: int, stage_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        if not (request.user.has_perm("pipelines.view_pipeline") and model_admin.has_view_permission(request)):
            raise PermissionDenied
        pipeline = Pipeline.objects.filter(pk=pipeline_id).first()
        if pipeline is None:
            raise Http404("There is no such pipeline here.")
        stage = pipeline.stages.filter(pk=stage_id).first() if stage_id else None
        form = StageForm(request.POST, pipeline=pipeline, stage=stage)
        form.is_valid()
        return render(request, "admin/exports/preview.html", _output(form, _document(pipeline, request), pipeline))

    return view


def _document(pipeline: Pipeline, request: HttpRequest) -> Document | None:
    """The document asked for by external id, else the newest of the pipeline's queues, else the newest of all."""
    rows = Document.objects.select_related("queue__schema", "fields", "original")
    wanted = request.POST.get("document", "").strip()
    if wanted:
        return rows.filter(external_id=wanted).first()
    own: Document | None = rows.filter(queue__pipeline=pipeline).first()
    return own or rows.first()


def _output(form: StageForm, document: Document | None, pipeline: Pipeline) -> dict[str, Any]:
    if document is None:
        wanted = form.data.get("document", "")
        told = f"No document has the external id {wanted}." if wanted else "There is no document to try it on yet."
        return {"problem": told, "document": None}
    draft = form.draft()
    if draft.kind != "template":
        return {"nothing": True, "document": document, "kind": draft.kind}
    try:
        artifacts = dryrun.render(draft, document, pipeline=pipeline)
    except StageError as error:
        return {"problem": error.message, "place": error.place, "detail": error.detail, "document": document}
    return {"document": document, "artifacts": [_told(key, blob) for key, blob in artifacts.items()]}


def _told(key: str, blob: Blob) -> dict[str, Any]:
    with blob.open() as stream:
        data = stream.read(bodies.SHOWN + 1)
    text, form = bodies.pretty(data[: bodies.SHOWN], cut=len(data) > bodies.SHOWN)
    plain = data[: bodies.SHOWN].decode("utf-8", errors="replace") if text is not None else None
    return {
        "key": key,
        "name": blob.name,
        "media_type": blob.media_type,
        "size": blob.size,
        "text": plain,
        "form": form,
    }
