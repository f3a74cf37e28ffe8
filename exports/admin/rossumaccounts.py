"""Rossum accounts whose hooks call Waybill, and the calls that came. Registered here, as exports keeps the calls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, principal
from accounts.admin.editor import LinesField
from accounts.display import BAD, GOOD, QUIET, badge, moment
from exports.admin.rossumimports import RossumImports
from exports.models import ExtensionCall
from exports.wire.rossum.hookpayload import TITLES
from pipelines import rossumaccounts, rossumrules
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import RossumAccount, RossumHook


class RossumAccountForm(ConfigurationForm):
    base_urls = LinesField(
        label="Addresses",
        help_text="What its hooks send as base_url, one a line: https://acme.rossum.app. Files are written back there "
        "and nowhere else.",
    )
    secrets = LinesField(
        label="Signing secrets",
        required=False,
        widget=forms.Textarea({"class": "desk-input", "rows": 2, "spellcheck": "false", "autocomplete": "off"}),
        help_text="The secrets that its hooks sign their calls with, one a line.",
    )
    allowed_networks = LinesField(
        required=False, help_text="Private networks where its API may be, one a line, for example 10.1.0.0/16."
    )

    class Meta:
        model = RossumAccount
        fields = ("name", "base_urls", "destination", "queue", "allowed_networks", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and "secrets" in self.fields:
            self.fields["secrets"].help_text = "Kept sealed. Empty leaves them as they are; what is typed replaces all."

    def clean_secrets(self) -> list[str]:
        given: list[str] = self.cleaned_data["secrets"]
        if not given and self.instance.pk is None:
            raise forms.ValidationError("Give the secret that the account's hooks sign their calls with.")
        if wrong := rossumrules.secret_problem(given):
            raise forms.ValidationError(wrong)
        return given


@admin.register(RossumAccount)
class RossumAccountAdmin(RossumImports, ConfigurationAdmin):
    form = RossumAccountForm
    change_list_template = "admin/pipelines/rossumaccounts.html"
    list_display = ("name", "standing", "addresses", "hooks", "last_call")
    search_fields = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "base_urls", "secrets", "active")}),
        ("What its exports do", {"fields": ("destination", "queue")}),
        ("Whom it may reach", {"fields": ("allowed_networks",), "classes": ("collapse",)}),
    )

    def save_model(self, request: HttpRequest, obj: RossumAccount, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        rossumaccounts.save(obj, by=principal(request), secrets=form.cleaned_data.get("secrets", []))

    @admin.display(description="state", ordering="active")
    def standing(self, obj: RossumAccount) -> SafeString:
        return badge("Open", GOOD, "check_circle") if obj.active else badge("Off", QUIET, "toggle_off")

    @admin.display(description="addresses")
    def addresses(self, obj: RossumAccount) -> str:
        return ", ".join(obj.base_urls)

    @admin.display(description="hooks that called")
    def hooks(self, obj: RossumAccount) -> int:
        return RossumHook.objects.filter(account=obj).count()

    @admin.display(description="last call")
    def last_call(self, obj: RossumAccount) -> SafeString | str:
        last = ExtensionCall.objects.filter(account=obj).aggregate(at=Max("created_at"))["at"]
        if last is None:
            return "none yet"
        url = reverse("admin:exports_extensioncall_changelist")
        return format_html('<a href="{}?account__id__exact={}">{}</a>', url, obj.pk, moment(last))


@admin.register(ExtensionCall)
class ExtensionCallAdmin(DeskAdmin):
    list_display = ("called", "outcome", "hook_id", "annotation_id", "attempt_link", "came")
    list_filter = ("account", "failed")
    search_fields = ("annotation", "request_id")
    search_help_text = "By the annotation's address or the request id"
    list_select_related = ("attempt",)
    ordering = ("-id",)
    fields = (
        "called", "outcome", "annotation", "hook", "request_id", "attempt_link", "messages", "came", "answered",
    )  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rossum calls."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="extension", ordering="extension")
    def called(self, obj: ExtensionCall) -> str:
        return TITLES.get(obj.extension, obj.extension)

    @admin.display(description="answer", ordering="failed")
    def outcome(self, obj: ExtensionCall) -> SafeString:
        if obj.finished_at is None:
            return badge("Under way", QUIET, "hourglass_top")
        return badge("Error", BAD, "error") if obj.failed else badge("Done", GOOD, "check_circle")

    @admin.display(description="hook")
    def hook_id(self, obj: ExtensionCall) -> str:
        return obj.hook.rpartition("/")[2]

    @admin.display(description="annotation")
    def annotation_id(self, obj: ExtensionCall) -> str:
        return obj.annotation.rpartition("/")[2]

    @admin.display(description="attempt")
    def attempt_link(self, obj: ExtensionCall) -> SafeString | str:
        if obj.attempt_id is None:
            return "–"
        url = reverse("admin:exports_attempt_change", args=[obj.attempt_id])
        return format_html('<a href="{}">Attempt {}</a>', url, obj.attempt.number if obj.attempt else "")

    @admin.display(description="messages")
    def messages(self, obj: ExtensionCall) -> SafeString | str:
        said = (obj.reply or {}).get("messages") or ()
        return format_html_join("", "<p>{}: {}</p>", ((one["type"], one["content"]) for one in said)) or "–"

    @admin.display(description="came", ordering="created_at")
    def came(self, obj: ExtensionCall) -> SafeString:
        return moment(obj.created_at)

    @admin.display(description="answered", ordering="finished_at")
    def answered(self, obj: ExtensionCall) -> SafeString:
        return moment(obj.finished_at, empty="not yet")
