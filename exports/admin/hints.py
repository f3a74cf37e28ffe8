"""The staff's own rules of advice: in the order in which they are asked, each with how many groups it fits now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, DeskForm, answer, number, post_only, principal, require
from exports import hints
from exports.models import FailureGroup, Hint
from exports.states import GroupState
from pipelines.refusals import Refused


def unsettled() -> list[FailureGroup]:
    """The groups that a rule is tried on: what is not resolved, the newest first."""
    rows = FailureGroup.objects.exclude(state=GroupState.RESOLVED).order_by("-last_seen")
    return list(rows.only("reason", "code", "destination_id", "pattern", "sample")[:500])


class LinkField(forms.URLField):
    """An address typed without its scheme begins with https://."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"assume_scheme": "https", **options})


class HintForm(DeskForm):
    """What would be refused stands beside its field."""

    class Meta:
        model = Hint
        fields = ("pattern", "reason", "code", "destination", "advice", "link", "active")
        field_classes = {"link": LinkField}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for problem in hints.problems(self.instance):
            column, _, message = problem.partition(": ")
            if column not in self.errors:
                self.add_error(column if column in self.fields else None, message)


@admin.register(Hint)
class HintAdmin(DeskAdmin):
    form = HintForm
    deletable = True
    list_display = ("advice_start", "asks", "fits", "active", "order")
    list_display_links = ("advice_start",)
    readonly_fields = ("fits_now",)
    fields = ("pattern", "reason", "code", "destination", "advice", "link", "active", "fits_now")
    list_select_related = ("destination",)
    ordering = ("position", "id")
    list_before_template = "admin/exports/hints_before.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("fits/", view(self.fitting), name=self.named("fits")),
            path("<int:hint_id>/move/", view(self.move), name=self.named("move")),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._unsettled = unsettled()
        self._may_move = request.user.has_perm("exports.change_hint")
        response: HttpResponse = super().changelist_view(request, {"title": "Hints", **(extra_context or {})})
        return response

    def save_model(self, request: HttpRequest, obj: Hint, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        hints.save(obj, by=principal(request))

    def delete_model(self, request: HttpRequest, obj: Hint) -> None:
        hints.delete(obj, by=principal(request))

    def fitting(self, request: HttpRequest) -> HttpResponse:
        """How many groups a rule would fit as it stands in the form."""
        require(request, "exports.view_hint")
        asked = request.GET
        rule = Hint(
            pattern=asked.get("pattern", "")[:200],
            reason=asked.get("reason", "")[:20],
            code=number(asked.get("code", "")),
            destination_id=number(asked.get("destination", "")),
        )
        return JsonResponse({"said": _said(hints.count(rule, unsettled()))})

    @post_only
    def move(self, request: HttpRequest, hint_id: int) -> HttpResponse:
        rule = self.found(request, str(hint_id))
        by = require(request, "exports.change_hint")

        def do() -> str:
            hints.move(rule, by=by, up=request.POST.get("to") == "up")
            return "The order is kept: the first rule that fits is shown."

        return answer(request, reverse("admin:exports_hint_changelist"), do, refused=(Refused,))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(request.get_full_path())
        return response

    @admin.display(description="advice")
    def advice_start(self, obj: Hint) -> SafeString:
        return format_html('<span class="desk-cell"><span>{}</span><small>{}</small></span>', obj.advice, obj.link)

    @admin.display(description="where")
    def asks(self, obj: Hint) -> SafeString:
        named = [obj.pattern, obj.reason, str(obj.code or ""), str(obj.destination or "")]
        return format_html("{}", " · ".join(part for part in named if part))

    @admin.display(description="fits")
    def fits(self, obj: Hint) -> str:
        return _said(hints.count(obj, self._unsettled))

    @admin.display(description="fits now")
    def fits_now(self, obj: Hint) -> SafeString:
        said = _said(hints.count(obj, unsettled())) if obj.pk else "Say what it is for, and see here what it fits."
        url = reverse("admin:exports_hint_fits")
        return format_html('<output data-fits-url="{}" aria-live="polite">{}</output>', url, said)

    @admin.display(description="order")
    def order(self, obj: Hint) -> SafeString:
        """Buttons of a form that stands outside the list's own."""
        if not self._may_move:
            return format_html("{}", obj.position)
        url = reverse("admin:exports_hint_move", args=[obj.pk])
        button = (
            '<button class="desk-button is-small" form="hint-move" formaction="{}" name="to" value="{}" '
            'aria-label="{}">{}</button>'
        )
        return format_html(
            '<span class="desk-row">{}{}</span>',
            format_html(button, url, "up", "Ask earlier", "↑"),
            format_html(button, url, "down", "Ask later", "↓"),
        )


def _said(number_of_groups: int) -> str:
    return f"{number_of_groups} group{'' if number_of_groups == 1 else 's'}"
