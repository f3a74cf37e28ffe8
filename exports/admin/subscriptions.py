"""Subscriptions: what is pushed when something happens to a document; and the pushes, each with its document."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin
from accounts.display import BAD, QUIET, badge, moment
from exports.admin.channels import IdsField
from exports.models import Push
from pipelines import eventing
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import Queue, Subscription


class SubscriptionForm(ConfigurationForm):
    events = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {eventing.TYPES[name]}") for name in eventing.PUSHED],
        widget=forms.CheckboxSelectMultiple,
        help_text="After each of these the document's data is pushed, as it stood then.",
    )
    queues = IdsField(Queue, "Only documents of these queues. None chosen: of all that nothing is pushed into.")

    class Meta:
        model = Subscription
        fields = ("name", "events", "queues", "into", "with_original", "active")

    def get_initial_for_field(self, field: Any, field_name: str) -> Any:
        given = super().get_initial_for_field(field, field_name)
        if field_name == "events" and given and "document.*" in given:
            return list(eventing.PUSHED)
        return given


@admin.register(Subscription)
class SubscriptionAdmin(ConfigurationAdmin):
    form = SubscriptionForm
    list_display = ("name", "after", "through", "active", "newest")
    list_filter = ("active",)
    search_fields = ("name", "into__name")
    list_select_related = ("into__pipeline",)

    @admin.display(description="after")
    def after(self, obj: Subscription) -> str:
        return ", ".join(obj.events)

    @admin.display(description="through")
    def through(self, obj: Subscription) -> SafeString:
        queue = reverse("admin:pipelines_queue_change", args=[obj.into_id])
        pipeline = obj.into.pipeline.name if obj.into.pipeline else "no pipeline"
        return format_html('{}, queue <a href="{}">{}</a>', pipeline, queue, obj.into.name)

    @admin.display(description="newest push")
    def newest(self, obj: Subscription) -> SafeString | str:
        push = Push.objects.filter(subscription=obj).only("happened_at").first()
        return moment(push.happened_at) if push else "none yet"


@admin.register(Push)
class PushAdmin(DeskAdmin):
    """Read only: what was made of a push is a document, with its attempts and all that can be done about them."""

    list_display = ("type", "of", "happened", "subscription", "outcome")
    list_filter = ("subscription",)
    list_select_related = ("document", "made", "subscription")
    list_display_links = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Push]:
        rows: QuerySet[Push] = super().get_queryset(request)
        return rows.defer("document__metadata", "document__messages", "made__metadata", "made__messages")

    @admin.display(description="document")
    def of(self, obj: Push) -> SafeString:
        return _link(obj.document)

    @admin.display(description="happened", ordering="happened_at")
    def happened(self, obj: Push) -> SafeString:
        return moment(obj.happened_at)

    @admin.display(description="pushed as")
    def outcome(self, obj: Push) -> SafeString | str:
        if obj.refused:
            return badge("Refused", BAD, "block", obj.refused)
        if obj.made is None:
            return badge("Waits for the one before", QUIET, "schedule")
        return format_html("{} {}", _link(obj.made), obj.made.get_status_display())


def _link(document: Any) -> SafeString:
    there = reverse("admin:exports_document_change", args=[document.pk])
    return format_html('<a href="{}">{}</a>', there, document.external_id)
