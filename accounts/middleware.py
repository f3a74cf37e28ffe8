"""Puts the organization that the request speaks for into scope, and takes it out again."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts import scope
from accounts.models import Organization

SESSION_KEY = "organization"


class OrganizationMiddleware:
    """A signed-in person works in the organization chosen in the session, else in their first one. API keys set
    their own organization when they authenticate (accounts/keys.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with scope.to(choose(request)):
            return self.get_response(request)


def choose(request: HttpRequest) -> int | None:
    """The organization's id, or None: no session, nobody signed in, or no membership."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    chosen = request.session.get(SESSION_KEY)
    if user.is_superuser:
        allowed = Organization.objects.order_by("id").values_list("id", flat=True)
    else:
        allowed = user.memberships.order_by("id").values_list("organization_id", flat=True)
    ids = list(allowed)
    return chosen if chosen in ids else next(iter(ids), None)
