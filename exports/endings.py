"""What an attempt's failures add up to: its state, its reason and what becomes of its document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exports.breakers import Away
from exports.cases import Case
from exports.ledger import End
from exports.models import FieldsVersion, StageRun
from exports.states import SEVERITY, Reason, State, Status
from pipelines.contract import Parked
from pipelines.fields import Content


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason for which the attempt fails. `message` is already redacted."""

    reason: Reason
    stage: str
    message: str
    http_status: int | None = None


@dataclass(slots=True)
class Standing:
    """How an attempt stands while its stages run: what failed, what waits, what people are told."""

    failures: list[Failure] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Stages that failed or were blocked: what waits for them does not run."""
    pending: set[str] = field(default_factory=set)
    """Stages that a later claim takes up."""
    due_at: datetime | None = None
    waiting_for: str = ""
    """The stage that is tried again."""
    tried: bool = False
    """Whether a wait is one of the tries that the pipeline allows."""
    parked: Parked | None = None
    parked_at: str = ""
    """The stage that an answer is for."""
    http_status: int | None = None
    """Of the last reply to a request."""
    contacts: dict[int, Away | None] = field(default_factory=dict)
    """By destination what was met there; None is an answer."""

    def fail(self, stage: str, reason: Reason, message: str) -> None:
        """A stage has failed; `message` is already redacted."""
        self.broken.add(stage)
        self.failures.append(Failure(reason, stage, message, self.http_status))
        self.tell("error", message, stage)

    def tell(self, kind: str, content: str, stage: str, about: str = "all") -> None:
        """A message for the document, in the form that Rossum shows."""
        self.messages.append({"type": kind, "content": content[:4096], "id": about, "detail": {"stage": stage}})

    def judge(self, run: StageRun) -> None:
        """A stage's messages. An error fails the attempt as rejected, without stopping the stages after it."""
        for message in run.messages:
            self.tell(message["type"], message["content"], run.name, message["field"] or "all")
            if message["type"] == "error":
                self.failures.append(Failure(Reason.REJECTED, run.name, message["content"], self.http_status))

    def wait(self, stage: str, due_at: datetime, *, tried: bool) -> None:
        """A stage is tried again at `due_at`; of several the latest counts. `tried`: the other side was asked."""
        self.pending.add(stage)
        self.due_at = max(self.due_at or due_at, due_at)
        self.waiting_for = stage
        self.tried = self.tried or tried

    def park(self, stage: str, parked: Parked) -> None:
        """A stage waits for somebody outside; of several the one whose deadline comes first counts."""
        self.pending.add(stage)
        if self.parked is None or parked.deadline < self.parked.deadline:
            self.parked, self.parked_at = parked, stage

    def end(self, case: Case, content: Content) -> End:
        """How the attempt leaves the worker: for a wait, or for good."""
        parked = {} if self.parked is None else {"parked_on": self.parked.on[:200], "deadline": self.parked.deadline}
        if self.due_at is not None:
            note = case.runs[self.waiting_for].note
            tries = case.tries + self.tried
            changes = {"due_at": self.due_at, "tries": tries, "stage": self.waiting_for, "message": note}
            return End(State.WAITING, {**parked, **changes, "http_status": self.http_status})
        if self.parked is not None:
            answered = {"answer": None}  # has been given to its stage; one that parks again is asked anew
            return End(State.PARKED, {**parked, **answered, "stage": self.parked_at})
        return conclude(case, self.failures, self.messages, content)


def conclude(case: Case, failures: Sequence[Failure], messages: Sequence[dict[str, Any]], content: Content) -> End:
    """succeeded without failures, else failed for the gravest. Fields that its stages wrote become a new version."""
    document = {"messages": list(messages)}
    version = None
    if content is not case.fields:
        version = FieldsVersion(
            organization_id=case.organization_id,
            document_id=case.document_id,
            number=case.fields_number + 1,
            content=list(content.sections),
            by=f"attempt:{case.attempt_id}",
            why="written by its stages",
        )
    if not failures:
        return End(State.SUCCEEDED, {"reason": "", "message": "", "stage": ""}, Status.EXPORTED, document, version)
    first = min(failures, key=lambda failure: SEVERITY.index(failure.reason))
    changes: dict[str, Any] = {
        "reason": first.reason,
        "stage": first.stage,
        "message": first.message[:4000],
        "http_status": first.http_status,
    }
    return End(State.FAILED, changes, Status.FAILED_EXPORT, document, version)


def worn_out(case: Case, standing: Standing) -> None:
    """Fail an attempt that took its worker down too often."""
    marked = next((run for run in case.runs.values() if run.marked_at is not None), None)
    message = f"The worker died {case.lapses} times while it had this attempt; it is not tried again by itself."
    if marked is not None:
        standing.fail(marked.name, Reason.UNCONFIRMED, f"{message} A send had begun: look at the other side first.")
    else:
        standing.fail("", Reason.INTERNAL, message)
