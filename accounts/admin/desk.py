"""What every page of the admin has in common: permissions through the policy, POST only, the trail's history."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from accounts import scope
from accounts.backends import principal_of
from accounts.models import User
from accounts.policy import Principal
from audit.models import Event


def principal(request: HttpRequest) -> Principal:
    """Whoever asks, in the organization in scope. Raises PermissionDenied where there is none."""
    organization_id = scope.current()
    if organization_id is None or not isinstance(request.user, User):
        raise PermissionDenied("Choose an organization first.")
    return principal_of(request.user, organization_id)


def here() -> int:
    """The id of the organization in scope; 0, which no row has, where there is none."""
    return scope.current() or 0


def require(request: HttpRequest, verb: str) -> Principal:
    """The principal, if they may do `verb` ("exports.requeue_attempt"). Raises PermissionDenied naming the verb."""
    if scope.current() is None or not request.user.has_perm(verb):
        raise PermissionDenied(f"Your role does not include {verb}.")
    return principal(request)


def number(text: str) -> int | None:
    """The id or version that a form or an address gives; None where it is no whole number that a row could have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def post_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that changes something is never a link."""

    @wraps(view)
    def guarded(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return view(self, request, *args, **kwargs)

    return guarded


class DeskForm(forms.ModelForm):
    """Knows the organization before it validates, so that a name taken within it is an error beside the field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if getattr(self.instance, "organization_id", 0) is None:
            self.instance.organization_id = scope.current()

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"organization"}  # type: ignore[misc,no-any-return]


class DeskList(ChangeList):
    """A list whose rows without filters are not counted: that is a second pass over the table, and says little."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count: int | None
        if self.full_result_count is None:
            self.full_result_count = self.result_count


class DeskAdmin(ModelAdmin):
    """The base of every model's admin. Nothing is deleted unless a subclass says `deletable`; what is saved and
    deleted goes through a verb, which writes the audit event."""

    form = DeskForm
    deletable = False
    compressed_fields = True
    list_per_page = 50
    show_full_result_count = False
    actions_selection_counter = True

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A choice without the menu that adds, edits and deletes what it chooses from: no key opens it."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        return DeskList

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:
        """The verbs keep the record, in the transaction of the change; Django's own log stays empty."""

    log_change = log_addition

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """Likewise."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What the trail says of one row."""
        obj = self.found(request, object_id)
        events = Event.objects.filter(organization_id=here(), subject=f"{self.opts.model_name}:{obj.pk}").order_by(
            "-id"
        )[:200]
        return self.page(request, "admin/history.html", obj, title=f"History of {obj}", events=events)

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The row, for whoever may see it. Raises Http404 and PermissionDenied."""
        from django.http import Http404

        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404(f"No {self.opts.verbose_name} has the id {object_id} in this organization.")
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def page(self, request: HttpRequest, template: str, obj: Any = None, **context: Any) -> TemplateResponse:
        """One of our own pages, in unfold's frame."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "object": obj,
            "media": self.media,
            "has_view_permission": True,
            **context,
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, template, context)

    def named(self, name: str) -> str:
        """The URL name of one of this admin's own views."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"


def answer(
    request: HttpRequest, to: str, do: Callable[[], str], *, refused: tuple[type[Exception], ...]
) -> HttpResponse:
    """Do it, say what was done or why not, and go to `to`. `do` returns the sentence for the person."""
    try:
        messages.success(request, do())
    except refused as error:
        messages.error(request, " ".join(getattr(error, "messages", None) or [str(error)]))
    return HttpResponseRedirect(to)
