"""The page of one attempt: its stages as a timeline, each with all that was sent and answered, and what can be done."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path

from accounts.admin.desk import answer, here, post_only, require
from audit.models import Event
from exports import attempts, looks
from exports.admin import actions, curling, differing, doubts, downloads, payloads, rehearsing, timeline
from exports.admin.clientacts import ClientActs
from exports.admin.remedying import Remedying, back
from exports.models import Artifact, Attempt, Exchange
from exports.states import ENDED, Resolution, State
from pipelines.errors import StageError
from pipelines.refusals import Refused


class AttemptPage(ClientActs, Remedying):
    """Mixed into AttemptAdmin."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        acts = [
            path(f"<int:attempt_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("requeue", "cancel", "settle", "pause", "resume")
        ]
        return [
            *acts,
            *self.remedy_urls(),
            *self.client_urls(),
            path("<int:attempt_id>/compare/", view(differing.shown(self)), name=self.named("compare")),
            path("<int:attempt_id>/rehearsal/", view(rehearsing.shown(self)), name=self.named("rehearsal")),
            path("exchanges/<uuid:exchange_id>/curl/", view(curling.shown(self)), name=self.named("curl")),
            path("exchanges/<uuid:exchange_id>/<str:side>/", view(self.body), name=self.named("body")),
            path("artifacts/<uuid:artifact_id>/", view(self.artifact), name=self.named("artifact")),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.found(request, object_id)
        attempt: Attempt = (
            Attempt.objects.select_related("document__queue", "revision__pipeline__published", "repeats")
            .prefetch_related("repeated_by")
            .get(pk=object_id)
        )
        document = attempt.document
        if document is None:
            raise Http404("This attempt is about no document.")
        newest = not Attempt.objects.filter(document=document, number__gt=attempt.number).exists()
        steps = timeline.of(attempt)
        scene = actions.scene(attempt, document, newest=newest, back="attempt")
        doubt = doubts.of(scene, request.user) if newest else None
        risks = actions.risks(scene)
        events = Event.objects.filter(organization_id=here(), subject=f"attempt:{attempt.pk}").order_by("-id")
        return self.page(
            request,
            "admin/exports/attempt.html",
            attempt,
            title=f"{document.external_id}, attempt {attempt.number}",
            attempt=attempt,
            document=document,
            look=looks.of_attempt(attempt.state),
            reason=looks.of_reason(attempt.reason) if attempt.reason else None,
            side=looks.side_of(attempt.reason) if attempt.state == State.FAILED else None,
            steps=steps,
            actions=actions.of(scene, request.user),
            risks=risks,
            shown_risks=risks if attempt.state == State.FAILED and newest and doubt is None else [],
            doubt=doubt,
            ignored=attempt.resolution == Resolution.IGNORED,
            moving=attempt.state not in ENDED,
            repeated_by=attempt.repeated_by.all(),
            events=events[:200],
            paused=events.filter(verb="attempt.pause").first() if attempt.state == State.PAUSED else None,
        )

    @post_only
    def requeue(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.requeue_attempt")
        made: list[Attempt] = []

        def do() -> str:
            repeat = attempts.requeue(
                attempt,
                by=by,
                why=request.POST.get("why", "").strip(),
                resume_from=request.POST.get("resume_from", ""),
                newest={payloads.NEWEST: True, payloads.SAME: False}.get(request.POST.get("revision", "")),
                frozen=request.POST.get("revision") == payloads.SENT,
                although_delivered=bool(request.POST.get("although_delivered")),
            )
            made.append(repeat)
            return f"Attempt {repeat.number} is queued. This one stays as it ended."

        response = answer(request, back(request, attempt), do, refused=(Refused, StageError))
        if made:
            response["Location"] = back(request, made[0])
        return response

    @post_only
    def cancel(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.cancel_attempt")

        def do() -> str:
            attempts.cancel(attempt, by=by, why=request.POST.get("why", "").strip())
            return "The attempt is cancelled; the document can be exported again."

        return answer(request, back(request, attempt), do, refused=(Refused,))

    @post_only
    def pause(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.cancel_attempt")

        def do() -> str:
            attempts.pause(attempt, by=by, why=request.POST.get("why", "").strip())
            return "The attempt is paused: nothing is sent until somebody resumes it."

        return answer(request, back(request, attempt), do, refused=(Refused,))

    @post_only
    def resume(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.cancel_attempt")

        def do() -> str:
            attempts.resume(attempt, by=by)
            return "The attempt goes on now."

        return answer(request, back(request, attempt), do, refused=(Refused,))

    @post_only
    def settle(self, request: HttpRequest, attempt_id: int) -> HttpResponse:
        attempt = self.found(request, str(attempt_id))
        by = require(request, "exports.settle_attempt")
        delivered = request.POST.get("delivered") == "yes"
        where = [back(request, attempt)]

        def do() -> str:
            settled = attempts.settle(
                attempt,
                by=by,
                delivered=delivered,
                reference=request.POST.get("reference", "").strip(),
                why=request.POST.get("why", "").strip() or ("Found at the other side." if delivered else ""),
                frozen=request.POST.get("revision") == payloads.SENT,
            )
            if delivered:
                return "Kept: it arrived. The document is exported."
            where[0] = back(request, settled)
            return f"Kept: it did not arrive. Attempt {settled.number} sends it again."

        response = answer(request, back(request, attempt), do, refused=(Refused, StageError))
        response["Location"] = where[0]
        return response

    def body(self, request: HttpRequest, exchange_id: Any, side: str) -> HttpResponseBase:
        """Everything that is kept of a request's or a reply's body, as a download."""
        exchange = Exchange.objects.filter(pk=exchange_id).select_related("request_content", "reply_content").first()
        content = getattr(exchange, f"{side}_content", None) if side in {"request", "reply"} else None
        if exchange is None or content is None:
            raise Http404("Nothing is kept of this body.")
        self.found(request, str(exchange.attempt_id))
        return downloads.attachment(content, name=f"{side}-{exchange.pk}")

    def artifact(self, request: HttpRequest, artifact_id: Any) -> HttpResponseBase:
        artifact = Artifact.objects.filter(pk=artifact_id).select_related("content").first()
        if artifact is None:
            raise Http404("There is no such artifact here.")
        self.found(request, str(artifact.attempt_id))
        return downloads.attachment(artifact.content, name=artifact.name)
