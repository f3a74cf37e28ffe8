"""Puts the organization that the request speaks for into scope, and takes it out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts import scope
from accounts.models import Organization, User

SESSION_KEY = "organization"
SCOPED = "waybill_scoped"
"""Set on the request while the middleware stands around it (accounts/keys.py asks)."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OrganizationMiddleware:
    """A signed-in person works in the organization chosen in the session, else in their first one. API keys set
    their own organization when they authenticate (accounts/keys.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with scope.to(choose(request)):
            setattr(request, SCOPED, True)
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
                # Read after the middleware has returned; files need no scope, rows do.
                response.streaming_content = _within(scope.current(), response.streaming_content)  # type: ignore[arg-type]  # WSGI: never asynchronous
            return response


def choose(request: HttpRequest) -> int | None:
    """The organization's id, or None: no session, nobody signed in, or no membership.

    Asked anew on every request, so that a membership that ends, ends now. Where the chosen organization is gone, what
    would change something finds nothing, rather than land in another organization than the page showed."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_authenticated:
        return None
    allowed = allowed_to(user)
    chosen = request.session.get(SESSION_KEY)
    if chosen is not None:
        if allowed.filter(pk=chosen).exists():
            return int(chosen)
        if request.method not in SAFE:
            return None
        del request.session[SESSION_KEY]
    return allowed.values_list("pk", flat=True).first()


def allowed_to(user: User) -> QuerySet[Organization]:
    """Where a person may work, oldest organization first: superusers everywhere, others where they are members."""
    every = Organization.objects.order_by("pk")
    return every if user.is_superuser else every.filter(memberships__user=user)


def _within(organization_id: int | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
    remaining = iter(chunks)
    while True:
        with scope.to(organization_id):  # only while the next chunk is made: in between, others use this thread
            try:
                chunk = next(remaining)
            except StopIteration:
                return
        yield chunk
