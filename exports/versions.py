"""A document held for a change: its lock, its fields as versions, its line in the audit trail, its name for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from accounts.policy import Principal
from audit import trail
from exports import outbox, searching
from exports.models import Document, FieldsVersion
from exports.states import Status
from pipelines.fields import Content
from pipelines.models import Queue
from pipelines.refusals import Refused

OPEN = frozenset({
    Status.TO_REVIEW, Status.REVIEWING, Status.POSTPONED, Status.CONFIRMED, Status.REJECTED, Status.FAILED_EXPORT,
    Status.FAILED_IMPORT, Status.CREATED, Status.IMPORTING,
})  # fmt: skip
"""Where fields may change: nothing is on its way and nothing has arrived."""


def lock(document: Document) -> Document:
    """The document fresh from the database, its row held until the transaction ends."""
    rows = Document.objects.select_for_update(of=("self",)).select_related("queue__schema", "fields", "original")
    locked: Document = rows.get(pk=document.pk)
    return locked


def add(document: Document, content: Content, *, by: Principal, why: str) -> FieldsVersion:
    """The next version, made current. The caller holds the document's row, or has just made it."""
    made = FieldsVersion(
        organization_id=document.organization_id,
        document=document,
        number=(document.fields.number if document.fields else 0) + 1,
        content=list(content.sections),
        by=by.name,
        why=why[:500],
    )
    made.save(force_insert=True)
    document.fields = made
    document.modified_at = timezone.now()
    document.save(update_fields=["fields", "modified_at"])
    searching.index([document])
    return made


def check_open(document: Document, done: str) -> None:
    """Raises Refused where the fields may not change now."""
    if document.status not in OPEN:
        raise Refused(f"{named(document)} is {said(document.status)}. Send it back to review before it is {done}.")


def record(verb: str, document: Document, *, by: Principal, why: str = "", detail: dict[str, Any]) -> None:
    owner, subject = document.organization_id, f"document:{document.pk}"
    event = trail.event(f"document.{verb}", subject, organization_id=owner, actor=by.name, why=why, detail=detail)
    outbox.record([event])


def schema(queue: Queue) -> list[dict[str, Any]]:
    """The queue's sections; none where it has no schema."""
    return queue.schema.content if queue.schema else []


def named(document: Document) -> str:
    return f'Document "{document.external_id}"'


def said(status: str) -> str:
    return str(status).replace("_", " ")


def some(names: Sequence[str]) -> str:
    """At most five of them, and how many more."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
