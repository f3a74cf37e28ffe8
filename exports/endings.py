"""What an attempt's failures add up to: its state, its reason and what becomes of its document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exports.cases import Case
from exports.ledger import End
from exports.models import FieldsVersion
from exports.states import SEVERITY, Reason, State, Status
from pipelines.fields import Content


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason for which the attempt fails. `message` is already redacted."""

    reason: Reason
    stage: str
    message: str
    http_status: int | None = None


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


def worn_out(case: Case) -> Failure:
    """For an attempt that took its worker down too often."""
    marked = next((run for run in case.runs.values() if run.marked_at is not None), None)
    message = f"The worker died {case.lapses} times while it had this attempt; it is not tried again by itself."
    if marked is not None:
        return Failure(Reason.UNCONFIRMED, marked.name, f"{message} A send had begun: look at the other side first.")
    return Failure(Reason.INTERNAL, "", message)
