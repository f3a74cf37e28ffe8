"""Members of an organization: who they are there, and how an owner lets somebody in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from accounts import members, policy
from accounts.admin.desk import DeskAdmin, answer, here, post_only, require
from accounts.display import moment
from accounts.models import Membership, User
from accounts.policy import Principal

_INPUT = {"class": "desk-input"}


class NewMember(forms.Form):
    """Somebody who has an account already, or a new one with a first password."""

    username = forms.CharField(
        max_length=150, widget=forms.TextInput(_INPUT), validators=[User.username_validator], label="User name"
    )
    role = forms.ChoiceField(choices=policy.role_choices, widget=forms.Select(_INPUT), initial="operator")
    email = forms.EmailField(required=False, widget=forms.EmailInput(_INPUT))
    password = forms.CharField(
        required=False,
        strip=False,
        label="First password",
        widget=forms.PasswordInput({**_INPUT, "autocomplete": "new-password"}),
        help_text="Only for somebody new. Whoever has an account keeps theirs.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        known = User.objects.filter(username=given.get("username", "")).exists()
        if given.get("username") and not known:
            if not given.get("password"):
                raise ValidationError({"password": "Nobody has this user name yet: give a first password."})
            try:
                validate_password(given["password"], User(username=given["username"], email=given.get("email", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return given

    def save(self, by: Principal) -> Membership:
        """The membership, and the account where it is a new one. Raises what members.add raises."""
        given = self.cleaned_data
        with transaction.atomic():
            person = User.objects.filter(username=given["username"]).first()
            if person is None:
                person = User.objects.create_user(given["username"], given["email"], given["password"], is_staff=True)
            return members.add(person, given["role"], by=by)


class RoleForm(forms.Form):
    """The one thing that changes about a member."""

    role = forms.ChoiceField(choices=policy.role_choices, widget=forms.Select(_INPUT))


@admin.register(Membership)
class MembershipAdmin(DeskAdmin):
    list_display = ("person", "email", "what_they_may", "seen")
    search_fields = ("user__username", "user__email")
    list_select_related = ("user",)
    ordering = ("user__username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.filter(organization_id=here())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        by = require(request, "accounts.add_membership")
        form = NewMember(request.POST or None, label_suffix="")
        if request.method == "POST" and form.is_valid():
            try:
                member = form.save(by)
            except ValidationError as error:
                form.add_error(None, error)
            except PermissionDenied as error:
                form.add_error("role", str(error))
            else:
                messages.success(request, f"{member.user} is a member now.")
                return HttpResponseRedirect(reverse("admin:accounts_membership_changelist"))
        return self.page(request, "admin/accounts/member.html", title="New member", form=form, verb="Add")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = self.found(request, object_id)
        may_change = self.has_change_permission(request, member)
        form = RoleForm(request.POST or None, initial={"role": member.role}, label_suffix="")
        if request.method == "POST" and form.is_valid():
            by = require(request, "accounts.change_membership")
            try:
                changed = members.change_role(member, form.cleaned_data["role"], by=by)
            except ValidationError as error:
                form.add_error(None, " ".join(error.messages))
            except PermissionDenied as error:
                form.add_error("role", str(error))
            else:
                messages.success(request, f"{changed.user}: {policy.ROLES[changed.role]}")
                return HttpResponseRedirect(reverse("admin:accounts_membership_changelist"))
        return self.page(
            request,
            "admin/accounts/member.html",
            member,
            title=str(member.user),
            form=form,
            verb="Save" if may_change else "",
            member=member if request.user.has_perm("accounts.delete_membership") else None,
        )

    @post_only
    def remove(self, request: HttpRequest, member_id: int) -> HttpResponse:
        member = self.found(request, str(member_id))
        by = require(request, "accounts.delete_membership")

        def do() -> str:
            members.remove(member, by=by)
            return f"{member.user} is no member any more. Their account, and what they did, stay."

        to = reverse("admin:accounts_membership_changelist")
        return answer(request, to, do, refused=(ValidationError,))

    def get_urls(self) -> list[Any]:
        remove = path("<int:member_id>/remove/", self.admin_site.admin_view(self.remove), name=self.named("remove"))
        return [remove, *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's own deletion never runs: members.remove does, which keeps the last owner."""
        return False

    @admin.display(description="person", ordering="user__username")
    def person(self, obj: Membership) -> str:
        return obj.user.get_full_name() or obj.user.get_username()

    @admin.display(description="email", ordering="user__email")
    def email(self, obj: Membership) -> str:
        return obj.user.email or "–"

    @admin.display(description="role", ordering="role")
    def what_they_may(self, obj: Membership) -> str:
        return policy.ROLES.get(obj.role, obj.role)

    @admin.display(description="last seen", ordering="user__last_login")
    def seen(self, obj: Membership) -> str:
        return moment(obj.user.last_login, empty="never")
