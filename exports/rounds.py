"""Whose turn it is: every drain loop sweeps each second, and some work wants one of them every so often."""

from __future__ import annotations

from datetime import datetime, timedelta

from exports.models import Round


def mine(name: str, every: timedelta, now: datetime) -> bool:
    """Whether the caller does the work `name` now, because nobody began it within `every`; then nobody else does."""
    due = Round.objects.filter(name=name, begun_at__lte=now - every)
    if due.exists():  # asked first: most of the time it is not, and SQLite locks for an UPDATE that finds nothing
        return bool(due.update(begun_at=now))
    if Round.objects.filter(name=name).exists():
        return False
    _, made = Round.objects.get_or_create(name=name, defaults={"begun_at": now})
    return made
