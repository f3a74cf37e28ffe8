"""Destinations: where exports go, their limits, their secrets, a pause with its reason, and the connection test."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.safestring import SafeString

from accounts.admin.desk import answer, post_only, require
from accounts.admin.editor import JsonField, LinesField
from accounts.display import GOOD, WARN, badge
from pipelines import destinations, vault
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import Destination
from pipelines.refusals import Refused

CREDENTIALS_HELP = (
    'For file stores, for example {"type": "sftp", "host": "files.example.com", "username": "waybill"}. '
    "Passwords and keys are secrets: set them below, never here."
)


class DestinationForm(ConfigurationForm):
    credentials = JsonField(required=False, help_text=CREDENTIALS_HELP)
    description = forms.CharField(required=False, widget=forms.Textarea({"class": "desk-input", "rows": 2}))
    allowed_hosts = LinesField(
        required=False, help_text="One host name a line, for example erp.example.com; empty allows every public host."
    )
    allowed_networks = LinesField(
        required=False, help_text="Private networks that may be reached, one a line, for example 10.1.0.0/16."
    )

    class Meta:
        model = Destination
        fields = ("name", "description", "credentials", "allowed_hosts", "allowed_networks", "concurrency", "rate")

    def clean_credentials(self) -> Any:
        return self.cleaned_data["credentials"] or {}


@admin.register(Destination)
class DestinationAdmin(ConfigurationAdmin):
    form = DestinationForm
    list_display = ("name", "standing", "kind", "concurrency", "rate", "stage_count")
    search_fields = ("name", "description")
    change_form_template = "admin/pipelines/destination.html"
    fieldsets = (
        (None, {"fields": ("name", "description")}),
        ("Files", {"fields": ("credentials",)}),
        ("Whom it may reach", {"fields": ("allowed_hosts", "allowed_networks")}),
        ("How fast", {"fields": ("concurrency", "rate")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Destination]:
        rows: QuerySet[Destination] = super().get_queryset(request)
        return rows.annotate(stage_total=Count("stages"))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path(f"<int:destination_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("pause", "resume", "test", "secret")
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        destination = self.get_object(request, object_id)
        known = destination.secrets.defer("sealed") if destination else ()
        may = request.user.has_perm
        context = {
            "secrets": known if may("pipelines.view_secret") else None,
            "may_secret": may("pipelines.change_secret"),
            "may_pause": may("pipelines.pause_destination"),
            "may_test": may("pipelines.test_destination"),
            **(extra_context or {}),
        }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    @post_only
    def pause(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        destination = self.found(request, str(destination_id))
        by = require(request, "pipelines.pause_destination")

        def do() -> str:
            destinations.pause(destination, by=by, why=request.POST.get("why", "").strip())
            return f"{destination.name} is paused: nothing is sent there until it is resumed."

        return answer(request, _page_of(destination), do, refused=(Refused,))

    @post_only
    def resume(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        destination = self.found(request, str(destination_id))
        by = require(request, "pipelines.pause_destination")

        def do() -> str:
            destinations.resume(destination, by=by)
            return f"{destination.name} is resumed: what waited goes on."

        return answer(request, _page_of(destination), do, refused=(Refused,))

    @post_only
    def test(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        """Look whether the other side answers: the one page that waits for the network, and says so."""
        destination = self.found(request, str(destination_id))
        by = require(request, "pipelines.test_destination")
        findings = destinations.test(destination, by=by)
        return self.page(
            request,
            "admin/pipelines/tested.html",
            destination,
            title=f"Connection to {destination.name}",
            destination=destination,
            findings=findings,
        )

    @post_only
    def secret(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        destination = self.found(request, str(destination_id))
        by = require(request, "pipelines.change_secret")
        try:
            kept = vault.put(
                request.POST.get("name", "").strip(), request.POST.get("value", ""), by=by, destination=destination
            )
            messages.success(request, f"The secret {kept.name} is sealed. Whatever needs it reads it from now on.")
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(_page_of(destination))

    @admin.display(description="state", ordering="paused_at")
    def standing(self, obj: Destination) -> SafeString:
        if obj.paused_at:
            return badge("Paused", WARN, "pause_circle", obj.paused_why)
        return badge("Open", GOOD, "check_circle")

    @admin.display(description="kind")
    def kind(self, obj: Destination) -> str:
        return str(obj.credentials.get("type") or "HTTP") if isinstance(obj.credentials, dict) else "HTTP"

    @admin.display(description="stages", ordering="stage_total")
    def stage_count(self, obj: Any) -> int:
        return int(obj.stage_total)


def _page_of(destination: Destination) -> str:
    return reverse("admin:pipelines_destination_change", args=[destination.pk])
