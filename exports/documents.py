"""What a person, a robot or an import may ask of documents: bring in, correct, confirm, export, put aside.

Each verb asks for its permission first, then moves the document and writes its audit event in one transaction.
A repeated external id is the same document (docs/documents.md has the rules).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from exports import attempts, intake, purging, reviews, transitions, triggers, versions
from exports.arrivals import receive as receive  # verbs of documents like the others
from exports.models import Attempt, Document, FieldsVersion
from exports.purging import purge as purge
from exports.reviews import cancel_review as cancel_review
from exports.reviews import start_review as start_review
from exports.states import ACTIVE, STATUS_MOVES, Status
from pipelines import fields as trees
from pipelines.errors import Rejected
from pipelines.fields import Operation
from pipelines.refusals import Refused, Stale

IN_REVIEW = frozenset({Status.TO_REVIEW, Status.REVIEWING})


def correct(
    document: Document,
    *,
    by: Principal,
    why: str = "",
    fields: Any = None,
    operations: Sequence[Operation] | None = None,
    version: int | None = None,
) -> FieldsVersion:
    """Change the fields, as a new version: all of them (`fields`) or some (`operations`); what is the same as before
    makes none. With `version`, the number that was read, somebody else's change meanwhile raises Stale.

    Raises Rejected where an operation cannot be applied: then none is."""
    require(by, "exports.change_document", document)
    with transaction.atomic():
        locked = versions.lock(document)
        versions.check_open(locked, "corrected")
        reviews.check_free(locked, by)
        now = trees.Content(locked.fields.content if locked.fields else [])
        number = locked.fields.number if locked.fields else 0
        if version is not None and version != number:
            last = f"{locked.fields.by} at {locked.fields.at:%Y-%m-%d %H:%M} UTC" if locked.fields else "nobody"
            raise Stale(
                f"The fields were changed since version {version}, last by {last}. Read version {number} first."
            )
        changed = fields if fields is not None else now
        if operations:
            changed, warnings = now.apply(operations)
            if warnings:
                raise Rejected(" ".join(f"{warning}." for warning in warnings), place="operations")
        content = intake.tree(changed, versions.schema(locked.queue))
        differing = intake.differing(now, content)
        if not differing and locked.fields is not None:
            return locked.fields
        made = versions.add(locked, content, by=by, why=why)
        versions.record("correct", locked, by=by, why=why, detail={"version": made.number, "fields": differing})
    document.fields = made
    return made


def confirm(document: Document, *, by: Principal) -> Attempt | None:
    """End the review. Where the queue has a confirmed state, the document waits there until its export is asked for;
    elsewhere its export begins, and the attempt is returned. Confirming twice is confirming once."""
    require(by, "exports.confirm_document", document)
    with transaction.atomic():
        locked = versions.lock(document)
        reviews.check_free(locked, by)
        if not locked.queue.use_confirmed_state:
            if locked.status == Status.EXPORTING:
                return _active_attempt(locked)
            _check(locked, IN_REVIEW, "confirmed")
            # Whoever may confirm in such a queue exports by it: that is what its setting says.
            exporter = replace(by, verbs=by.verbs | {"exports.export_document"})
            Document.objects.filter(pk=locked.pk).update(confirmed_at=timezone.now())
            versions.record("confirm", locked, by=by, detail={"status": Status.EXPORTING})
            return attempts.start(locked, by=exporter, trigger="automatic", why="Confirmed.")
        if locked.status != Status.CONFIRMED:
            _check(locked, IN_REVIEW, "confirmed")
            transitions.move_document(locked.pk, Status.CONFIRMED, by=by, verb="confirm", sources=IN_REVIEW)
            triggers.on_confirmed(locked)
    return None


def ask_export(document: Document, *, by: Principal, trigger: str = "person", why: str = "") -> Attempt:
    """Begin the export of a confirmed document; asked again while it runs, returns the attempt that is under way."""
    require(by, "exports.export_document", document)
    with transaction.atomic():
        locked = versions.lock(document)
        if locked.status == Status.EXPORTING and (running := _active_attempt(locked)) is not None:
            return running
        if locked.status in {Status.FAILED_EXPORT, Status.EXPORTED} and locked.attempts.exists():
            said = "has failed" if locked.status == Status.FAILED_EXPORT else "is done"
            raise Refused(f"The export of {versions.named(locked)} {said}. Re-queue its last attempt, with a reason.")
        if locked.status in IN_REVIEW:
            raise Refused(f"{versions.named(locked)} is in review. Confirm it first.")
        _check(locked, {Status.CONFIRMED, Status.FAILED_EXPORT}, "exported")
        return attempts.start(locked, by=by, trigger=trigger, why=why)


def send_back(document: Document, *, by: Principal, why: str = "") -> Document:
    """Back to review, from wherever nothing is on its way; a deleted document is restored by it."""
    require(by, "exports.change_document", document)
    sources = {
        Status.REVIEWING, Status.POSTPONED, Status.CONFIRMED, Status.REJECTED, Status.FAILED_EXPORT, Status.EXPORTED,
        Status.DELETED,
    }  # fmt: skip
    return _move(
        document, Status.TO_REVIEW, sources, "sent back to review", by=by, verb="send_back", why=why, deleted_at=None
    )


def restore(document: Document, *, by: Principal, why: str = "") -> Document:
    """A deleted document back to review, with all that it had. What a purge took is gone for good."""
    require(by, "exports.change_document", document)
    sources = {Status.DELETED}
    return _move(document, Status.TO_REVIEW, sources, "restored", by=by, verb="restore", why=why, deleted_at=None)


def postpone(document: Document, *, by: Principal, why: str = "") -> Document:
    require(by, "exports.change_document", document)
    sources = {*IN_REVIEW, Status.CONFIRMED}
    return _move(document, Status.POSTPONED, sources, "postponed", by=by, verb="postpone", why=why)


def reject(document: Document, *, by: Principal, why: str = "") -> Document:
    require(by, "exports.change_document", document)
    return _move(document, Status.REJECTED, IN_REVIEW, "rejected", by=by, verb="reject", why=why)


def delete(document: Document, *, by: Principal, why: str = "") -> Document:
    """Out of sight, history kept, until it is restored or purged. What is exporting is not deleted."""
    require(by, "exports.delete_document", document)
    sources = {status for status, targets in STATUS_MOVES.items() if Status.DELETED in targets}
    with transaction.atomic():
        deleted = _move(document, Status.DELETED, sources, "deleted", by=by, verb="delete", why=why)
        purging.detach(deleted, by=by)
    return deleted


def _move(
    document: Document,
    to: Status,
    sources: Collection[Status],
    done: str,
    *,
    by: Principal,
    verb: str,
    why: str,
    **changes: Any,
) -> Document:
    """One conditional move; a document that is there already stays, and one in another's review stays theirs."""
    with transaction.atomic():
        locked = versions.lock(document)
        if locked.status != to:
            _check(locked, sources, done)
            reviews.check_free(locked, by)
            transitions.move_document(locked.pk, to, by=by, verb=verb, why=why, sources=sources, **changes)
    document.refresh_from_db()
    return document


def _check(document: Document, allowed: Collection[Status], done: str) -> None:
    if document.status not in allowed:
        states = " or ".join(sorted(versions.said(status) for status in allowed))
        raise Refused(
            f"{versions.named(document)} is {versions.said(document.status)}; only what is {states} can be {done}."
        )


def _active_attempt(document: Document) -> Attempt | None:
    found: Attempt | None = document.attempts.filter(state__in=sorted(ACTIVE)).first()
    return found
