"""What a press on a document's page does beyond one verb: correct and send in one step, and give it to somebody."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.admin.desk import answer, require
from accounts.models import User
from exports import attempts, documents, remedies
from exports.models import Attempt, Document
from pipelines import schemas
from pipelines.errors import StageError
from pipelines.fields import Content, Operation
from pipelines.refusals import Refused


def and_send(request: HttpRequest, document: Document, made: Sequence[Operation], version: int | None) -> HttpResponse:
    """Both or neither; but what the schema still finds wrong is saved, and not sent."""
    by = require(request, "exports.requeue_attempt")
    why = request.POST.get("why", "").strip()
    newest = Attempt.objects.filter(document=document).order_by("-number").first()

    def do() -> str:
        if newest is None:
            raise Refused("It was never exported: confirm it, then ask for its export.")
        with transaction.atomic():
            saved = documents.correct(document, by=by, why=why, operations=made, version=version)
            schema = document.queue.schema.content if document.queue.schema else []
            if wrong := schemas.judge(Content(saved.content), schema):
                told = f"{wrong[0].field}: {wrong[0].content}"
                return f"Saved as version {saved.number}, and not sent, because the schema finds: {told}"
            repeat = attempts.requeue(newest, by=by, why=why)
        return f"Saved as version {saved.number}; attempt {repeat.number} sends it."

    return answer(request, _page(document), do, refused=(Refused, StageError))


def assign(request: HttpRequest, document: Document) -> HttpResponse:
    """Me, another member, or nobody."""
    by = require(request, "exports.change_document")
    name = request.POST.get("assignee", "")

    def do() -> str:
        to = User.objects.filter(username=name).first() if name else None
        if name and to is None:
            raise Refused(f"{name} is not a member of this organization.")
        remedies.assign(document, to=to, by=by)
        return f"{name} answers for {document.external_id}." if name else "Nobody answers for it now."

    return answer(request, _page(document), do, refused=(Refused,))


def _page(document: Document) -> str:
    return reverse("admin:exports_document_change", args=[document.pk])
