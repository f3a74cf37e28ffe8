"""What can ask for an export besides a person and a robot. One table holds them all; more kinds join here."""

from __future__ import annotations

CONFIRMED = "confirmed"
SCHEDULE = "schedule"

KINDS = {
    CONFIRMED: "At once, when a document is confirmed",
    SCHEDULE: "On a schedule, all that wait as confirmed",
}


def choices() -> list[tuple[str, str]]:
    """A callable, so that a new kind needs no migration."""
    return list(KINDS.items())
