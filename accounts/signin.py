"""How often somebody may be wrong: failed sign-ins by account and by address, wrong API keys by address.

Counted in the database, so that every process of every machine knows, with Redis or without. A count begins with the
first failure and is forgotten WAYBILL_SIGN_IN_SECONDS later; whoever is over the limit waits until then.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import FailedTries, Membership, User
from audit import trail

log = logging.getLogger(__name__)

FROM_ONE_ADDRESS = 5
AT_ONE_ACCOUNT = 10
"""Times the limit: of one address, whomever it tries, and of one account, wherever it is tried from. The limit itself
holds for one account from one address, so that a stranger cannot lock a person out with a handful of tries."""


class TooManyError(PermissionDenied):
    """Nothing was looked at: there were too many failures. Told to the person by the form."""


def address(request: Any) -> str:
    """Whom to count: the address of the other side, of IPv6 its network of 64 bits; "" where nobody can know.

    Behind a proxy that may be believed (WAYBILL_BEHIND_PROXY), what that proxy wrote last into X-Forwarded-For."""
    given = str(request.META.get("REMOTE_ADDR") or "") if request is not None else ""
    if settings.BEHIND_PROXY and request is not None:
        given = str(request.META.get("HTTP_X_FORWARDED_FOR") or "").rpartition(",")[2].strip() or given
    if given.count(":") == 1 or given.startswith("["):
        given = given.rpartition(":")[0].strip("[]") or given  # some proxies write the port too
    try:
        known = ipaddress.ip_address(given)
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            return str(ipaddress.ip_network((known, 64), strict=False))
        known = known.ipv4_mapped
    return str(known)


def begin(username: str, where: str) -> None:
    """Count a try to sign in before its password is looked at, so that many at once are counted too. Raises
    TooManyError."""
    now = timezone.now()
    for key, most in _limits(username, where):
        if not _count(key, most, now):
            log.warning("a sign-in was refused after too many failures", extra={"address": where})
            raise TooManyError


def succeeded(username: str, where: str) -> None:
    """It was no failure: the account's count from there is forgotten, the others have one less."""
    (own, _), *others = _limits(username, where)
    FailedTries.objects.filter(key=own).delete()
    FailedTries.objects.filter(key__in=[key for key, _ in others], count__gt=0).update(count=F("count") - 1)


def failed(username: str, where: str) -> None:
    """Log the failure; where it was the last one allowed, it stands in the trail of each organization of the member."""
    user = User.objects.filter(username=username).first()
    log.warning("a sign-in failed", extra={"address": where, "account": user.pk if user else None})
    left = wait(username, where)
    if not left or user is None:
        return
    with transaction.atomic():
        for member in Membership.objects.filter(user=user):
            trail.record(
                "membership.lock_out",
                f"membership:{member.pk}",
                organization_id=member.organization_id,
                actor="waybill:sign_in",
                detail={"address": where, "seconds": left},
            )


def wait(username: str, where: str) -> int:
    """Seconds until this account may be tried from there again; 0 where it may be now."""
    return max(_left(key, most) for key, most in _limits(username, where))


def wrong_key(where: str) -> int:
    """Count a wrong API key. Seconds until the next is looked at; 0 where there were not too many.

    A right one always passes: nobody guesses 256 random bits, and a robot whose neighbour fails must not stop."""
    key, most = _digest("api key", where), FROM_ONE_ADDRESS * settings.SIGN_IN_TRIES
    if not where or _count(key, most, timezone.now()):
        return 0
    return _left(key, most)


def _limits(username: str, where: str) -> Sequence[tuple[str, int]]:
    """(key, failures allowed), the narrowest first: where that one is full, nothing is added to the others."""
    name, most = username.strip().casefold(), int(settings.SIGN_IN_TRIES)
    if not where:
        return [(_digest("account", name), most)]
    return [
        (_digest("account at address", name, where), most),
        (_digest("address", where), most * FROM_ONE_ADDRESS),
        (_digest("account", name), most * AT_ONE_ACCOUNT),
    ]


def _digest(*parts: str) -> str:
    """What is typed as a name may be a password in the wrong field: it is kept as a digest."""
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()


def _window() -> timedelta:
    return timedelta(seconds=settings.SIGN_IN_SECONDS)


def _count(key: str, most: int, now: datetime) -> bool:
    """One more; False, and nothing changed, where there are enough."""
    live = FailedTries.objects.filter(key=key, since__gt=now - _window())
    if live.filter(count__lt=most).update(count=F("count") + 1):
        return True
    if not live.exists():
        FailedTries.objects.filter(since__lte=now - _window()).delete()
        _, made = FailedTries.objects.get_or_create(key=key, defaults={"count": 1, "since": now})
        if made:
            return True
    # Somebody may have made the row since the first look: that it is there says nothing about its count.
    return bool(live.filter(count__lt=most).update(count=F("count") + 1))


def _left(key: str, most: int) -> int:
    now = timezone.now()
    row = FailedTries.objects.filter(key=key, count__gte=most, since__gt=now - _window()).first()
    return 0 if row is None else int((row.since + _window() - now).total_seconds()) + 1
