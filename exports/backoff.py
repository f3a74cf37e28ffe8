"""When the next automatic try of an attempt is due."""

from __future__ import annotations

from collections.abc import Callable

LONGEST = 900.0
"""Seconds; a longer Retry-After is obeyed up to an hour."""


def seconds(tries: int, *, first: float, retry_after: float | None, random: Callable[[], float]) -> float:
    """The wait after `tries` tries: what the other side asked for, else `first` doubled each time, with jitter.

    `random` gives 0 ≤ x < 1. The jitter spreads ±25 %, and only ever lengthens what was asked for."""
    if retry_after is not None:
        return min(max(retry_after, 0.0), 3600.0) * (1 + 0.1 * random())
    return float(min(first * 2 ** min(tries, 20), LONGEST) * (0.75 + 0.5 * random()))
