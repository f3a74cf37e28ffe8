"""What somebody notes at a document without moving it: its metadata, and the messages that people read beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from exports import intake, versions
from exports.models import Document
from exports.states import Status
from pipelines.refusals import Refused


def annotate(
    document: Document,
    *,
    by: Principal,
    metadata: Mapping[str, Any] | None = None,
    messages: Sequence[Mapping[str, Any]] | None = None,
) -> Document:
    """Replace the metadata, the messages, or both; what is the same already leaves no event. Messages have the form of
    Rossum's: `type` (error, warning, info), `content`, `id` of the field or "all". Raises Rejected, and Refused of what
    is purged: nothing is written there any more."""
    require(by, "exports.change_document", document)
    with transaction.atomic():
        locked = versions.lock(document)
        changes: dict[str, Any] = {}
        if metadata is not None and metadata != locked.metadata:
            changes["metadata"] = intake.metadata(dict(metadata))
        if messages is not None and list(messages) != locked.messages:
            changes["messages"] = [dict(message) for message in messages]
        if not changes:
            return locked
        if locked.status == Status.PURGED:
            raise Refused(f"{versions.named(locked)} was purged.")
        changes["modified_at"] = timezone.now()
        Document.objects.filter(pk=locked.pk).update(**changes)
        versions.record("annotate", locked, by=by, detail={"changed": sorted(set(changes) - {"modified_at"})})
    locked.refresh_from_db(fields=list(changes))
    return locked
