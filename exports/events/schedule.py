"""When a message is tried again, when it is given up, and how long a channel rests after a failure. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

WAITS: Final = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds after the first try, the second, …: ten tries in a little over three days."""

TRIES: Final = len(WAITS) + 1
LONGEST: Final = timedelta(days=4)
"""After which a message is given up however few tries it had: its channel was resting or disabled."""

MOST_ASKED: Final = 3600.0
"""Seconds: a longer Retry-After is cut."""

GIVES_UP_CHANNEL: Final = timedelta(days=5)
"""A channel on which nothing has succeeded for so long is disabled at its next failure."""

FIRST_REST, LONGEST_REST = 2.0, 300.0
"""Seconds that a channel rests after one failure, doubled with each, and at most: a dead one costs one try then."""


def seconds(tries: int, *, retry_after: float | None, random: Callable[[], float]) -> float | None:
    """The wait after `tries` failed tries; None when they are used up. Up to a tenth is added at random, so that what
    failed together does not come back together; what the receiver asked for is the least."""
    if tries >= TRIES:
        return None
    wait = WAITS[max(tries, 1) - 1] * (1 + 0.1 * random())
    return max(wait, asked(retry_after))


def asked(retry_after: float | None) -> float:
    return min(max(retry_after or 0.0, 0.0), MOST_ASKED)


def rest(failures: int, *, retry_after: float | None) -> float:
    """Seconds that the channel rests after so many failures in a row."""
    return max(min(FIRST_REST * float(2 ** min(max(failures, 1) - 1, 10)), LONGEST_REST), asked(retry_after))
