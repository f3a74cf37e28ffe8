"""Who has which page open: told to each other, so that two people at one thing know it. It guards nothing; what keeps
work from being lost is the version that every change names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Presence, User

FRESH = timedelta(seconds=50)
"""A page that has not been heard of for so long is closed, or its machine sleeps. Pages call every 15 seconds."""

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else's window, or another one of one's own."""

    name: str
    own: bool
    since: datetime


def heard(place: str, user: User, window: str) -> list[Other]:
    """Note that the user's window has the place open, and tell which others have. `window` is a name that the page
    made up for itself."""
    now = timezone.now()
    mine = Presence.objects.filter(place=place, user=user, window=window)
    if not mine.update(seen_at=now):
        Presence.objects.filter(seen_at__lt=now - KEPT).delete()
        try:
            with transaction.atomic():
                Presence.own(place=place, user=user, window=window, opened_at=now, seen_at=now).save(force_insert=True)
        except IntegrityError:  # two calls of one page at once
            mine.update(seen_at=now)
    return _others(place, user, window, now)


def gone(place: str, user: User, window: str) -> None:
    """The window was closed."""
    Presence.objects.filter(place=place, user=user, window=window).delete()


def _others(place: str, user: User, window: str, now: datetime) -> list[Other]:
    rows: Iterable[Presence] = (
        Presence.objects.filter(place=place, seen_at__gt=now - FRESH)
        .exclude(user=user, window=window)
        .select_related("user")
        .order_by("opened_at")
    )
    told: dict[int, Other] = {}
    for row in rows:
        name = row.user.get_full_name() or row.user.get_username()
        told.setdefault(row.user_id, Other(name, row.user_id == user.pk, row.opened_at))
    return list(told.values())
