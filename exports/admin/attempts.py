"""The list of attempts: columns only, never a body; and the ways to send many again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import number
from accounts.display import moment, span
from exports import looks
from exports.admin import repeats
from exports.admin.attemptpage import AttemptPage
from exports.models import Attempt, Document
from exports.states import ACTIVE, State
from pipelines.models import Pipeline

TABS = (
    ("failed", "Failed", (State.FAILED,)),
    ("active", "Under way", tuple(sorted(ACTIVE))),
    ("succeeded", "Succeeded", (State.SUCCEEDED,)),
    ("cancelled", "Cancelled", (State.CANCELLED,)),
)


class Tab(admin.SimpleListFilter):
    title = "state"
    parameter_name = "tab"
    template = "admin/parts/nothing.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, title) for key, title, _ in TABS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        return next((queryset.filter(state__in=states) for key, _, states in TABS if key == self.value()), queryset)


class PipelineFilter(admin.SimpleListFilter):
    title = "pipeline"
    parameter_name = "pipeline"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Pipeline.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        chosen = number(self.value() or "")
        return queryset if chosen is None else queryset.filter(revision__pipeline_id=chosen)


@admin.register(Attempt)
class AttemptAdmin(AttemptPage):
    list_display = ("name", "standing", "said", "revision_name", "effort", "began")
    list_display_links = ("name",)
    list_filter = (Tab, "reason", PipelineFilter, "document__queue", "trigger", "created_at")
    search_fields = ("document__external_id", "message", "stage")
    search_help_text = "By document, message or stage"
    list_select_related = ("document", "revision__pipeline")
    list_before_template = "admin/exports/attempt_tabs.html"
    ordering = ("-id",)
    actions = ("requeue_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        rows: QuerySet[Attempt] = super().get_queryset(request)
        return rows.defer(
            "answer", "why", "revision__definition", "revision__note", "document__metadata", "document__messages"
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counts = dict(Attempt.objects.order_by().values_list("state").annotate(Count("pk")))
        chosen = request.GET.get("tab", "")
        tabs = [
            {
                "key": key,
                "title": title,
                "number": sum(counts.get(state, 0) for state in states),
                "chosen": key == chosen,
                "bad": key == "failed",
            }
            for key, title, states in TABS
        ]
        context = {"tabs": tabs, "chosen_tab": chosen, "title": "Attempts", **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An attempt begins with a document's export."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What happened is not edited."""
        return False

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("exports.requeue_attempt"))

    @admin.action(description="Send again…", permissions=["requeue"])
    def requeue_selected(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> HttpResponse:
        return repeats.ask(self, request, list(queryset.order_by("pk").values_list("pk", flat=True)))

    @admin.display(description="document", ordering="document__external_id")
    def name(self, obj: Attempt) -> SafeString:
        return format_html(
            '<span class="desk-cell"><span>{}</span><small>attempt {}</small></span>',
            _document(obj).external_id,
            obj.number,
        )

    @admin.display(description="state, next try", ordering="state")
    def standing(self, obj: Attempt) -> SafeString:
        if obj.state == State.WAITING:
            next_try = moment(obj.due_at)
            return format_html(
                '<span class="desk-cell">{}<small>{}</small></span>', looks.of_attempt(obj.state).badge(), next_try
            )
        look = looks.of_reason(obj.reason) if obj.state == State.FAILED and obj.reason else looks.of_attempt(obj.state)
        return look.badge()

    @admin.display(description="stage, message", ordering="stage")
    def said(self, obj: Attempt) -> SafeString:
        stage = f"{obj.stage} ({obj.http_status})" if obj.stage and obj.http_status else obj.stage
        cell = '<span class="desk-cell"><span>{}</span><small title="{}">{}</small></span>'
        return format_html(cell, stage or "–", obj.message, obj.message)

    @admin.display(description="pipeline", ordering="revision__pipeline__name")
    def revision_name(self, obj: Attempt) -> SafeString:
        url = reverse("admin:pipelines_pipeline_revision", args=[obj.revision.pipeline_id, obj.revision.number])
        return format_html('<a href="{}">{} r{}</a>', url, obj.revision.pipeline.name, obj.revision.number)

    @admin.display(description="tries, took", ordering="tries")
    def effort(self, obj: Attempt) -> SafeString:
        tries = obj.tries + (obj.state in {State.SUCCEEDED, State.FAILED, State.RUNNING})
        took = span(_between(obj.started_at, obj.finished_at))
        cell = '<span class="desk-cell desk-nowrap"><span>{}</span><small>{}</small></span>'
        return format_html(cell, f"{tries} {'try' if tries == 1 else 'tries'}", took)

    @admin.display(description="began", ordering="id")
    def began(self, obj: Attempt) -> SafeString:
        return moment(obj.created_at)


def _document(attempt: Attempt) -> Document:
    """The document of an attempt; only attempts of datasets, which have pages of their own, have none."""
    assert attempt.document is not None
    return attempt.document


def _between(start: datetime | None, end: datetime | None) -> Any:
    """None while it has not started; until now while it runs."""
    return None if start is None else (end or timezone.now()) - start
