"""The states of attempts, stage runs and documents, and the legal moves between them. No database here."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Of an attempt."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PARKED = "parked"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
ACTIVE = frozenset(State) - ENDED


class Reason(StrEnum):
    """Why an attempt failed; staff filter by it."""

    REJECTED = "rejected"
    MISCONFIGURED = "misconfigured"
    EXHAUSTED = "exhausted"
    UNCONFIRMED = "unconfirmed"
    TIMEOUT = "timeout"
    INTERNAL = "internal"


SEVERITY = (
    Reason.UNCONFIRMED, Reason.INTERNAL, Reason.MISCONFIGURED, Reason.EXHAUSTED, Reason.TIMEOUT, Reason.REJECTED
)  # fmt: skip
"""Where several stages of one attempt fail, the attempt takes the first of these: the most careful next step wins."""

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.PAUSED, State.CANCELLED}),
    State.RUNNING: frozenset({
        State.SUCCEEDED, State.FAILED, State.WAITING, State.PARKED, State.CANCELLED, State.QUEUED
    }),
    State.WAITING: frozenset({State.QUEUED, State.PAUSED, State.CANCELLED}),
    State.PARKED: frozenset({State.QUEUED, State.CANCELLED}),
    State.PAUSED: frozenset({State.QUEUED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.SUCCEEDED}),
    State.CANCELLED: frozenset(),
}  # fmt: skip
"""failed → succeeded only when a person or a probe settles an unconfirmed attempt as delivered.
running → queued only when a lease lapsed or a worker hands an attempt back."""


class Resolution(StrEnum):
    """What became of a failed attempt. One without is open: somebody has to act.

    An open failure is its document's newest attempt, and the document stands at failed_export."""

    SENT_AGAIN = "sent_again"
    SENT_BACK = "sent_back"
    DELIVERED = "delivered"
    IGNORED = "ignored"
    PUT_ASIDE = "put_aside"


class GroupState(StrEnum):
    """Of a failure group. A failure that comes to a resolved one opens it again."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class JobState(StrEnum):
    """Of a bulk job."""

    GATHERING = "gathering"
    RUNNING = "running"
    WATCHING = "watching"
    PAUSED = "paused"
    SETTLING = "settling"
    FINISHED = "finished"
    CANCELLED = "cancelled"


JOB_MOVES: dict[JobState, frozenset[JobState]] = {
    JobState.GATHERING: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.WATCHING, JobState.PAUSED, JobState.SETTLING, JobState.CANCELLED}),
    JobState.WATCHING: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED}),
    JobState.PAUSED: frozenset({JobState.GATHERING, JobState.RUNNING, JobState.CANCELLED}),
    JobState.SETTLING: frozenset({JobState.FINISHED, JobState.CANCELLED}),
    JobState.FINISHED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
"""watching: the canaries were sent, and what becomes of them decides. settling: everything was asked for, and some
new attempts have not ended."""


GROUP_MOVES: dict[GroupState, frozenset[GroupState]] = {
    GroupState.OPEN: frozenset({
        GroupState.ACKNOWLEDGED, GroupState.SNOOZED, GroupState.RESOLVED, GroupState.IGNORED
    }),
    GroupState.ACKNOWLEDGED: frozenset({
        GroupState.OPEN, GroupState.SNOOZED, GroupState.RESOLVED, GroupState.IGNORED
    }),
    GroupState.SNOOZED: frozenset({
        GroupState.OPEN, GroupState.ACKNOWLEDGED, GroupState.SNOOZED, GroupState.RESOLVED, GroupState.IGNORED
    }),
    GroupState.RESOLVED: frozenset({GroupState.OPEN}),
    GroupState.IGNORED: frozenset({GroupState.OPEN}),
}  # fmt: skip
"""Only the sweep resolves, when no failure of the group is open any more; a snoozed one may be snoozed for longer."""


class ClaimState(StrEnum):
    """Of one thing that a source took from the other side."""

    CLAIMED = "claimed"
    RUNNING = "running"
    TO_REPORT = "to_report"
    BLOCKED = "blocked"
    REPORTED = "reported"
    RELEASED = "released"


CLAIM_MOVES: dict[ClaimState, frozenset[ClaimState]] = {
    ClaimState.CLAIMED: frozenset({
        ClaimState.RUNNING, ClaimState.TO_REPORT, ClaimState.RELEASED, ClaimState.BLOCKED
    }),
    ClaimState.RUNNING: frozenset({ClaimState.TO_REPORT, ClaimState.BLOCKED, ClaimState.RELEASED}),
    ClaimState.TO_REPORT: frozenset({
        ClaimState.REPORTED, ClaimState.RELEASED, ClaimState.BLOCKED, ClaimState.CLAIMED, ClaimState.RUNNING
    }),
    ClaimState.BLOCKED: frozenset({ClaimState.TO_REPORT, ClaimState.RUNNING, ClaimState.RELEASED, ClaimState.CLAIMED}),
    ClaimState.REPORTED: frozenset({ClaimState.CLAIMED, ClaimState.TO_REPORT}),
    ClaimState.RELEASED: frozenset({ClaimState.CLAIMED, ClaimState.TO_REPORT}),
}  # fmt: skip
"""claimed: ours, and not here yet. running: its document is here. to_report: it ended, and the other side is not told
yet. blocked: what became of it is unknown, so the other side is told nothing until a person or a probe knows.
released: given back. to_report → claimed where the other side changed it meanwhile: it is taken once more."""


class TaskState(StrEnum):
    """Of a client action that is offered to outside clients."""

    OFFERED = "offered"
    STARTED = "started"
    REPORTED = "reported"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


TASK_OVER = frozenset({TaskState.COMPLETED, TaskState.FAILED, TaskState.TIMED_OUT, TaskState.CANCELLED})
TASK_MOVES: dict[TaskState, frozenset[TaskState]] = {
    TaskState.OFFERED: frozenset({TaskState.STARTED, TaskState.REPORTED, *TASK_OVER}),
    TaskState.STARTED: frozenset({TaskState.OFFERED, TaskState.REPORTED, *TASK_OVER}),
    TaskState.REPORTED: TASK_OVER,
    TaskState.COMPLETED: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.TIMED_OUT: frozenset(),
    TaskState.CANCELLED: frozenset(),
}
"""started → offered when the client gives it back or falls silent. offered → reported when a person says what became of
it. reported: the outcome is known, and the attempt goes on with it."""


class RunState(StrEnum):
    """Of one stage run."""

    BEGUN = "begun"
    FINISHED = "finished"
    FAILED = "failed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"
    WAITING = "waiting"
    PARKED = "parked"


class Status(StrEnum):
    """Of a document: by Rossum's names."""

    CREATED = "created"
    IMPORTING = "importing"
    FAILED_IMPORT = "failed_import"
    SPLIT = "split"
    TO_REVIEW = "to_review"
    REVIEWING = "reviewing"
    IN_WORKFLOW = "in_workflow"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    EXPORTING = "exporting"
    EXPORTED = "exported"
    FAILED_EXPORT = "failed_export"
    POSTPONED = "postponed"
    DELETED = "deleted"
    PURGED = "purged"


