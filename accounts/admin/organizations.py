"""Organizations and accounts, for superusers; and the switch between organizations, for everybody in several."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import organizations
from accounts.admin.desk import DeskAdmin, number, post_only
from accounts.display import moment
from accounts.middleware import SESSION_KEY
from accounts.models import Organization, User


@admin.register(Organization)
class OrganizationAdmin(DeskAdmin):
    list_display = ("name", "slug", "made")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}

    @admin.display(description="made", ordering="created_at")
    def made(self, obj: Organization) -> str:
        return moment(obj.created_at)

    def get_urls(self) -> list[Any]:
        switch = path("switch/", self.admin_site.admin_view(self.switch), name="switch_organization")
        return [switch, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        user = request.user
        assert isinstance(user, User)
        organizations.save(obj, by=user)

    @post_only
    def switch(self, request: HttpRequest) -> HttpResponse:
        """Work in another organization from here on. Rows of the former are not found in the new one, so a page
        about one of them leads home."""
        user = request.user
        assert isinstance(user, User)
        rows = Organization.objects.all()
        if not user.is_superuser:
            rows = rows.filter(memberships__user=user)
        wanted = number(request.POST.get("organization", ""))
        chosen = rows.filter(pk=wanted).first() if wanted is not None else None
        if chosen is None:
            messages.error(request, "You are not a member of that organization.")
            return HttpResponseRedirect(reverse("admin:index"))
        request.session[SESSION_KEY] = chosen.pk
        messages.success(request, f"You work in {chosen.name} now.")
        to = request.POST.get("next", "")
        about_a_row = any(part.isdigit() for part in to.partition("?")[0].split("/"))
        safe = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
        return HttpResponseRedirect(to if safe and not about_a_row else reverse("admin:index"))


@admin.register(User)
class AccountAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Every person of the installation. Only superusers reach it: no role grants its verbs."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_superuser", "last")
    list_filter = ("is_active", "is_superuser")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    compressed_fields = True

    @admin.display(description="last seen", ordering="last_login")
    def last(self, obj: User) -> str:
        return moment(obj.last_login, empty="never")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without Django's groups and permissions: what a person may do is their role in an organization."""
        if not obj:
            return super().get_fieldsets(request, obj)
        return [
            (None, {"fields": ("username", "password")}),
            ("Person", {"fields": ("first_name", "last_name", "email")}),
            ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
            ("Dates", {"fields": ("last_login", "date_joined")}),
            ("Reading", {"fields": ("time_zone",)}),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a person did keeps their name; an account is switched off, not deleted."""
        return False
