"""A thing that a source brought becomes a document, once: new, or the one that its key has, changed and sent again."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction

from accounts.policy import Principal
from exports import arrivals, documents
from exports.intake import MAX_EXTERNAL_ID
from exports.models import Claim, Document
from exports.received import Files
from exports.states import Reason, State, Status
from pipelines import sourcing
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected, Unavailable, Unconfirmed
from pipelines.models import Source
from pipelines.refusals import Refused

ENDED = frozenset({Status.EXPORTED, Status.FAILED_EXPORT, Status.POSTPONED, Status.REJECTED, Status.DELETED})
"""From where a document that came again, changed, goes back to the beginning."""


def take(
    source: Source,
    claim: Claim,
    *,
    by: Principal,
    fields: Any,
    original: Blob | None,
    metadata: dict[str, Any] | None,
    external_id: str,
    files: Files | None = None,
) -> Document:
    """In the caller's transaction. Raises Rejected, Misconfigured, Unavailable and Unconfirmed."""
    name = external_id or shortened(claim.key)
    known = Document.objects.filter(queue=source.queue, external_id=name).first()
    if known is not None:
        _check_open(known)
    given: dict[str, Any] = {
        "external_id": name, "fields": fields, "original": original, "metadata": metadata, "files": files
    }  # fmt: skip
    confirmed = source.arrives != sourcing.REVIEW
    try:
        if known is not None and claim.rounds > 1 and known.status in ENDED:
            documents.send_back(known, by=by, why="It came again, changed.")
        document = _received(source, known, by=by, confirmed=confirmed, **given)
        if confirmed and document.status == Status.TO_REVIEW:
            documents.confirm(document, by=by)
            document.refresh_from_db()
        if source.arrives == sourcing.EXPORT and document.status == Status.CONFIRMED:
            documents.ask_export(document, by=by, trigger="robot", why=f"Came from the source {source.name}.")
    except Refused as refusal:
        raise Misconfigured(refusal.message) from refusal
    return document


def shortened(key: str) -> str:
    """The key as an external id: the end of a long one is its hash."""
    if len(key) <= MAX_EXTERNAL_ID:
        return key
    return f"{key[: MAX_EXTERNAL_ID - 65]}-{hashlib.sha256(key.encode()).hexdigest()}"


def _received(source: Source, known: Document | None, *, by: Principal, confirmed: bool, **given: Any) -> Document:
    """The same once more, after its claim was lost, is not exported once more; another content is."""
    try:
        with transaction.atomic():
            return arrivals.take_in(source.queue, by=by, confirmed=confirmed, **given).document
    except Refused:
        if known is None or known.status not in ENDED:
            raise
    documents.send_back(known, by=by, why="It came again, changed.")
    return arrivals.take_in(source.queue, by=by, confirmed=confirmed, **given).document


def _check_open(known: Document) -> None:
    if known.status == Status.PURGED:
        raise Rejected("The document was purged here, and what was purged is not taken in again.")
    if known.status == Status.EXPORTING:
        raise Unavailable("The document's export is under way. It is taken in again once that has ended.")
    last = known.attempts.order_by("-number").first()
    if last is not None and last.state == State.FAILED and last.reason == Reason.UNCONFIRMED:
        raise Unconfirmed(
            f"The outcome of attempt {last.number} is unknown: exporting again may book it twice. Settle it first."
        )
