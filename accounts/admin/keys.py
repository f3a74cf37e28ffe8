"""API keys: made and shown once, withdrawn, never changed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone

from accounts import keys, policy
from accounts.admin.desk import DeskAdmin, answer, post_only, principal, require
from accounts.display import BAD, GOOD, QUIET, badge, moment
from accounts.models import ApiKey

_INPUT = {"class": "desk-input"}


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=190, widget=forms.TextInput(_INPUT), help_text="The audit trail shows it, for example erp-robot."
    )
    role = forms.ChoiceField(choices=policy.role_choices, widget=forms.Select(_INPUT))
    expires_at = forms.DateTimeField(
        required=False,
        label="Expires",
        widget=forms.DateTimeInput({**_INPUT, "type": "datetime-local"}),
        help_text="UTC; empty means never.",
    )
    queues = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        label="Only these queues",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all. A key of some queues sees their documents and attempts, and nothing else.",
    )
    verbs = forms.MultipleChoiceField(
        required=False,
        label="Only these verbs of its role",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all of the role's.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = apps.get_model("pipelines", "Queue")  # by name: accounts imports nothing above it
        self.fields["queues"].choices = [(row.pk, row.name) for row in known.objects.order_by("name")]  # type: ignore[attr-defined]
        verbs = sorted(frozenset().union(*policy.GRANTS.values()))
        self.fields["verbs"].choices = [(verb, verb) for verb in verbs]  # type: ignore[attr-defined]


def queue_names(key: ApiKey) -> list[str]:
    """Of the queues that the key is narrowed to; those that are gone by their ids."""
    if key.queues is None:
        return []
    named = dict(apps.get_model("pipelines", "Queue").objects.filter(pk__in=key.queues).values_list("pk", "name"))
    return [named.get(pk, f"{pk}, deleted") for pk in key.queues]


@admin.register(ApiKey)
class ApiKeyAdmin(DeskAdmin):
    list_display = ("name", "starts_with", "what_it_may", "standing", "used", "expires", "made")
    search_fields = ("name", "prefix")
    list_select_related = ("created_by",)

    def get_urls(self) -> list[Any]:
        revoke = path("<int:key_id>/revoke/", self.admin_site.admin_view(self.revoke), name=self.named("revoke"))
        return [revoke, *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is withdrawn, never changed."""
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        by = require(request, "accounts.add_apikey")
        form = KeyForm(request.POST or None, label_suffix="", initial={"role": "operator"})
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                key, plain = keys.create(
                    by, given["name"], given["role"], given["expires_at"],
                    verbs=given["verbs"] or None, queues=given["queues"] or None,
                )  # fmt: skip
            except ValidationError as error:
                form.add_error(None, error)
            except PermissionDenied as error:
                form.add_error("role", str(error))
            else:
                shown = self.page(
                    request, "admin/accounts/key_made.html", title=f"Key {key.name}", key=key, plain=plain
                )
                shown.headers["Cache-Control"] = "no-store"
                return shown
        return self.page(request, "admin/accounts/key_form.html", title="New API key", form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        key = self.found(request, object_id)
        may_revoke = request.user.has_perm("accounts.delete_apikey") and key.revoked_at is None
        return self.page(
            request, "admin/accounts/key.html", key, title=key.name, key=key, standing=self.standing(key),
            role=self.what_it_may(key), may_revoke=may_revoke, queues=queue_names(key),
        )  # fmt: skip

    @post_only
    def revoke(self, request: HttpRequest, key_id: int) -> HttpResponse:
        key = self.found(request, str(key_id))

        def do() -> str:
            keys.revoke(key, by=principal(request))
            return f"The key {key.name} opens nothing any more."

        return answer(request, reverse("admin:accounts_apikey_changelist"), do, refused=(ValidationError,))

    @admin.display(description="starts with")
    def starts_with(self, obj: ApiKey) -> str:
        return f"wb_{obj.prefix}_…"

    @admin.display(description="role", ordering="role")
    def what_it_may(self, obj: ApiKey) -> str:
        role = policy.ROLES.get(obj.role, obj.role)
        return role if obj.verbs is None and obj.queues is None else f"{role} (narrowed)"

    @admin.display(description="state")
    def standing(self, obj: ApiKey) -> str:
        if obj.revoked_at:
            return badge("Revoked", BAD, "block")
        if obj.expires_at and obj.expires_at <= timezone.now():
            return badge("Expired", QUIET, "event_busy")
        return badge("In use", GOOD, "check_circle")

    @admin.display(description="last used", ordering="last_used_at")
    def used(self, obj: ApiKey) -> str:
        return moment(obj.last_used_at, empty="never")

    @admin.display(description="expires", ordering="expires_at")
    def expires(self, obj: ApiKey) -> str:
        return moment(obj.expires_at, empty="never")

    @admin.display(description="made", ordering="created_at")
    def made(self, obj: ApiKey) -> str:
        return moment(obj.created_at)
