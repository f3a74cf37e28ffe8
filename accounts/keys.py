"""API keys: made, shown once, checked, withdrawn; and how the REST API knows who asks.

A key reads `wb_PREFIX_SECRET`. The prefix finds its row, the sha256 of the whole is compared with what is kept: 256
random bits need no slow hash. Authentication runs inside the view, so it moves the request's scope
(`accounts.scope.enter`); the middleware around the view takes the scope back however the request ends.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from accounts import scope, signin
from accounts.backends import principal_of
from accounts.middleware import SCOPED
from accounts.models import ApiKey, Organization, User
from accounts.policy import GRANTS, OF_QUEUES, Principal, may_grant, require
from audit import trail

FORM = re.compile(r"wb_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
USE_NOTED_EVERY = timedelta(minutes=1)
REFUSAL = "This API key is unknown, expired or revoked."  # one answer for all three: a guesser learns nothing


def create(
    by: Principal,
    name: str,
    role: str,
    expires_at: datetime | None = None,
    *,
    verbs: Collection[str] | None = None,
    queues: Collection[int] | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its plain text, which is never to be had again. `verbs` and `queues` narrow it below its role; the
    caller has looked that the queues are the organization's. Raises PermissionDenied, ValidationError."""
    require(by, "accounts.add_apikey")
    if not may_grant(by, role):
        raise PermissionDenied(f'{by.name} cannot give the role "{role}": it allows more than their own.')
    name = name.strip()
    if not name or len(name) > 190:
        raise ValidationError({"name": "Give the key a name of at most 190 characters; the audit trail shows it."})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "This moment is past already."})
    _check_narrowing(role, verbs, queues)
    prefix = secrets.token_hex(6)
    plain = f"wb_{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=by.organization_id)
        if _live(ApiKey.unscoped.filter(organization_id=by.organization_id, name=name)).exists():
            raise ValidationError(
                {"name": "A key of this name is in use: the audit trail could not tell the two apart."}
            )
        key = ApiKey(
            organization_id=by.organization_id,
            name=name,
            prefix=prefix,
            digest=_digest(plain),
            role=role,
            verbs=None if verbs is None else sorted(set(verbs)),
            queues=None if queues is None else sorted(set(queues)),
            created_by=User.objects.filter(username=by.name.removeprefix("user:")).first(),
            expires_at=expires_at,
        )
        key.save(force_insert=True)
        _record("apikey.add", key, by)
    return key, plain


def revoke(key: ApiKey, *, by: Principal) -> None:
    """Withdraw a key for good; one that is withdrawn already stays so. Raises PermissionDenied."""
    require(by, "accounts.delete_apikey", key)
    with transaction.atomic():
        live = ApiKey.unscoped.filter(pk=key.pk, revoked_at=None)
        if live.update(revoked_at=timezone.now()):
            _record("apikey.revoke", key, by)
    key.refresh_from_db()


def find(plain: str) -> ApiKey | None:
    """The live key that this text is, noting its use at most once a minute."""
    form = FORM.fullmatch(plain)
    key: ApiKey | None = ApiKey.unscoped.filter(prefix=form[1]).first() if form else None
    if key is None or not hmac.compare_digest(key.digest, _digest(plain)):
        return None
    now = timezone.now()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or key.last_used_at <= now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        ApiKey.unscoped.filter(stale, pk=key.pk).update(last_used_at=now)
    return key


@dataclass(frozen=True, slots=True)
class Robot:
    """What `request.user` is where a key asks: signed in, but nobody's account."""

    key: ApiKey
    pk: None = None
    is_active: bool = True
    is_authenticated: bool = True
    is_anonymous: bool = False
    is_staff: bool = False
    is_superuser: bool = False

    def get_username(self) -> str:
        return f"key:{self.key.name}"

    def __str__(self) -> str:
        return self.get_username()


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer wb_…` or `Api-Key wb_…`; `request.auth` is the key, `request.principal` its principal."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        kind, _, plain = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if kind.lower() not in {"bearer", "api-key"}:
            return None
        leave(request)  # whatever the key is, a session that came along does not count
        key = find(plain.strip())
        if key is None:
            if wait := signin.wrong_key(signin.address(request)):
                raise Throttled(wait, "Too many wrong API keys came from this address.")
            raise AuthenticationFailed(REFUSAL)
        enter(request, Principal.of_key(key))
        return Robot(key), key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 (DRF's signature)
        return 'Bearer realm="waybill"'


class PersonAuthentication(SessionAuthentication):
    """A signed-in browser, with the CSRF token on whatever changes something. In no organization where the person is a
    member of none: then there is no principal, and every policy says no."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        if found is None or not isinstance(found[0], User):
            return None
        organization_id = scope.current()
        if organization_id is not None:
            enter(request, principal_of(found[0], organization_id))
        return found


def enter(request: Request, principal: Principal) -> None:
    """The request speaks for `principal` from here on. For authentication only."""
    _guard(request)
    scope.enter(principal.organization_id, principal.queues)
    request.principal = principal  # type: ignore[attr-defined]  # declared nowhere: DRF's Request takes any
    request._request.principal = principal  # type: ignore[attr-defined]  # noqa: SLF001 (and Django's likewise)


def leave(request: Request) -> None:
    """The request speaks for nobody from here on: whatever session came along does not count."""
    _guard(request)
    scope.enter(None)


def _guard(request: Request) -> None:
    if not getattr(request._request, SCOPED, False):  # noqa: SLF001
        raise RuntimeError(
            "accounts.middleware.OrganizationMiddleware must surround every view that authenticates: "
            "without it the organization would stay in scope for the next request."
        )


def _check_narrowing(role: str, verbs: Collection[str] | None, queues: Collection[int] | None) -> None:
    """Raises ValidationError where a key would be left with nothing, or be given what its role has not."""
    if verbs is not None and not verbs:
        raise ValidationError({"verbs": "Leave at least one verb, or do not narrow the verbs."})
    if queues is not None and not queues:
        raise ValidationError({"queues": "Leave at least one queue, or do not narrow the queues."})
    if beyond := sorted(set(verbs or ()) - GRANTS[role]):
        raise ValidationError({"verbs": f'The role "{role}" does not include {", ".join(beyond)}.'})
    if queues is not None and (beyond := sorted(set(verbs or ()) - OF_QUEUES)):
        message = f"A key of some queues cannot have {', '.join(beyond)}: that concerns more than their documents."
        raise ValidationError({"verbs": message})


def _live(keys: Any) -> Any:
    return keys.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _record(verb: str, key: ApiKey, by: Principal) -> None:
    trail.record(
        verb,
        f"apikey:{key.pk}",
        organization_id=key.organization_id,
        actor=by.name,
        detail={
            "name": key.name,
            "prefix": key.prefix,
            "role": key.role,
            "expires_at": key.expires_at.isoformat() if key.expires_at else None,
            **({} if key.verbs is None else {"verbs": key.verbs}),
            **({} if key.queues is None else {"queues": key.queues}),
        },
    )