STATUS_MOVES: dict[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.IMPORTING, Status.DELETED}),
    Status.IMPORTING: frozenset({Status.TO_REVIEW, Status.CONFIRMED, Status.EXPORTING, Status.FAILED_IMPORT}),
    Status.FAILED_IMPORT: frozenset({Status.IMPORTING, Status.DELETED}),
    Status.TO_REVIEW: frozenset({
        Status.REVIEWING, Status.CONFIRMED, Status.EXPORTING, Status.REJECTED, Status.POSTPONED, Status.DELETED,
        Status.IMPORTING,
    }),
    Status.REVIEWING: frozenset({
        Status.REVIEWING, Status.TO_REVIEW, Status.CONFIRMED, Status.EXPORTING, Status.REJECTED, Status.POSTPONED,
        Status.DELETED,
    }),
    Status.POSTPONED: frozenset({Status.TO_REVIEW, Status.REVIEWING, Status.DELETED}),
    Status.CONFIRMED: frozenset({
        Status.REVIEWING, Status.TO_REVIEW, Status.EXPORTING, Status.EXPORTED, Status.FAILED_EXPORT,
        Status.POSTPONED, Status.DELETED,
    }),
    Status.REJECTED: frozenset({Status.TO_REVIEW, Status.DELETED}),
    Status.EXPORTING: frozenset({Status.EXPORTED, Status.FAILED_EXPORT, Status.CONFIRMED, Status.TO_REVIEW}),
    Status.EXPORTED: frozenset({Status.EXPORTING, Status.TO_REVIEW, Status.DELETED}),
    Status.FAILED_EXPORT: frozenset({
        Status.TO_REVIEW, Status.EXPORTING, Status.EXPORTED, Status.CONFIRMED, Status.DELETED
    }),
    Status.DELETED: frozenset({Status.TO_REVIEW, Status.PURGED}),
    Status.PURGED: frozenset(),
    Status.SPLIT: frozenset(),
    Status.IN_WORKFLOW: frozenset({Status.CONFIRMED, Status.EXPORTING, Status.REJECTED}),
}  # fmt: skip


RESOLUTIONS = {
    Status.EXPORTING: Resolution.SENT_AGAIN,
    Status.EXPORTED: Resolution.DELIVERED,
    Status.TO_REVIEW: Resolution.SENT_BACK,
    Status.CONFIRMED: Resolution.SENT_BACK,
    Status.DELETED: Resolution.PUT_ASIDE,
}
"""Where a document goes from failed_export says what became of the failure."""


def choices(states: type[StrEnum]) -> list[tuple[str, str]]:
    return [(state.value, state.value.replace("_", " ").capitalize()) for state in states]


def attempt_choices() -> list[tuple[str, str]]:
    return choices(State)


def reason_choices() -> list[tuple[str, str]]:
    return choices(Reason)


def resolution_choices() -> list[tuple[str, str]]:
    return choices(Resolution)


def group_choices() -> list[tuple[str, str]]:
    return choices(GroupState)


def job_choices() -> list[tuple[str, str]]:
    return choices(JobState)


def claim_choices() -> list[tuple[str, str]]:
    return choices(ClaimState)


def task_choices() -> list[tuple[str, str]]:
    return choices(TaskState)


def run_choices() -> list[tuple[str, str]]:
    return choices(RunState)


def status_choices() -> list[tuple[str, str]]:
    return choices(Status)
