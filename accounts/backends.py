"""Django's permission questions, answered by `may`: so the admin honours roles without knowing of them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts import scope, signin
from accounts.models import User
from accounts.policy import Principal, may


class RoleBackend(ModelBackend):
    """Signs people in by password; what they may do follows from their role in the organization in scope."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **given: Any
    ) -> User | None:
        """Raises TooManyError, a PermissionDenied, where too many tries failed: then no other backend is asked."""
        name = given.get(User.USERNAME_FIELD) if username is None else username
        if name is None or password is None:
            return None
        where = signin.address(request)
        signin.begin(name, where)
        found = super().authenticate(request, name, password)
        if not isinstance(found, User):
            signin.failed(name, where)
            return None
        signin.succeeded(name, where)
        return found

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        organization_id = scope.current()
        if organization_id is None:
            return user_obj.is_superuser
        return may(principal_of(user_obj, organization_id), perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        organization_id = scope.current()
        if organization_id is None:
            return user_obj.is_superuser
        principal = principal_of(user_obj, organization_id)
        return principal.everything or any(verb.startswith(f"{app_label}.") for verb in principal.verbs)


def principal_of(user: User, organization_id: int) -> Principal:
    """The person's principal, worked out once a request."""
    kept: dict[int, Principal] = user.__dict__.setdefault("_principals", {})
    if organization_id not in kept:
        kept[organization_id] = Principal.of_user(user, organization_id)
    return kept[organization_id]
