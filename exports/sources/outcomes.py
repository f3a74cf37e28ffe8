"""What became of the documents that a source brought, and which of its claims the other side is to be told of."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from exports.models import Attempt, Claim, Document
from exports.sources import steps
from exports.sources.contract import Outcome
from exports.sources.leases import OVER
from exports.sources.pull import Pull
from exports.states import ClaimState, Reason, State, Status

AT_ONCE = 500
PUT_BACK = (Status.CONFIRMED, Status.TO_REVIEW)


def look(pull: Pull) -> None:
    """Move every claim of the source whose document has ended, in whatever way: by itself, settled by a person,
    re-queued, put aside."""
    over = Q(document__status__in=OVER)
    if Outcome.CANCELLED in pull.kind.REPORTS:
        over |= Q(document__status__in=PUT_BACK)
    running = Q(state=ClaimState.RUNNING) & over
    resolved = Q(state=ClaimState.BLOCKED, document__isnull=False) & ~Q(document__status=Status.FAILED_EXPORT)
    late = Q(state=ClaimState.REPORTED, outcome=Outcome.FAILED, document__status=Status.EXPORTED)
    rows = Claim.objects.filter(running | resolved | late, source=pull.source).select_related("document")
    for claim in rows.order_by("pk")[:AT_ONCE]:
        pull.beat()
        assert claim.document is not None
        _ended(pull, claim, claim.document)


def _ended(pull: Pull, claim: Claim, document: Document) -> None:
    last = document.attempts.order_by("-number").first()
    if document.status == Status.EXPORTED:
        _end(pull, claim, Outcome.EXPORTED)
    elif document.status == Status.FAILED_EXPORT:
        _failed(pull, claim, last)
    elif document.status in OVER:
        said = document.status.replace("_", " ")
        _end(pull, claim, Outcome.FAILED, reason=Reason.REJECTED, message=f"The document was {said} by a person.")
    elif claim.state == ClaimState.BLOCKED:
        steps.move(claim, ClaimState.RUNNING, by=pull.by, verb="go_on")
    elif last is not None and last.state == State.CANCELLED:
        _end(pull, claim, Outcome.CANCELLED, message="Its export was cancelled by a person.")


def _failed(pull: Pull, claim: Claim, last: Attempt | None) -> None:
    reason = Reason(last.reason) if last is not None and last.reason else Reason.REJECTED
    message = last.message if last is not None else ""
    if reason != Reason.UNCONFIRMED:
        _end(pull, claim, Outcome.FAILED, reason=reason, message=message or "The export failed.")
    elif Outcome.UNKNOWN in pull.kind.REPORTS:
        _end(pull, claim, Outcome.UNKNOWN, reason=reason, message=message)
    else:
        why = "Nobody saw the end of its send. Look at the other side, then settle the attempt."
        steps.move(claim, ClaimState.BLOCKED, by=pull.by, verb="block", reason=reason, message=message, error=why)


def _end(pull: Pull, claim: Claim, outcome: Outcome, **changes: Any) -> None:
    told = {"reason": "", "message": "", **changes}
    steps.move(claim, ClaimState.TO_REPORT, by=pull.by, verb="end", outcome=outcome, **told)
