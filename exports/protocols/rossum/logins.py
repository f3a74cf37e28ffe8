"""Logging in and out by Rossum's protocol, and who somebody is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import accesstokens
from accounts.models import AccessToken, ApiKey, Organization, User
from exports.protocols.rossum import people
from exports.protocols.rossum.authentication import PROTOCOL, Somebody, log_in
from exports.protocols.rossum.view import View
from exports.wire.rossum.parameters import WrongValue

LONGEST = timedelta(hours=162)
"""Rossum's default and maximum."""


class Login(View):
    """POST auth/login: username and password, as JSON or as a form, for a token of 162 hours or less."""

    authentication_classes = []
    permission_classes = []

    def post(self, request: Request) -> Response:
        sent = self.body()
        username, password = (_text(sent, name) for name in ("username", "password"))
        somebody = log_in(request, username, password)
        return Response({"key": _issued(somebody, _lifetime(sent)), "domain": request.get_host()})


class Logout(View):
    """POST auth/logout: the token ends. An API key is no token: it ends where it is kept."""

    permission_classes = []

    def post(self, request: Request) -> Response:
        if not request.successful_authenticator:
            self.permission_denied(request)
        if isinstance(request.auth, AccessToken):
            accesstokens.revoke(request.auth, by=self.principal)
        return Response({"detail": "Successfully logged out."})


class Token(View):
    """POST auth/token: another token for whoever asks."""

    permission_classes = []

    def post(self, request: Request) -> Response:
        if not request.successful_authenticator:
            self.permission_denied(request)
        somebody = Somebody(self.principal, *_who(request))
        key = _issued(somebody, _lifetime(self.body()))
        return Response({"key": key, "domain": request.get_host(), "scope": "default"})


class Me(View):
    """GET auth/user: whoever asks, as a user of the organization they asked in."""

    permission_classes = []

    def get(self, request: Request) -> Response:
        if not request.successful_authenticator:
            self.permission_denied(request)
        user, key = _who(request)
        somebody = user or key
        if somebody is None:
            raise NotFound
        organization = Organization.objects.get(pk=self.principal.organization_id)
        return Response(people.shape(somebody, organization, self.at))


def _who(request: Request) -> tuple[User | None, ApiKey | None]:
    user = request.user
    return (user, None) if isinstance(user, User) else (None, getattr(user, "key", None))


def _issued(somebody: Somebody, lifetime: timedelta) -> str:
    return accesstokens.issue(
        protocol=PROTOCOL,
        organization_id=somebody.principal.organization_id,
        lifetime=lifetime,
        user=somebody.user,
        key=somebody.key,
    )


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if value is None:
        raise WrongValue(name, "This field is required.")
    if not isinstance(value, str) or not value.strip():
        raise WrongValue(name, "This field may not be blank.")
    return value


def _lifetime(sent: dict[str, Any]) -> timedelta:
    given = sent.get("max_token_lifetime_s")
    if given is None or given == "":
        return LONGEST
    text = str(given)
    if isinstance(given, bool) or not (text.isascii() and text.isdigit()):
        raise WrongValue("max_token_lifetime_s", "A valid integer is required.")
    return min(LONGEST, timedelta(seconds=int(text[:9])))
