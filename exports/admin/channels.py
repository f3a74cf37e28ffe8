"""Channels: who is told of what, a test, the signing secret shown once, and how each is doing. Registered here because
what was sent through one is kept by exports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from accounts.admin.desk import answer, post_only, principal, require
from accounts.admin.editor import LinesField
from accounts.display import BAD, GOOD, QUIET, WARN, badge, moment
from exports.events import redelivery
from exports.models import EventDelivery
from exports.models.events import DELIVERED
from pipelines import channelrules, channels, eventing
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import Channel, Destination, Pipeline, Queue
from pipelines.refusals import Refused


class IdsField(forms.ModelMultipleChoiceField):
    """Rows of the organization, kept as a list of ids."""

    def __init__(self, model: Any, help_text: str) -> None:
        super().__init__(
            queryset=model.objects.all(), required=False, help_text=help_text, widget=UnfoldAdminSelectMultipleWidget()
        )

    def clean(self, value: Any) -> Any:
        return sorted(row.pk for row in super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return sorted(map(str, initial or [])) != sorted(map(str, data or []))


class ChannelForm(ConfigurationForm):
    address = forms.CharField(
        required=False,
        widget=forms.Textarea({"class": "desk-input", "rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text="Where messages go: an https address, or e-mail addresses separated by commas.",
    )
    events = LinesField(
        label="Events",
        help_text="One a line, for example document.export_failed, document.* or *. All of them are listed below.",
        widget=forms.Textarea({"class": "desk-input", "rows": 5, "spellcheck": "false"}),
    )
    queues = IdsField(Queue, "None chosen: all. What concerns no queue is told in any case.")
    pipelines = IdsField(Pipeline, "Likewise.")
    destinations = IdsField(Destination, "Likewise.")
    allowed_hosts = LinesField(required=False, help_text="One host name a line; empty allows every public host.")
    allowed_networks = LinesField(
        required=False, help_text="Private networks that may be reached, one a line, for example 10.1.0.0/16."
    )

    class Meta:
        model = Channel
        fields = (
            "name", "kind", "events", "queues", "pipelines", "destinations", "quiet_minutes", "with_fields",
            "allowed_hosts", "allowed_networks", "active",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None or "kind" not in self.fields:
            return
        self.fields["kind"].disabled = True
        address = self.fields["address"]
        if self.instance.kind in eventing.SEALED_ADDRESS:
            address.help_text = f"Kept sealed: {self.instance.address} Empty leaves it as it is."
        else:
            address.initial = self.instance.address

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        address, kind = given.get("address", ""), given.get("kind", self.instance.kind)
        if not address.strip():
            if self.instance.pk is None:
                self.add_error("address", "Give the address that messages are sent to.")
        elif kind in eventing.KINDS:
            try:
                channelrules.checked(kind, address)
            except Refused as refusal:
                self.add_error("address", refusal.message.partition(": ")[2])
        return given


@admin.register(Channel)
class ChannelAdmin(ConfigurationAdmin):
    form = ChannelForm
    list_display = ("name", "standing", "way", "shown_address", "told_of", "newest")
    list_filter = ("kind", "active")
    search_fields = ("name", "address")
    change_form_template = "admin/exports/channel.html"
    fieldsets = (
        (None, {"fields": ("name", "kind", "address", "active")}),
        ("What it is told", {"fields": ("events", "quiet_minutes", "with_fields")}),
        ("Only what concerns", {"fields": ("queues", "pipelines", "destinations")}),
        ("Whom it may reach", {"fields": ("allowed_hosts", "allowed_networks"), "classes": ("collapse",)}),
    )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path(f"<int:channel_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("test", "rotate", "enable", "redeliver")
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        channel = self.get_object(request, object_id) if object_id else None
        may = request.user.has_perm
        context = {
            "types": eventing.TYPES.items(),
            "standing": self.standing(channel) if channel else "",
            "recent": _recent(channel) if channel and may("exports.view_eventdelivery") else (),
            "may_test": may("pipelines.test_channel"),
            "may_change": may("pipelines.change_channel"),
            "may_redeliver": may("exports.redeliver_eventdelivery"),
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        secret = channels.save(obj, by=principal(request), address=form.cleaned_data.get("address", ""))
        request.signing_secret = secret  # type: ignore[attr-defined]  # for response_add, in this request only

    def response_add(self, request: HttpRequest, obj: Channel, post_url_continue: str | None = None) -> HttpResponse:
        secret = getattr(request, "signing_secret", "")
        return (
            self.shown_once(request, obj, secret) if secret else super().response_add(request, obj, post_url_continue)
        )

    @post_only
    def test(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """Send a test event: one of the pages that wait for the network, and say so."""
        channel = self.found(request, str(channel_id))
        delivery = redelivery.test(channel, by=require(request, "pipelines.test_channel"))
        if delivery.state == DELIVERED:
            messages.success(request, "The test event was delivered.")
        else:
            tried = delivery.tried.last()
            messages.error(request, f"The test event was not delivered. {tried.error if tried else ''}")
        return HttpResponseRedirect(reverse("admin:exports_eventdelivery_change", args=[delivery.pk]))

    @post_only
    def rotate(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        channel = self.found(request, str(channel_id))
        try:
            secret = channels.rotate(channel, by=require(request, "pipelines.change_channel"))
        except Refused as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(_page_of(channel))
        return self.shown_once(request, channel, secret, rotated=True)

    @post_only
    def enable(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        channel = self.found(request, str(channel_id))
        by = require(request, "pipelines.change_channel")

        def do() -> str:
            channels.enable(channel, by=by)
            return f"{channel.name} is enabled: what happens from now on is sent, and what still waits."

        return answer(request, _page_of(channel), do, refused=(Refused,))

    @post_only
    def redeliver(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        channel = self.found(request, str(channel_id))
        by = require(request, "exports.redeliver_eventdelivery")

        def do() -> str:
            since = parsed(request.POST.get("since", ""))
            number = redelivery.redeliver_failed(channel, since, by=by, why=request.POST.get("why", "").strip())
            return f"{number:,} messages are sent again." if number != 1 else "One message is sent again."

        return answer(request, _page_of(channel), do, refused=(Refused,))

    def shown_once(self, request: HttpRequest, channel: Channel, secret: str, *, rotated: bool = False) -> HttpResponse:
        shown = self.page(
            request,
            "admin/exports/channel_secret.html",
            channel,
            title=f"Signing secret of {channel.name}",
            channel=channel,
            secret=secret,
            rotated=rotated,
        )
        shown.headers["Cache-Control"] = "no-store"
        return shown

    @admin.display(description="state", ordering="disabled_at")
    def standing(self, obj: Channel) -> SafeString:
        if obj.disabled_at:
            return badge("Disabled", BAD, "block", obj.disabled_why)
        if not obj.active:
            return badge("Off", QUIET, "toggle_off")
        if obj.failures:
            return badge("Failing", WARN, "warning", f"{obj.failures} tries in a row")
        return badge("Open", GOOD, "check_circle")

    @admin.display(description="kind", ordering="kind")
    def way(self, obj: Channel) -> str:
        return eventing.KINDS.get(obj.kind, obj.kind).partition(",")[0]

    @admin.display(description="address")
    def shown_address(self, obj: Channel) -> str:
        return obj.address if len(obj.address) < 60 else f"{obj.address[:59]}…"

    @admin.display(description="events")
    def told_of(self, obj: Channel) -> SafeString:
        more = f"and {len(obj.events) - 2} more" if len(obj.events) > 2 else ""
        cell = '<span class="desk-cell"><span>{}</span><small>{}</small></span>'
        return format_html(cell, ", ".join(obj.events[:2]), more)

    @admin.display(description="since")
    def newest(self, obj: Channel) -> SafeString:
        return moment(obj.since)


def parsed(text: str) -> datetime:
    """A moment as a form gives it, in UTC. Raises Refused."""
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise Refused("Say since when: a date and a time.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _recent(channel: Channel) -> QuerySet[EventDelivery]:
    rows: QuerySet[EventDelivery] = EventDelivery.objects.filter(channel=channel).defer("payload").order_by("-id")[:8]
    return rows


def _page_of(channel: Channel) -> str:
    return reverse("admin:pipelines_channel_change", args=[channel.pk])
