"""Secrets: set, replaced and removed, never shown. The value's field is never filled in, not even with dots."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.desk import DeskAdmin, DeskForm, principal
from accounts.display import moment
from pipelines import vault
from pipelines.models import Secret


class SecretForm(DeskForm):
    value = forms.CharField(
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Sealed when saved and never shown again; saving replaces what was there.",
    )

    class Meta:
        model = Secret
        fields = ("name", "destination", "pipeline")

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean(self) -> dict[str, Any]:
        """Sealing checks name and value; what it says stands beside the fields. Nothing is kept unless it succeeds."""
        given = super().clean() or self.cleaned_data
        if self.errors or not self.changed_data:
            return given
        old = self.instance if self.instance.pk else None
        try:
            self.kept = vault.put(
                old.name if old else given["name"],
                given["value"],
                by=principal(self.request),
                destination=old.destination if old else given.get("destination"),
                pipeline=old.pipeline if old else given.get("pipeline"),
            )
        except ValidationError as error:
            self.add_error(None, error)
        except PermissionDenied as error:
            raise ValidationError(str(error)) from error
        return given

    def _post_clean(self) -> None:
        """The row is the vault's to make."""

    def save(self, commit: bool = True) -> Secret:  # noqa: FBT001, FBT002 - Django's signature
        return self.kept

    def save_m2m(self) -> None:
        """Nothing hangs on a secret."""


@admin.register(Secret)
class SecretAdmin(DeskAdmin):
    list_display = ("name", "holds_for", "changed_by", "changed")
    search_fields = ("name", "destination__name", "pipeline__name")
    list_select_related = ("destination", "pipeline")
    deletable = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Secret]:
        rows: QuerySet[Secret] = super().get_queryset(request)
        return rows.defer("sealed")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form = super().get_form(request, obj, change, form=SecretForm, **kwargs)
        return type("BoundSecretForm", (form,), {"__init__": _with(request, form)})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            place = "Set a destination or a pipeline to keep it to those; neither: every pipeline may name it."
            return [
                (None, {"fields": ("name", "value")}),
                ("Where it holds", {"fields": ("destination", "pipeline"), "description": place}),
            ]
        return [(None, {"fields": ("name", "holds_for", "changed_by", "changed", "value")})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "holds_for", "changed_by", "changed") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: Secret, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        """The vault has written it, with its audit event, when the form was checked."""

    def delete_model(self, request: HttpRequest, obj: Secret) -> None:
        vault.remove(obj, by=principal(request))

    @admin.display(description="holds for")
    def holds_for(self, obj: Secret) -> SafeString | str:
        if obj.destination:
            return format_html("destination {}", obj.destination.name)
        if obj.pipeline:
            return format_html("pipeline {}", obj.pipeline.name)
        return "the whole organization"

    @admin.display(description="changed", ordering="changed_at")
    def changed(self, obj: Secret) -> SafeString:
        return moment(obj.changed_at)


def _with(request: HttpRequest, form: type[SecretForm]) -> Any:
    def __init__(self: SecretForm, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - of the class made around it
        form.__init__(self, *args, request=request, **kwargs)

    return __init__
