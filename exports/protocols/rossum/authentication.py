"""Who asks by Rossum's protocol: a token of its login or an API key as Bearer or Token, or a password by Basic.

A person logs in with username and password; where they are a member of several organizations, `name@@slug` chooses,
else it is the oldest. An API key logs in as the password of any username.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import authenticate
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts import accesstokens, keys, signin
from accounts.backends import principal_of
from accounts.middleware import allowed_to
from accounts.models import AccessToken, ApiKey, User
from accounts.policy import Principal

PROTOCOL = "rossum"
WRONG = "Wrong credentials."
"""Rossum's robots look at the code only; one answer for all, so that a guesser learns nothing."""
ENDED = "Invalid or expired token."


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whose credentials were right: a person in one organization, or a key."""

    principal: Principal
    user: User | None = None
    key: ApiKey | None = None

    def as_user(self) -> Any:
        """What `request.user` is."""
        return self.user if self.key is None else keys.Robot(self.key)


def log_in(request: Request, username: str, password: str) -> Somebody:
    """Whose credentials these are. Raises AuthenticationFailed, and Throttled where too many were wrong."""
    if keys.FORM.fullmatch(password):
        return _of_key(request, password)
    name, _, slug = username.rpartition("@@")
    if not name:
        name, slug = username, ""
    user = authenticate(request, username=name, password=password)
    if not isinstance(user, User):
        if wait := signin.wait(name, signin.address(request)):
            raise Throttled(wait, "Too many logins failed.")
        raise AuthenticationFailed(WRONG)
    allowed = allowed_to(user)
    organization = (allowed.filter(slug=slug) if slug else allowed).first()
    if organization is None:
        raise AuthenticationFailed(WRONG)
    return Somebody(principal_of(user, organization.pk), user=user)


def _of_key(request: Request, plain: str) -> Somebody:
    key = keys.find(plain)
    if key is None:
        _wrong(request)
        raise AuthenticationFailed(WRONG)
    return Somebody(Principal.of_key(key), key=key)


def _wrong(request: Request) -> None:
    if wait := signin.wrong_key(signin.address(request)):
        raise Throttled(wait, "Too many wrong keys came from this address.")


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer …` or `Token …`; `request.auth` is the AccessToken, or the ApiKey."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        kind, plain = _header(request)
        if kind not in {"bearer", "token"}:
            return None
        keys.leave(request)  # a session that came along does not count
        if keys.FORM.fullmatch(plain):
            somebody = _of_key(request, plain)
            keys.enter(request, somebody.principal)
            return somebody.as_user(), somebody.key
        token = accesstokens.find(plain, PROTOCOL)
        if token is None:
            _wrong(request)
            raise AuthenticationFailed(ENDED)
        keys.enter(request, accesstokens.principal(token))
        return _user_of(token), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="rossum"'


class PasswordAuthentication(BaseAuthentication):
    """`Authorization: Basic …` (RFC 7617), with what the login takes."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        kind, encoded = _header(request)
        if kind != "basic":
            return None
        keys.leave(request)
        try:
            username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise AuthenticationFailed(WRONG) from None
        if not colon or "\0" in username:
            raise AuthenticationFailed(WRONG)
        somebody = log_in(request, username, password)
        keys.enter(request, somebody.principal)
        return somebody.as_user(), somebody.key


def _header(request: Request) -> tuple[str, str]:
    kind, _, rest = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return kind.lower(), rest.strip()


def _user_of(token: AccessToken) -> Any:
    return token.user if token.key is None else keys.Robot(token.key)
