"""The log of what was sent to channels: each message, every try, what came back, and sending it again."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, answer, number, post_only, require
from accounts.display import moment
from exports import looks
from exports.events import messages, redelivery
from exports.models import EventDelivery
from exports.models.events import STATES, WAITING
from pipelines import eventing
from pipelines.models import Channel
from pipelines.refusals import Refused


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, looks.of_delivery(state).text) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EventDelivery]) -> QuerySet[EventDelivery]:
        return queryset.filter(STATES[self.value()]) if self.value() in STATES else queryset  # type: ignore[index]  # a key


class ChannelFilter(admin.SimpleListFilter):
    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Channel.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EventDelivery]) -> QuerySet[EventDelivery]:
        chosen = number(self.value() or "")
        return queryset if chosen is None else queryset.filter(channel_id=chosen)


class TypeFilter(admin.SimpleListFilter):
    title = "event"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(type_, type_) for type_ in eventing.TYPES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EventDelivery]) -> QuerySet[EventDelivery]:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(EventDelivery)
class EventDeliveryAdmin(DeskAdmin):
    list_display = ("what", "standing", "channel_name", "tried_times", "happened")
    list_filter = (StateFilter, ChannelFilter, TypeFilter)
    search_fields = ("subject", "type")
    search_help_text = "By event or subject (document:12)"
    list_select_related = ("channel",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventDelivery]:
        rows: QuerySet[EventDelivery] = super().get_queryset(request)
        return rows.defer("payload").annotate(title=KT("payload__data__title"))  # lists read columns, never bodies

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """One message, with what a list leaves out."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.refresh_from_db(fields=["payload"])
        return found

    def get_urls(self) -> list[Any]:
        again = self.admin_site.admin_view(self.redeliver)
        return [path("<uuid:delivery_id>/redeliver/", again, name=self.named("redeliver")), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A message is made of what happened."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        delivery = self.found(request, object_id)
        channel = delivery.channel
        why_not = "" if request.user.has_perm("exports.redeliver_eventdelivery") else "Your role does not include this."
        if not why_not and (channel.disabled_at or not channel.active):
            why_not = "Its channel is disabled." if channel.disabled_at else "Its channel is off."
        return self.page(
            request,
            "admin/exports/eventdelivery.html",
            delivery,
            title=str(delivery.payload["data"].get("title") or delivery.type),
            delivery=delivery,
            channel=channel,
            standing=self.standing(delivery),
            tries=delivery.tried.order_by("-id")[:50],
            sent=sent(channel.kind, delivery.payload),
            about=delivery.payload["data"].get("url"),
            why_not=why_not,
        )

    @post_only
    def redeliver(self, request: HttpRequest, delivery_id: Any) -> HttpResponse:
        delivery = self.found(request, str(delivery_id))
        by = require(request, "exports.redeliver_eventdelivery")

        def do() -> str:
            redelivery.redeliver(delivery, by=by)
            return "It is sent again, under the same id: a worker takes it up within seconds."

        page = reverse("admin:exports_eventdelivery_change", args=[delivery.pk])
        return answer(request, page, do, refused=(Refused,))

    @admin.display(description="event", ordering="id")
    def what(self, obj: EventDelivery) -> SafeString:
        cell = '<span class="desk-cell"><span>{}</span><small>{}</small></span>'
        return format_html(cell, getattr(obj, "title", "") or obj.type, obj.type)

    @admin.display(description="state")
    def standing(self, obj: EventDelivery) -> SafeString:
        look = looks.of_delivery(obj.state)
        if obj.state == WAITING and (obj.channel.disabled_at or not obj.channel.active):
            why = "its channel is disabled" if obj.channel.disabled_at else "its channel is off"
            return format_html('<span class="desk-cell">{}<small>{}</small></span>', look.badge(), why)
        if obj.state == WAITING and obj.tries:
            cell = '<span class="desk-cell">{}<small>next try {}</small></span>'
            return format_html(cell, look.badge(), moment(obj.due_at))
        return look.badge()

    @admin.display(description="channel", ordering="channel__name")
    def channel_name(self, obj: EventDelivery) -> str:
        return str(obj.channel.name)

    @admin.display(description="tries", ordering="tries")
    def tried_times(self, obj: EventDelivery) -> SafeString:
        more = f"{obj.held_back} more held back" if obj.held_back else ""
        return format_html('<span class="desk-cell"><span>{}</span><small>{}</small></span>', obj.tries, more)

    @admin.display(description="happened", ordering="happened_at")
    def happened(self, obj: EventDelivery) -> SafeString:
        return moment(obj.happened_at)


def sent(kind: str, payload: Any) -> str:
    """The body as its receiver gets it, for reading."""
    if kind == eventing.EMAIL:
        mail = messages.mail(payload)
        return f"Subject: {mail.subject}\n\n{mail.text}"
    body = {eventing.SLACK: messages.slack, eventing.TEAMS: messages.teams}.get(kind, messages.webhook)(payload)
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
