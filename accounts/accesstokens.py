"""Bearer tokens that a protocol's login gives out: issued, found, revoked, forgotten.

A token is 256 random bits of which the sha256 is kept. It stands for the person or the API key that logged in, and
dies with them: with its own time, a revocation, a deactivated account, an ended membership, a changed password, a
revoked or expired key. Each protocol's tokens open that protocol only.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.backends import principal_of
from accounts.models import AccessToken, ApiKey, User
from accounts.policy import Principal
from audit import trail

FORM = re.compile(r"wbt_[A-Za-z0-9_-]{43}")
USE_NOTED_EVERY = timedelta(minutes=1)


def issue(
    *, protocol: str, organization_id: int, lifetime: timedelta, user: User | None = None, key: ApiKey | None = None
) -> str:
    """The plain text of a new token, which is never to be had again. Whoever calls has looked at the credentials of
    `user` or `key`, one of which there must be. A token never outlives its key."""
    plain = f"wbt_{secrets.token_urlsafe(32)}"
    now = timezone.now()
    expires_at = now + lifetime
    if key is not None and key.expires_at is not None:
        expires_at = min(expires_at, key.expires_at)
    token = AccessToken(
        organization_id=organization_id,
        digest=_digest(plain),
        protocol=protocol,
        user=user,
        key=key,
        password_mark=user.get_session_auth_hash() if user else "",
        created_at=now,
        expires_at=expires_at,
    )
    with transaction.atomic():
        token.save(force_insert=True)
        _record("access_token.issue", token, principal(token).name)
    return plain


def find(plain: str, protocol: str) -> AccessToken | None:
    """The live token of this protocol that the text is, noting its use at most once a minute."""
    if not FORM.fullmatch(plain):
        return None
    rows = AccessToken.unscoped.select_related("user", "key")
    token: AccessToken | None = rows.filter(digest=_digest(plain), protocol=protocol).first()
    now = timezone.now()
    if token is None or token.revoked_at is not None or token.expires_at <= now or not _stands(token, now):
        return None
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        AccessToken.unscoped.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def principal(token: AccessToken) -> Principal:
    """Whom the token stands for, with what they may do now."""
    if token.user is not None:
        return principal_of(token.user, token.organization_id)
    if token.key is None:
        raise TypeError("A token stands for a person or for a key.")
    return Principal.of_key(token.key)


def revoke(token: AccessToken, *, by: Principal) -> None:
    """End a token for good; one that has ended already stays so. Whoever holds a token may give it up: there is no
    verb to ask for."""
    with transaction.atomic():
        if AccessToken.unscoped.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _record("access_token.revoke", token, by.name)
    token.refresh_from_db()


def forget(now: datetime, *, most: int = 1000) -> int:
    """Delete tokens that ended a day ago or earlier; part of the sweep. Returns how many."""
    over = AccessToken.unscoped.filter(
        Q(expires_at__lt=now - timedelta(days=1)) | Q(revoked_at__lt=now - timedelta(days=1))
    )
    return AccessToken.unscoped.filter(pk__in=list(over.order_by("pk").values_list("pk", flat=True)[:most])).delete()[0]


def _stands(token: AccessToken, now: datetime) -> bool:
    """Whether the somebody behind the token could still log in."""
    if token.user is not None:
        user = token.user
        member = user.is_superuser or user.memberships.filter(organization_id=token.organization_id).exists()
        mark = user.get_session_auth_hash()
        return user.is_active and member and constant_time_compare(token.password_mark, mark)
    key = token.key
    return key is not None and key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def _record(verb: str, token: AccessToken, actor: str) -> None:
    trail.record(
        verb,
        f"access_token:{token.pk}",
        organization_id=token.organization_id,
        actor=actor,
        detail={"protocol": token.protocol, "expires_at": token.expires_at.isoformat()},
    )
