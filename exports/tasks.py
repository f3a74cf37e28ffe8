"""What django-q2 calls. Tasks hold no rules and may be called twice, or never."""

from __future__ import annotations

from django.conf import settings

from exports import loop


def drain() -> None:
    """Do what is due, then linger for more, until the time for one task is over."""
    loop.drain(settings.DRAIN_SECONDS)
