"""How many requests a caller may make: each key and each person so many a minute, whichever process answers.

The count stands in the database. A process takes requests from it in portions, so that it is written once for many of
them; what it holds and does not use is lost at the end of the minute, so never more than the limit pass.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F

from accounts.models import RequestCount

SECONDS = 60
PORTIONS = 20
"""Parts that the limit is taken in."""
MOST_CALLERS = 1000
"""Held in memory; above that, those of earlier minutes are forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands: `remaining` requests in the `reset` seconds that the minute still has."""

    limit: int
    remaining: int
    reset: int
    allowed: bool = True

    @property
    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-10, and Retry-After where nothing is left."""
        told = {
            "RateLimit-Policy": f'"minute";q={self.limit};w={SECONDS}',
            "RateLimit": f'"minute";r={self.remaining};t={self.reset}',
        }
        return told if self.allowed else {**told, "Retry-After": str(self.reset)}


@dataclass(slots=True)
class _Held:
    """What this process may still let pass. `taken` is the database's count as it was last seen."""

    minute: int
    left: int = 0
    taken: int = 0


class Rates:
    """The counts of one process. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._held: dict[tuple[int, str], _Held] = {}
        self._lock = threading.Lock()

    def spend(self, organization_id: int, caller: str) -> Standing | None:
        """Count one request of this caller, of the organization in scope. None where there is no limit."""
        limit = int(settings.API_REQUESTS)
        if not limit:
            return None
        now = self.clock()
        minute, reset = int(now // SECONDS), SECONDS - int(now % SECONDS)
        with self._lock:
            held = self._of(organization_id, caller, minute)
            if held.left:
                held.left -= 1
                return Standing(limit, max(0, limit - held.taken) + held.left, reset)
        portion, taken = _take(caller, minute, limit)
        with self._lock:
            held = self._of(organization_id, caller, minute)
            held.taken = max(held.taken, taken)
            if not portion:
                return Standing(limit, 0, reset, allowed=False)
            held.left += portion - 1
            return Standing(limit, max(0, limit - held.taken) + held.left, reset)

    def _of(self, organization_id: int, caller: str, minute: int) -> _Held:
        held = self._held.get((organization_id, caller))
        if held is None or held.minute < minute:
            if len(self._held) >= MOST_CALLERS:
                self._held = {name: kept for name, kept in self._held.items() if kept.minute == minute}
            held = self._held[organization_id, caller] = _Held(minute)
        return held


def _take(caller: str, minute: int, limit: int) -> tuple[int, int]:
    """(requests taken from the count, 0 where the minute has none left; the count then)."""
    mine = RequestCount.objects.filter(caller=caller)
    for size in (max(1, limit // PORTIONS), 1):
        if mine.filter(minute=minute, taken__lte=limit - size).update(taken=F("taken") + size):
            break
        if mine.filter(minute__lt=minute).update(minute=minute, taken=size):
            break
        _, made = RequestCount.objects.get_or_create(caller=caller, defaults={"minute": minute, "taken": size})
        if made:
            break
    else:
        return 0, limit
    return size, mine.values_list("taken", flat=True).get()


rates = Rates()
"""This process's."""
