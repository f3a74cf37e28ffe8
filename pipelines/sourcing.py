"""The kinds of sources, and what becomes of a document that one brought. What a kind does is in exports/sources/."""

from __future__ import annotations

from typing import Any

KINDS: dict[str, str] = {
    "rossum": "Rossum: the Confirmed tab of queues",
    "folder": "Folder: what is put there",
    "webhook": "Webhook: what others send here, signed",
    "aluma": "Aluma: export tasks",
}

REVIEW, CONFIRM, EXPORT = "review", "confirm", "export"

ARRIVES = {
    EXPORT: "Exported at once",
    CONFIRM: "Waits as confirmed until its export is asked for",
    REVIEW: "Waits for review",
}
"""What happens to a document of a source."""

LEAST_SECONDS, MOST_SECONDS = 1, 24 * 3600


def choices() -> list[tuple[str, str]]:
    """A callable, so that a new kind needs no migration."""
    return list(KINDS.items())


def arrival_choices() -> list[tuple[str, str]]:
    return list(ARRIVES.items())


def problems(row: Any) -> list[str]:
    """What is wrong with a source about to be saved, each "column: message"; its config is the kind's to judge."""
    found = []
    if row.kind not in KINDS:
        found.append(f"kind: Choose one of {', '.join(KINDS)}.")
    if row.arrives not in ARRIVES:
        found.append(f"arrives: Choose one of {', '.join(ARRIVES)}.")
    if not LEAST_SECONDS <= row.every_seconds <= MOST_SECONDS:
        found.append(f"every_seconds: From {LEAST_SECONDS} second to {MOST_SECONDS:,} (a day).")
    if not row.every_seconds <= row.slowest_seconds <= MOST_SECONDS:
        found.append(
            f"slowest_seconds: From {row.every_seconds:,}, as every_seconds says, to {MOST_SECONDS:,} (a day)."
        )
    return found
