"""How the states of documents, attempts and stage runs look, and how failures are split for the person who must act."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from accounts.display import BAD, BUSY, GOOD, QUIET, WARN, badge
from exports.states import Reason, RunState, State, Status


@dataclass(frozen=True, slots=True)
class Look:
    """The word, the tone and the symbol of a state."""

    text: str
    tone: str = QUIET
    symbol: str = "radio_button_unchecked"

    def badge(self, title: str = "") -> SafeString:
        return badge(self.text, self.tone, self.symbol, title)


STATUSES: dict[str, Look] = {
    Status.TO_REVIEW: Look("To review", WARN, "rate_review"),
    Status.REVIEWING: Look("In review", BUSY, "edit_note"),
    Status.CONFIRMED: Look("Confirmed", BUSY, "task_alt"),
    Status.EXPORTING: Look("Exporting", BUSY, "progress_activity"),
    Status.EXPORTED: Look("Exported", GOOD, "check_circle"),
    Status.FAILED_EXPORT: Look("Export failed", BAD, "error"),
    Status.FAILED_IMPORT: Look("Import failed", BAD, "error"),
    Status.POSTPONED: Look("Postponed", QUIET, "schedule"),
    Status.REJECTED: Look("Rejected", QUIET, "block"),
    Status.DELETED: Look("Deleted", QUIET, "delete"),
    Status.PURGED: Look("Purged", QUIET, "delete_forever"),
}

ATTEMPTS: dict[str, Look] = {
    State.QUEUED: Look("Queued", BUSY, "schedule"),
    State.RUNNING: Look("Running", BUSY, "progress_activity"),
    State.WAITING: Look("Waiting to try again", WARN, "hourglass_top"),
    State.PARKED: Look("Parked", WARN, "pause_circle"),
    State.PAUSED: Look("Paused", QUIET, "pause_circle"),
    State.SUCCEEDED: Look("Succeeded", GOOD, "check_circle"),
    State.FAILED: Look("Failed", BAD, "error"),
    State.CANCELLED: Look("Cancelled", QUIET, "cancel"),
}

RUNS: dict[str, Look] = {
    RunState.BEGUN: Look("Running", BUSY, "progress_activity"),
    RunState.FINISHED: Look("Finished", GOOD, "check"),
    RunState.FAILED: Look("Failed", BAD, "close"),
    RunState.SKIPPED: Look("Skipped", QUIET, "redo"),
    RunState.BLOCKED: Look("Not run", QUIET, "block"),
    RunState.WAITING: Look("Waiting to try again", WARN, "hourglass_top"),
    RunState.PARKED: Look("Parked", WARN, "pause_circle"),
}
OUTCOME_UNKNOWN = Look("Outcome unknown", BAD, "help")

REASONS: dict[str, Look] = {
    Reason.REJECTED: Look("Rejected", BAD, "assignment_late"),
    Reason.MISCONFIGURED: Look("Misconfigured", BAD, "build"),
    Reason.EXHAUSTED: Look("Unavailable", WARN, "cloud_off"),
    Reason.UNCONFIRMED: Look("Outcome unknown", BAD, "help"),
    Reason.TIMEOUT: Look("Timed out", WARN, "timer_off"),
    Reason.INTERNAL: Look("Internal error", BAD, "bug_report"),
}

DELIVERIES: dict[str, Look] = {
    "waiting": Look("Waiting", BUSY, "schedule"),
    "delivered": Look("Delivered", GOOD, "check_circle"),
    "failed": Look("Given up", BAD, "error"),
}
"""Of messages to channels, by exports.models.events.STATES."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the four answers to "is it them or us?"."""

    key: str
    title: str
    advice: str
    symbol: str
    reasons: tuple[str, ...]


SIDES = (
    Side(
        "unknown",
        "Outcome unknown",
        "Look at the other system first, then say whether it arrived.",
        "help",
        (Reason.UNCONFIRMED,),
    ),
    Side(
        "data",
        "The data is wrong",
        "Correct the fields, then export again.",
        "assignment_late",
        (Reason.REJECTED,),
    ),
    Side(
        "ours",
        "We misconfigured",
        "Mend the pipeline or a secret, publish, then re-queue.",
        "build",
        (Reason.MISCONFIGURED, Reason.INTERNAL),
    ),
    Side(
        "theirs",
        "They are down",
        "Wait until they are back, then re-queue.",
        "cloud_off",
        (Reason.EXHAUSTED, Reason.TIMEOUT),
    ),
)

TABS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("to_review", "To review", (Status.TO_REVIEW, Status.REVIEWING, Status.FAILED_IMPORT, Status.IN_WORKFLOW)),
    ("confirmed", "Confirmed", (Status.CONFIRMED,)),
    ("exporting", "Exporting", (Status.EXPORTING,)),
    ("exported", "Exported", (Status.EXPORTED, Status.FAILED_EXPORT)),
    ("postponed", "Postponed", (Status.POSTPONED,)),
    ("rejected", "Rejected", (Status.REJECTED,)),
)
"""The tabs of the documents list, as Rossum has them; failed exports lie among the exported, with a red mark."""


def of_status(status: str) -> Look:
    return STATUSES.get(status, Look(status.replace("_", " ").capitalize()))


def of_attempt(state: str) -> Look:
    return ATTEMPTS.get(state, Look(state.capitalize()))


def of_reason(reason: str) -> Look:
    return REASONS.get(reason, Look(reason.capitalize(), BAD, "error"))


def of_delivery(state: str) -> Look:
    return DELIVERIES.get(state, Look(state.capitalize()))


def side_of(reason: str) -> Side | None:
    return next((side for side in SIDES if reason in side.reasons), None)
