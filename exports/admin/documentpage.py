"""The page of one document: its original beside its fields, their versions, its attempts, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, here, number, post_only, principal, require
from audit.models import Event
from exports import documents, reviews
from exports.admin import (
    actions,
    bodies,
    chosen,
    comparing,
    correcting,
    courses,
    doubts,
    downloads,
    fieldtables,
    offers,
    preview,
    versionpage,
)
from exports.admin.lists import walking
from exports.models import Document
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


class DocumentPage(DeskAdmin):
    """Mixed into DocumentAdmin."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        acts = [path(f"<int:document_id>/{name}/", view(self._act(name)), name=self.named(name)) for name in DONE]
        return [
            *acts,
            path("<int:document_id>/original/", view(self.original), name=self.named("original")),
            path("<int:document_id>/received/<int:file_id>/", view(self.received), name=self.named("received")),
            path("<int:document_id>/assign/", view(self.assign), name=self.named("assign")),
            path("<int:document_id>/correct/", view(self.correct), name=self.named("correct")),
            path("<int:document_id>/versions/<int:number>/", view(versionpage.shown(self)), name=self.named("version")),
            path("preview/<int:pipeline_id>/<int:stage_id>/", view(preview.shown(self)), name=self.named("preview")),
            path("preview/<int:pipeline_id>/choices/", view(preview.choices(self)), name=self.named("choices")),
            path("comparison/<int:pipeline_id>/", view(comparing.compared(self)), name=self.named("comparison")),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        document = self._document(request, object_id)
        course = courses.of(
            document, chosen=number(request.GET.get("attempt", "")), below=number(request.GET.get("below", ""))
        )
        newest, attempt = course.newest, course.chosen
        tab = chosen.tab_of(request.GET.get("tab", ""))
        may_correct = request.user.has_perm("exports.change_document") and document.purged_at is None
        reviewer = document.reviewer if document.status == Status.REVIEWING else ""
        reviews_it = reviewer == principal(request).name
        may_correct = may_correct and (not reviewer or reviews_it)
        scene = actions.scene(newest, document, newest=True, back="document") if newest is not None else None
        offered = actions.of(scene, request.user) if scene is not None else []
        risks = actions.risks(scene) if scene is not None else []
        doubt = doubts.of(scene, request.user) if scene is not None else None
        return self.page(
            request,
            "admin/exports/document.html",
            document,
            title=document.external_id,
            document=document,
            offers=[one for one in offers.of_document(document, request.user, newest) if one.name != "again"],
            actions=[*offered, actions.assign(document, request.user)],  # type: ignore[arg-type]
            risks=risks,
            shown_risks=risks if document.status == Status.FAILED_EXPORT and doubt is None else [],
            doubt=doubt,
            course=course,
            legend=courses.LEGEND,
            keep=f"{urlencode({'walk': request.GET['walk']})}&" if "walk" in request.GET else "",
            attempt=attempt,
            newest=newest,
            tabs=chosen.TABS,
            tab=tab,
            moving=newest is not None and newest.finished_at is None,
            may_correct=may_correct,
            corrects=may_correct and "edit" in request.GET,
            may_send=newest is not None and any(one.name == "requeue" and not one.why_not for one in offered),
            may_start=may_correct and document.status in reviews.STARTS,
            reviewer=offers.display_name(reviewer),
            reviews=reviews_it,
            purged=_purge_of(document),
            version=document.fields.number if document.fields else 0,
            file=_original(document) if tab == "fields" else None,
            sections=chosen.sections(document) if tab == "fields" else [],
            absent=chosen.absent(document) if tab == "fields" else [],
            **chosen.of(tab, document, attempt),
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

    def received(self, request: HttpRequest, document_id: int, file_id: int) -> HttpResponseBase:
        """A file that came with the document: only ever a download."""
        document = self._document(request, str(document_id))
        file = document.received.select_related("content").filter(pk=file_id).first()
        if file is None:
            raise Http404("No such file came with this document.")
        return downloads.attachment(file.content, name=file.name)

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

        if request.POST.get("then") == "send":
            return walking.on(request, document, correcting.and_send(request, document, made, version))
        return walking.on(request, document, answer(request, to, do, refused=(Refused, StageError)))

    @post_only
    def assign(self, request: HttpRequest, document_id: int) -> HttpResponse:
        document = self._document(request, str(document_id))
        return walking.on(request, document, correcting.assign(request, document))

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
            to = f"{to}?tab=fields&edit=1#chosen" if name == "start_review" else to
            return walking.on(request, document, answer(request, to, do, refused=(Refused,)))

        return act

    def _document(self, request: HttpRequest, object_id: str) -> Document:
        found: Document = self.found(request, object_id)
        rows = Document.objects.select_related("queue__pipeline", "queue__schema", "fields", "original", "assignee")
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


def _purge_of(document: Document) -> Event | None:
    if document.purged_at is None:
        return None
    events = Event.objects.filter(organization_id=here(), subject=f"document:{document.pk}")
    return events.filter(verb="document.purge").first()
