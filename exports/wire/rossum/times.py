"""Moments as Rossum writes them (ISO 8601 in UTC with microseconds and Z) and as its filters accept them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_LOST_PLUS = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$")


def stamp(at: datetime | None) -> str | None:
    """`2026-03-02T08:00:00.000000Z`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(text: str) -> datetime:
    """A date, `YYYY-MM-DD HH:MM:SS` or full ISO 8601; UTC where no zone is given. Raises ValueError, OverflowError."""
    # A plus that nobody percent-encoded arrives as a space.
    at = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", text.strip()))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
