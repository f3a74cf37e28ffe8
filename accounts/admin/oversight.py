"""The audit trail, to read: who did what to which subject, and why. Registered here because audit imports nothing of
ours, and a page must know whose events it may show."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, here
from accounts.display import moment
from audit.models import Event


class VerbFilter(admin.SimpleListFilter):
    title = "verb"
    parameter_name = "verb"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = Event.objects.filter(organization_id=here()).order_by("verb").values_list("verb", flat=True)
        return [(verb, verb) for verb in known.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(verb=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(DeskAdmin):
    """Read-only, for whoever may: the database itself refuses to change an event."""

    list_display = ("when", "actor", "verb", "subject", "reason", "sealed")
    list_filter = (VerbFilter,)
    search_fields = ("actor", "subject", "verb", "why")
    search_help_text = "By actor, verb, subject (attempt:12) or reason"
    list_select_related = ("seal",)
    ordering = ("-id",)
    list_display_links = ("when",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        rows: QuerySet[Event] = super().get_queryset(request)
        return rows.filter(organization_id=here())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        event = self.found(request, object_id)
        return self.page(
            request,
            "admin/event.html",
            event,
            title=f"{event.verb} {event.subject}",
            event=event,
            seal=getattr(event, "seal", None),
            detail=json.dumps(event.detail, indent=2, ensure_ascii=False) if event.detail else "",
        )

    @admin.display(description="when", ordering="id")
    def when(self, obj: Event) -> SafeString:
        return moment(obj.at)

    @admin.display(description="why")
    def reason(self, obj: Event) -> str:
        return obj.why or "–"

    @admin.display(description="sealed")
    def sealed(self, obj: Event) -> SafeString | str:
        seal = getattr(obj, "seal", None)
        return format_html('<code title="{}">{}</code>', seal.digest, f"#{seal.number}") if seal else "not yet"
