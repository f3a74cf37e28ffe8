"""A document in one person's hands: started, left, taken over, and ended by time when it was left lying.

While somebody has a document in review, nobody else corrects it or moves it; whoever must, takes the review over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.policy import Principal, require
from exports import transitions, versions
from exports.models import Document
from exports.states import Status
from pipelines.refusals import Refused

STARTS = frozenset({Status.TO_REVIEW, Status.POSTPONED, Status.CONFIRMED})
"""Where a review starts from, and where leaving it leads back to."""

LEFT_LYING = timedelta(hours=1)
"""Since the last change by its reviewer; as Rossum's session time-out is where nobody set another."""


def start_review(document: Document, *, by: Principal, take_over: bool = False) -> Document:
    """Take a document in review. Who has it already keeps it, and since when. Raises Refused where somebody else has
    it, unless `take_over`, and where it stands elsewhere."""
    require(by, "exports.change_document", document)
    with transaction.atomic():
        locked = versions.lock(document)
        mine: dict[str, Any] = {"reviewer": by.name[:200], "review_began_at": timezone.now()}
        if locked.status == Status.REVIEWING:
            if not _is_others(locked, by) and locked.reviewer:
                return locked
            if not take_over:
                check_free(locked, by)
            verb = "take_over_review" if locked.reviewer else "start_review"
            transitions.move_document(
                locked.pk, Status.REVIEWING, by=by, verb=verb, sources={Status.REVIEWING}, **mine
            )  # fmt: skip
        elif not transitions.move_document(
            locked.pk, Status.REVIEWING, by=by, verb="start_review", sources=STARTS, reviewed_from=locked.status, **mine
        ):
            raise Refused(
                f"{versions.named(locked)} is {versions.said(locked.status)}; only what is confirmed or postponed or "
                "to review can be reviewed."
            )
    locked.refresh_from_db()
    return locked


def cancel_review(document: Document, *, by: Principal, why: str = "") -> Document:
    """Leave a review: the document goes back to where it was before, and what was corrected stays. Leaving what is
    in nobody's review changes nothing. Raises Refused where somebody else has it."""
    require(by, "exports.change_document", document)
    with transaction.atomic():
        locked = versions.lock(document)
        if locked.status == Status.REVIEWING:
            check_free(locked, by)
            _leave(locked.pk, locked.reviewed_from, by=by, verb="cancel_review", why=why)
            locked.refresh_from_db()
        elif locked.status not in STARTS:
            raise Refused(f"{versions.named(locked)} is {versions.said(locked.status)}, and in nobody's review.")
    return locked


def check_free(document: Document, by: Principal) -> None:
    """Raises Refused where somebody else has the document in review."""
    if _is_others(document, by):
        raise Refused(f"{told(document)} Take the review over first, or wait until it ends.")


def told(document: Document) -> str:
    """Who has it, for people: "Anna has been reviewing it since 10:02"."""
    since = f" since {document.review_began_at:%Y-%m-%d %H:%M} UTC" if document.review_began_at else ""
    return f"{document.reviewer.partition(':')[2] or document.reviewer} has been reviewing it{since}."


def time_out(now: datetime) -> int:
    """End the reviews in which nothing was changed for an hour; part of the sweep. Returns how many."""
    over = now - LEFT_LYING
    left = Document.unscoped.filter(status=Status.REVIEWING, review_began_at__lt=over, modified_at__lt=over)
    return sum(
        _leave(pk, before, by=Principal.system("sweep", owner), verb="time_out_review")
        for pk, owner, before in list(left.values_list("id", "organization_id", "reviewed_from")[:500])
    )


def _leave(document_id: int, before: str, *, by: Principal, verb: str, why: str = "") -> bool:
    to = Status(before) if before in STARTS else Status.TO_REVIEW
    kept: dict[str, Any] = {"confirmed_at": F("confirmed_at")} if to == Status.CONFIRMED else {}
    return transitions.move_document(document_id, to, by=by, verb=verb, why=why, sources={Status.REVIEWING}, **kept)


def _is_others(document: Document, by: Principal) -> bool:
    return document.status == Status.REVIEWING and document.reviewer not in {"", by.name[:200]}
