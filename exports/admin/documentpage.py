"""The page of one document: its original beside its fields, their versions, its attempts, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, here, number, post_only, principal, require
from audit.models import Event
from exports import documents, reviews
from exports.admin import bodies, comparing, downloads, fieldtables, offers, preview
from exports.admin.lists import walking
from exports.models import Attempt, Document, FieldsVersion
from exports.states import Status
from pipelines.errors import StageError
from pipelines.refusals import Refused

DONE = {
    "confirm": "{} is confirmed.",
    "export": "The export of {} has begun.",
    "send_back": "{} is back in review.",
    "postpone": "{} is postponed.",
    "reject": "{} is rejected.",
    "remove": "{} is deleted. It can be restored until it is purged.",
    "start_review": "You have {} in review.",
    "cancel_review": "You have left the review of {}.",
    "restore": "{} is back in review, with all that it had.",
    "purge": "{} is purged: its content is gone for good.",
}
ATTEMPTS_SHOWN = 50


class DocumentPage(DeskAdmin):
    """Mixed into DocumentAdmin."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        acts = [path(f"<int:document_id>/{name}/", view(self._act(name)), name=self.named(name)) for name in DONE]
        return [
            *acts,
            path("<int:document_id>/original/", view(self.original), name=self.named("original")),
            path("<int:document_id>/correct/", view(self.correct), name=self.named("correct")),
            path("<int:document_id>/versions/<int:number>/", view(self.version_view), name=self.named("version")),
            path("preview/<int:pipeline_id>/<int:stage_id>/", view(preview.shown(self)), name=self.named("preview")),
            path("preview/<int:pipeline_id>/choices/", view(preview.choices(self)), name=self.named("choices")),
            path("comparison/<int:pipeline_id>/", view(comparing.compared(self)), name=self.named("comparison")),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        document = self._document(request, object_id)
        tree = document.fields.content if document.fields else []
        schema = document.queue.schema.content if document.queue.schema else []
        attempts = list(
            Attempt.objects.filter(document=document)
            .select_related("revision__pipeline")
            .defer("answer", "revision__definition")
            .order_by("-number")[:ATTEMPTS_SHOWN]
        )
        newest = attempts[0] if attempts else None
        events = Event.objects.filter(organization_id=here(), subject=f"document:{document.pk}")
        may_correct = request.user.has_perm("exports.change_document") and document.purged_at is None
        reviewer = document.reviewer if document.status == Status.REVIEWING else ""
        reviews_it = reviewer == principal(request).name
        return self.page(
            request,
            "admin/exports/document.html",
            document,
            title=document.external_id,
            document=document,
            offers=offers.of_document(document, request.user, newest),
            file=_original(document),
            sections=fieldtables.sections(tree, schema),
            version=document.fields.number if document.fields else 0,
            versions=document.versions.defer("content")[:50],
            attempts=attempts,
            newest=newest,
            moving=any(attempt.finished_at is None for attempt in attempts),
            may_correct=may_correct and (not reviewer or reviews_it),
            may_start=may_correct and document.status in reviews.STARTS,
            reviewer=offers.display_name(reviewer),
            reviews=reviews_it,
            purged=events.filter(verb="document.purge").first() if document.purged_at else None,
            attachments=document.attachments.select_related("artifact__run").order_by("key"),
            events=events.order_by("-id")[:100],
            metadata=document.metadata,
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's own form never serves a document: each change is a verb with a button of its own."""
        return False

    def original(self, request: HttpRequest, document_id: int) -> HttpResponseBase:
        document = self._document(request, str(document_id))
        if document.original is None:
            raise Http404("This document came without an original.")
        if "download" in request.GET:
            return downloads.attachment(document.original, name=document.file_name)
        return downloads.inline(document.original, name=document.file_name)

    @post_only
    def correct(self, request: HttpRequest, document_id: int) -> HttpResponse:
        """Save what was typed as a new version, unless somebody else saved one since the page was read."""
        document = self._document(request, str(document_id))
        by = require(request, "exports.change_document")
        made = fieldtables.operations(document.fields.content if document.fields else [], request.POST.dict())  # type: ignore[arg-type]
        to = reverse("admin:exports_document_change", args=[document.pk])
        if not made:
            messages.info(request, "Nothing was changed, so nothing was saved.")
            return HttpResponseRedirect(to)
        version = number(request.POST.get("version", ""))

        def do() -> str:
            saved = documents.correct(
                document,
                by=by,
                why=request.POST.get("why", "").strip(),
                operations=made,
                version=version,
            )
            return f"Saved as version {saved.number}. The former ones are kept."

        return walking.on(request, document, answer(request, to, do, refused=(Refused, StageError)))

    def version_view(self, request: HttpRequest, document_id: int, number: int) -> HttpResponse:
        document = self._document(request, str(document_id))
        version = FieldsVersion.objects.filter(document=document, number=number).first()
        if version is None:
            raise Http404(f"There is no version {number}.")
        before = FieldsVersion.objects.filter(document=document, number__lt=number).first()
        schema = document.queue.schema.content if document.queue.schema else []
        return self.page(
            request,
            "admin/exports/version.html",
            document,
            title=f"{document.external_id}, version {number}",
            document=document,
            version=version,
            changes=_changes(before.content if before else [], version.content),
            before=before,
            sections=fieldtables.sections(version.content, schema),
        )

    def _act(self, name: str) -> Callable[..., HttpResponse]:
        verb = {"export": "ask_export", "remove": "delete"}.get(name, name)

        def act(request: HttpRequest, document_id: int) -> HttpResponse:
            if request.method != "POST":
                return HttpResponse(status=405, headers={"Allow": "POST"})
            document = self._document(request, str(document_id))
            by = principal(request)

            def do() -> str:
                said: dict[str, Any] = {} if name == "confirm" else {"why": request.POST.get("why", "").strip()}
                if name == "start_review":
                    said = {"take_over": request.POST.get("take_over") == "yes"}
                getattr(documents, verb)(document, by=by, **said)
                return DONE[name].format(document.external_id)

            to = reverse("admin:exports_document_change", args=[document.pk])
            to = f"{to}#correct" if name == "start_review" else to
            return walking.on(request, document, answer(request, to, do, refused=(Refused,)))

        return act

    def _document(self, request: HttpRequest, object_id: str) -> Document:
        found: Document = self.found(request, object_id)
        rows = Document.objects.select_related("queue__pipeline", "queue__schema", "fields", "original")
        document: Document = rows.get(pk=found.pk)
        return document


def _original(document: Document) -> dict[str, Any] | None:
    """How the original is shown: in a frame, as an image, as text, or only as a download."""
    if document.original is None:
        return None
    kind = downloads.kind_of(document.original)
    gone = document.original.purged_at is not None
    body = bodies.shown(document.original) if kind == "text" or gone else None
    return {"kind": kind, "body": body, "size": document.original.size, "sha256": document.original.sha256}


def _changes(before: list[Any], after: list[Any]) -> list[dict[str, str]]:
    """Values that differ between two versions, by the datapoint's id."""

    def values(tree: list[Any]) -> dict[int, tuple[str, str]]:
        found = {}
        for section in fieldtables.sections(tree):
            cells = [*section.cells, *(cell for table in section.tables for row in table.rows for cell in row.cells)]
            found.update({cell.id: (cell.label, cell.value) for cell in cells if cell is not None})
        return found

    old, new = values(before), values(after)
    changed = [key for key in {**old, **new} if old.get(key, ("", ""))[1] != new.get(key, ("", ""))[1]]
    return [
        {
            "label": (new.get(key) or old[key])[0],
            "old": old.get(key, ("", ""))[1],
            "new": new.get(key, ("", ""))[1],
            "gone": "yes" if key not in new else "",
        }
        for key in changed
    ]
