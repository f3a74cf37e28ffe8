"""The presses that do something about a failed attempt besides sending it again, and lead back to where they were."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from accounts.admin.desk import DeskAdmin, answer, number, post_only, require
from exports import inquiry, remedies
from exports.models import Attempt
from pipelines import destinations
from pipelines.errors import StageError
from pipelines.models import Destination
from pipelines.refusals import Refused


def back(request: HttpRequest, attempt: Attempt) -> str:
    """The page that the press came from: the document's with this attempt chosen, or the attempt's."""
    if request.POST.get("back") == "document" and attempt.document_id is not None:
        page = reverse("admin:exports_document_change", args=[attempt.document_id])
        return f"{page}?attempt={attempt.number}"
    return reverse("admin:exports_attempt_change", args=[attempt.pk])


class Remedying(DeskAdmin):
    """Mixed into AttemptPage."""

    def remedy_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path(f"<int:attempt_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("ignore", "heed", "delivered", "ask", "destination")
        ]

    @post_only
    def ignore(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.ignore_attempt")

        def do() -> str:
            remedies.ignore(attempt, by=by, why=_why(request))
            return "The failure is ignored. Its comment stands in the audit trail."

        return answer(request, back(request, attempt), do, refused=(Refused,))

    @post_only
    def heed(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.ignore_attempt")

        def do() -> str:
            remedies.heed(attempt, by=by, why=_why(request))
            return "The failure is open again."

        return answer(request, back(request, attempt), do, refused=(Refused,))

    @post_only
    def delivered(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.settle_attempt")

        def do() -> str:
            reference = request.POST.get("reference", "")
            remedies.delivered_elsewhere(attempt, by=by, reference=reference, why=_why(request))
            return "Kept: it was delivered elsewhere. The document is exported."

        return answer(request, back(request, attempt), do, refused=(Refused,))

    @post_only
    def ask(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        """Ask the other side now what became of it."""
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.settle_attempt")
        try:
            found = inquiry.ask(attempt, by=by)
        except (Refused, StageError) as error:
            messages.error(request, str(error))
        else:
            if found.arrived:
                messages.success(request, f"It arrived: {found.reference}. The document is exported.")
            else:
                messages.warning(request, found.told)
        return HttpResponseRedirect(back(request, attempt))

    @post_only
    def destination(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        """Pause the place that the attempt sends to, or resume it."""
        attempt = self.found(request, str(attempt_id))
        by = require(request, "pipelines.pause_destination")
        there = Destination.objects.filter(pk=number(request.POST.get("destination", "")) or 0).first()
        if there is None:
            raise Http404("There is no such destination here.")

        def do() -> str:
            if request.POST.get("do") == "resume":
                destinations.resume(there, by=by, why=_why(request))
                return f"{there.name} is resumed: what waits for it is sent."
            if not _why(request):
                raise Refused("Say why it is paused: everybody reads it on the home page.")
            destinations.pause(there, by=by, why=_why(request))
            return f"{there.name} is paused: nothing is sent there until somebody resumes it."

        return answer(request, back(request, attempt), do, refused=(Refused,))


def _why(request: HttpRequest) -> str:
    return str(request.POST.get("why", "")).strip()[:500]
