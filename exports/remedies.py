"""What else a person may do about a failed export than send it again: ignore it, say that it was delivered elsewhere,
give it to somebody. Each asks for what it needs and leaves its line in the audit trail."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, User
from accounts.policy import Principal, require
from audit import trail
from exports import transitions
from exports.models import Attempt, Document
from exports.states import Reason, Resolution, State, Status
from pipelines.refusals import Refused

REFERENCE = 200
"""Characters of a reference at most."""


def ignore(attempt: Attempt, *, by: Principal, why: str) -> None:
    """Nobody has to act on this failure; its document stays where it is. Ignoring twice is ignoring once."""
    require(by, "exports.ignore_attempt", attempt)
    if not why.strip():
        raise Refused("Say why it is ignored: the comment is what the next person reads.")
    if not _resolve(attempt.pk, Resolution.IGNORED, by=by, verb="ignore", why=why):
        now = Attempt.objects.get(pk=attempt.pk)
        if now.resolution != Resolution.IGNORED:
            raise Refused(f"Only a failure that is still open is ignored; this attempt {_standing(now)}.")


def heed(attempt: Attempt, *, by: Principal, why: str = "") -> None:
    """Take an ignored failure up again."""
    require(by, "exports.ignore_attempt", attempt)
    if not _resolve(attempt.pk, None, by=by, verb="heed", why=why):
        now = Attempt.objects.get(pk=attempt.pk)
        if now.state != State.FAILED or now.resolution:
            raise Refused(f"Only an ignored failure is taken up again; this attempt {_standing(now)}.")


def delivered_elsewhere(attempt: Attempt, *, by: Principal, reference: str, why: str) -> None:
    """The document reached its goal by another way: by hand, by mail. It is exported; the attempt stays failed, with
    the other side's `reference`. An unconfirmed one is settled instead: somebody has to look first."""
    require(by, "exports.settle_attempt", attempt)
    reference = reference.strip()
    if not reference:
        raise Refused("Give the other side's reference, such as its document number: it is the only proof there is.")
    if len(reference) > REFERENCE:
        raise Refused(f"The reference is longer than {REFERENCE} characters.")
    if not why.strip():
        raise Refused("Say how it was delivered: the reason is kept in the audit trail.")
    with transaction.atomic():
        locked: Attempt = Attempt.objects.select_for_update(of=("self",)).get(pk=attempt.pk)
        if locked.state != State.FAILED or locked.resolution not in {"", Resolution.IGNORED}:
            raise Refused(f"Only an open failure is marked as delivered elsewhere; this attempt {_standing(locked)}.")
        if locked.reason == Reason.UNCONFIRMED:
            raise Refused("Its outcome is unknown: settle it, once you have looked at the other side.")
        if locked.document_id is None or not transitions.move_document(
            locked.document_id, Status.EXPORTED, by=by, verb="deliver_elsewhere", why=why,
            sources={Status.FAILED_EXPORT}, messages=[],
        ):  # fmt: skip
            raise Refused("Its document has left the failed exports already.")
        Attempt.objects.filter(pk=locked.pk).update(reference=reference)
        trail.record(
            "attempt.deliver_elsewhere",
            f"attempt:{locked.pk}",
            organization_id=by.organization_id,
            actor=by.name,
            why=why,
            detail={"reference": reference},
        )


def assign(document: Document, *, to: User | None, by: Principal) -> None:
    """Make somebody of the organization answer for the document; None takes it from whoever did."""
    require(by, "exports.change_document", document)
    if to is not None and not Membership.objects.filter(organization_id=by.organization_id, user=to).exists():
        raise Refused(f"{to.get_username()} is not a member of this organization.")
    with transaction.atomic():
        locked = Document.objects.select_for_update(of=("self",)).get(pk=document.pk)
        if locked.assignee_id != (to.pk if to else None):
            Document.objects.filter(pk=document.pk).update(assignee=to, modified_at=timezone.now())
            trail.record(
                "document.assign",
                f"document:{document.pk}",
                organization_id=by.organization_id,
                actor=by.name,
                detail={"to": to.get_username() if to else None},
            )


def _resolve(attempt_id: int, to: Resolution | None, *, by: Principal, verb: str, why: str) -> bool:
    """Set an open failure aside (`to`), or open it again (None). False when it is in no state that allows it."""
    now = timezone.now()
    before = "" if to is not None else Resolution.IGNORED
    failure = Attempt.objects.filter(pk=attempt_id, state=State.FAILED, resolution=before)
    with transaction.atomic():
        if not failure.update(resolution=to or "", resolved_at=now if to else None):
            return False
        trail.record(
            f"attempt.{verb}",
            f"attempt:{attempt_id}",
            organization_id=by.organization_id,
            actor=by.name,
            why=why,
            detail={"resolution": to or ""},
        )
    return True


def _standing(attempt: Attempt) -> str:
    """For the end of a sentence: "has succeeded", "was sent again"."""
    if attempt.state == State.FAILED:
        told = {"": "is open", "ignored": "is ignored", "put_aside": "was put aside", "delivered": "was delivered"}
        return told.get(attempt.resolution, f"was {attempt.resolution.replace('_', ' ')}")
    return "has succeeded" if attempt.state == State.SUCCEEDED else f"is {attempt.state}"
