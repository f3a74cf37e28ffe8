"""What may be done with a document now, and where not, why. The verbs decide again when asked.

What may be done about its last attempt lives in exports/admin/actions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exports import attempts, reviews
from exports.models import Attempt, Document
from exports.states import STATUS_MOVES, Reason, State, Status


@dataclass(frozen=True, slots=True)
class Offer:
    """One action. `why_not` is empty where it can be done."""

    name: str
    label: str
    hint: str
    why_not: str = ""
    primary: bool = False
    danger: bool = False
    symbol: str = ""


def of_document(document: Document, user: Any, newest: Attempt | None) -> list[Offer]:
    """Every action of the page, those that can be done first."""
    status = Status(document.status)
    told = status.value.replace("_", " ")
    moves = STATUS_MOVES[status]
    deleted = status == Status.DELETED
    me = f"user:{user.get_username()}"
    waits = document.queue.use_confirmed_state

    def offer(name: str, label: str, verb: str, hint: str, *, if_able: str = "", **looks: Any) -> Offer:
        why_not = if_able if user.has_perm(verb) else "Your role does not include this."
        return Offer(name, label, hint, why_not, **looks)

    cannot_export = _why_not_exported(document, told)
    failed = status in {Status.FAILED_EXPORT, Status.EXPORTED} and newest is not None
    unknown = newest is not None and newest.state == State.FAILED and newest.reason == Reason.UNCONFIRMED
    cannot_repeat = "" if failed else f"It is {told}; what was exported or has failed is sent again."
    if failed and unknown:
        cannot_repeat = "Nobody knows whether its last attempt arrived: say so on that attempt's page first."
    elif failed and newest is not None and not attempts.can_be_sent(newest, document):
        cannot_repeat = attempts.BY_A_ROBOT
    can_confirm = status in {Status.TO_REVIEW, Status.REVIEWING}
    other = document.reviewer if status == Status.REVIEWING and document.reviewer != me else ""
    held = f"{display_name(other)} has it in review: take it over first." if other else ""
    offers = [
        offer(
            "confirm",
            "Confirm",
            "exports.confirm_document",
            "It then waits until its export is asked for." if waits else "It is exported at once.",
            if_able=held or ("" if can_confirm else f"It is {told}; only a document to review is confirmed."),
            primary=True,
        ),
        *_of_review(status, told, other, me == document.reviewer, offer),
        offer(
            "export",
            "Export",
            "exports.export_document",
            "Through the published revision, with the fields as they are now.",
            if_able=cannot_export,
            primary=True,
        ),
        offer(
            "again",
            "Send again",
            "exports.requeue_attempt",
            "A new attempt with the fields as they are now; the former stays as it ended.",
            if_able=cannot_repeat,
            primary=True,
        ),
        offer(
            "send_back",
            "Send back to review",
            "exports.change_document",
            "It can be corrected and confirmed again.",
            if_able=held or _unless(Status.TO_REVIEW in moves and not deleted, f"It is {told} and cannot go back."),
        ),
        offer(
            "postpone",
            "Postpone",
            "exports.change_document",
            "It leaves the work list until somebody takes it back.",
            if_able=held
            or _unless(Status.POSTPONED in moves, f"It is {told}; only a document under review is postponed."),
        ),
        offer(
            "reject",
            "Reject",
            "exports.change_document",
            "It will not be exported.",
            if_able=held
            or _unless(Status.REJECTED in moves, f"It is {told}; only a document under review is rejected."),
            danger=True,
        ),
        offer(
            "remove",
            "Delete",
            "exports.delete_document",
            "Out of sight; everything is kept until it is restored or purged.",
            if_able=held or _unless(Status.DELETED in moves, f"It is {told} and cannot be deleted now."),
            danger=True,
        ),
        *(
            [
                offer(
                    "restore",
                    "Restore",
                    "exports.change_document",
                    "Back to review, with all that it had.",
                    primary=True,
                ),
                offer(
                    "purge",
                    "Purge",
                    "exports.purge_document",
                    "Its original, fields, files and messages are erased for good; the audit trail stays.",
                    danger=True,
                ),
            ]
            if deleted
            else []
        ),
    ]
    return sorted(offers, key=lambda one: bool(one.why_not))


def _of_review(status: Status, told: str, other: str, mine: bool, offer: Callable[..., Offer]) -> list[Offer]:  # noqa: FBT001
    """Open for correction, take over, or leave: the one that fits."""
    if other:
        hint = "You have it then; their page says so."
        return [offer("take_over", "Take over the review", "exports.change_document", hint)]
    if status == Status.REVIEWING and mine:
        hint = "It goes back to where it was; what you corrected stays."
        return [offer("cancel_review", "Leave the review", "exports.change_document", hint)]
    able = _unless(
        status in reviews.STARTS | {Status.REVIEWING}, f"It is {told}; only what waits for review is reviewed."
    )
    hint = "Others see that you have it, and cannot change it meanwhile."
    return [offer("start_review", "Open for correction", "exports.change_document", hint, if_able=able)]


def display_name(principal: str) -> str:
    """A reviewer's name without its kind: "user:anna" is anna."""
    return principal.partition(":")[2] or principal


def _why_not_exported(document: Document, told: str) -> str:
    pipeline = document.queue.pipeline
    if document.status in {Status.TO_REVIEW, Status.REVIEWING}:
        return "Confirm it first."
    if document.status != Status.CONFIRMED:
        return f"It is {told}; only a confirmed document is exported."
    if pipeline is None:
        return f"The queue {document.queue.name} has no pipeline."
    return "" if pipeline.published_id else f"The pipeline {pipeline.name} is not published yet."


def _unless(able: bool, why_not: str) -> str:  # noqa: FBT001 - reads as a sentence where it is called
    return "" if able else why_not
