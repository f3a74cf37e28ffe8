"""Alert rules, the log of what they told, and acknowledging it; and closing a destination's breaker by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, DeskForm, answer, post_only, principal, require
from accounts.display import BAD, GOOD, QUIET, WARN, badge, moment
from accounts.models import User
from exports import alertrules, alerts, breakers
from exports.models import Alert, AlertRule, Breaker, EventDelivery
from pipelines.models import Destination
from pipelines.refusals import Refused


class AlertRuleForm(DeskForm):
    kind = forms.ChoiceField(
        choices=[(name, kind.title) for name, kind in alertrules.KINDS.items() if kind.places],
        help_text="The other kinds are for the whole organization, and there already.",
    )

    class Meta:
        model = AlertRule
        fields = ("kind", *alertrules.COLUMNS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            for name in ("hour",):
                self.fields.pop(name, None)
            return
        self.fields.pop("kind", None)
        kind = alertrules.KINDS[self.instance.kind]
        for name in ("minutes", "least", "hour", "zone"):
            if name not in kind.settings:
                self.fields.pop(name, None)
        for name in ("destination", "queue"):  # where it holds does not change: another place is another rule
            self.fields.pop(name, None)

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for problem in alertrules.problems(self.instance):
            column, _, message = problem.partition(": ")
            if column not in self.errors:
                self.add_error(column if column in self.fields else None, message)


@admin.register(AlertRule)
class AlertRuleAdmin(DeskAdmin):
    form = AlertRuleForm
    deletable = True
    list_display = ("what", "standing", "where", "set_to")
    list_display_links = ("what",)
    list_select_related = ("destination", "queue")
    change_form_template = "admin/exports/alertrule.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().changelist_view(request, {"title": "Alert rules", **(extra_context or {})})
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        rule = self.get_object(request, object_id)
        kind = alertrules.KINDS.get(rule.kind) if rule is not None else None
        context = {"said": kind.said if kind else "", **(extra_context or {})}
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return list(AlertRuleForm(instance=obj or AlertRule()).fields)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        general = obj is not None and obj.destination_id is None and obj.queue_id is None
        return not general and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        alertrules.save(obj, by=principal(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        alertrules.delete(obj, by=principal(request))

    @admin.display(description="tells of", ordering="kind")
    def what(self, obj: AlertRule) -> str:
        return alertrules.KINDS[obj.kind].title if obj.kind in alertrules.KINDS else obj.kind

    @admin.display(description="state", ordering="active")
    def standing(self, obj: AlertRule) -> SafeString:
        return badge("On", GOOD, "check_circle") if obj.active else badge("Off", QUIET, "notifications_off")

    @admin.display(description="for")
    def where(self, obj: AlertRule) -> str:
        return str(obj.destination or obj.queue or "everything")

    @admin.display(description="set to")
    def set_to(self, obj: AlertRule) -> str:
        return alertrules.said(obj) if obj.kind in alertrules.KINDS else ""


@admin.register(Alert)
class AlertAdmin(DeskAdmin):
    list_display = ("title", "standing", "raised", "looked_after")
    list_display_links = ("title",)
    list_filter = ("kind",)
    search_fields = ("title",)
    list_select_related = ("acknowledged_by",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        rows: QuerySet[Alert] = super().get_queryset(request)
        return rows

    def get_urls(self) -> list[Any]:
        acknowledge = self.admin_site.admin_view(self.acknowledge)
        return [path("<int:alert_id>/acknowledge/", acknowledge, name=self.named("acknowledge")), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rules raise them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was told is not edited; acknowledging has its own button."""
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        alert = self.found(request, object_id)
        told = EventDelivery.objects.filter(subject=alert.subject, type=alert.type, happened_at__gte=alert.raised_at)
        return self.page(
            request,
            "admin/exports/alert.html",
            alert,
            title=alert.title,
            alert=alert,
            standing=self.standing(alert),
            told=told.select_related("channel").defer("payload").order_by("created_at")[:25],
            may_acknowledge=request.user.has_perm("exports.change_alert"),
        )

    @post_only
    def acknowledge(self, request: HttpRequest, alert_id: int) -> HttpResponse:
        alert = self.found(request, str(alert_id))
        by = require(request, "exports.change_alert")

        def do() -> str:
            assert isinstance(request.user, User)
            alerts.acknowledge(alert, by=by, user=request.user)
            return "Acknowledged: everybody sees that you look after it."

        return answer(request, reverse("admin:exports_alert_change", args=[alert.pk]), do, refused=(Refused,))

    @admin.display(description="state")
    def standing(self, obj: Alert) -> SafeString:
        if obj.ended_at is not None:
            return badge("Over", GOOD, "check_circle")
        if obj.kind in {alertrules.DIGEST, alertrules.WORKER}:
            return badge("Told", QUIET, "campaign")
        if obj.acknowledged_at is not None:
            return badge("Acknowledged", WARN, "visibility")
        return badge("Open", BAD, "notifications_active")

    @admin.display(description="raised", ordering="raised_at")
    def raised(self, obj: Alert) -> SafeString:
        return moment(obj.raised_at)

    @admin.display(description="acknowledged by")
    def looked_after(self, obj: Alert) -> SafeString | str:
        if obj.acknowledged_at is None:
            return "–"
        return format_html("{} {}", obj.acknowledged_by or "somebody", moment(obj.acknowledged_at))


@admin.register(Breaker)
class BreakerAdmin(DeskAdmin):
    """No page of its own: it stands on its destination's. Here is the button."""

    def get_urls(self) -> list[Any]:
        close = self.admin_site.admin_view(self.close)
        return [path("<int:destination_id>/close/", close, name=self.named("close"))]

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {}

    @post_only
    def close(self, request: HttpRequest, destination_id: int) -> HttpResponse:
        by = require(request, "pipelines.pause_destination")
        destination = Destination.objects.filter(pk=destination_id).first()
        if destination is None:
            raise Http404("There is no such destination in this organization.")

        def do() -> str:
            if breakers.close(destination, by=by, why=request.POST.get("why", "").strip()):
                return f"What waits for {destination.name} is sent now. Turned away, the breaker opens again."
            return f"The breaker of {destination.name} is closed already."

        there = reverse("admin:pipelines_destination_change", args=[destination.pk])
        return answer(request, there, do, refused=(Refused,))
