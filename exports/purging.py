"""Taking a deleted document's content away for good: its bytes, its field values, and what was said about them.

What stays proves that it was there and where it went: ids, times, sizes, digests, receipts and the audit trail. Every
change is one statement whatever the document's size; bytes in storage go once that is durable (exports/contents.py).
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Case, Count, F, Q, Sum, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Concat, StrIndex, Substr
from django.utils import timezone

from accounts.policy import Principal, require
from exports import cases, contents, searching, transitions, versions
from exports.events import titles
from exports.models import (
    Artifact,
    Attempt,
    ClientTask,
    Content,
    Delivery,
    Document,
    EventDelivery,
    EventTry,
    Exchange,
    ExtensionCall,
    FailureGroup,
    JobItem,
    RelatedFile,
    RobotFile,
    StageRun,
)
from exports.states import ACTIVE, Status
from pipelines.errors import StageError
from pipelines.refusals import Refused

PURGED = "Purged."
"""What stands where an error's text was: that there was one is no secret."""


def purge(document: Document, *, by: Principal, why: str) -> Document:
    """Erase a deleted document's content. It can never be restored; purging twice is purging once.

    Raises Refused without a reason, where it is not deleted, and while an attempt is under way."""
    require(by, "exports.purge_document", document)
    if not why.strip():
        raise Refused("Say why it is purged: the reason is kept in the audit trail, its content is not.")
    with transaction.atomic():
        locked = versions.lock(document)
        if locked.status == Status.PURGED:
            return locked
        if locked.status != Status.DELETED:
            raise Refused(f"{versions.named(locked)} is {versions.said(locked.status)}. Delete it first.")
        if locked.attempts.filter(state__in=sorted(ACTIVE)).exists():
            raise Refused("An attempt of it is under way. Wait for its end, or cancel it.")
        gone = _erase_bytes(locked)
        _erase_text(locked)
        searching.forget([locked.pk])
        transitions.move_document(
            locked.pk, Status.PURGED, by=by, verb="purge", why=why, sources={Status.DELETED}, detail=gone,
            file_name="", metadata={}, messages=[], unindexed=True,
        )  # fmt: skip
        transaction.on_commit(contents.erase, robust=True)
    locked.refresh_from_db()
    return locked


def detach(document: Document, *, by: Principal) -> list[str]:
    """As a document is deleted: let go of the reference keys that the stages of its published pipeline say to detach
    then (docs/stages/purge.md). In the caller's transaction. Returns the keys."""
    pipeline = document.queue.pipeline
    attached = set(document.attachments.values_list("key", flat=True))
    if not attached or pipeline is None or pipeline.published_id is None:
        return []
    try:
        steps = cases.definition_of(pipeline.published_id).for_queue(document.queue_id)
    except StageError:  # a revision that this Waybill cannot read says nothing
        return []
    asked = ((step, getattr(step.module, "detaches", None)) for step in steps)
    gone = sorted({key for step, detaches in asked if detaches for key in attached if detaches(step.config, key)})
    if gone:
        document.attachments.filter(key__in=gone).delete()
        versions.record("detach", document, by=by, detail={"keys": gone})
    return gone


def _erase_bytes(document: Document) -> dict[str, int]:
    """Take the bytes from every content row of the document; returns how many rows and bytes that was."""
    exchanges = Exchange.objects.filter(attempt__document=document)
    sources = [
        Q(pk=document.original_id),
        Q(pk__in=document.former_originals.values("content")),
        Q(pk__in=RelatedFile.objects.filter(relation__document=document, file__isnull=False).values("file__content")),
        Q(pk__in=document.received.values("content")),
        Q(pk__in=exchanges.filter(request_content__isnull=False).values("request_content")),
        Q(pk__in=exchanges.filter(reply_content__isnull=False).values("reply_content")),
        Q(pk__in=Artifact.objects.filter(attempt__document=document).values("content")),
    ]
    rows, size, now = 0, 0, timezone.now()
    for source in sources:
        found = Content.objects.filter(source, purged_at=None)
        told = found.aggregate(rows=Count("pk"), size=Sum("size"))
        rows, size = rows + told["rows"], size + (told["size"] or 0)
        found.update(inline=None, purged_at=now)  # `stored` stays until storage has let go of it
    document.attachments.all().delete()
    return {"contents": rows, "bytes": size}


def _erase_text(document: Document) -> None:
    """Field values and messages. A URL keeps its path, which says where the document went, and loses its query."""
    attempts = Attempt.objects.filter(document=document)
    said = attempts.exclude(message="").values("message")
    _erase_told(document, [titles.cut(text, titles.LONGEST_MESSAGE) for (text,) in said.values_list("message")])
    FailureGroup.objects.filter(attempts__document=document, sample__in=said).update(sample=PURGED)
    attempts.update(message="", answer=None)
    document.versions.update(content=[])
    ExtensionCall.objects.filter(document=document, reply__isnull=False).update(reply={"messages": []})
    StageRun.objects.filter(attempt__document=document).update(
        note="", traceback="", messages=[], operations=[], checkpoint=None, progress=None
    )
    exchanges = Exchange.objects.filter(attempt__document=document)
    exchanges.exclude(error="").update(error=PURGED)
    path = Concat(Substr("url", 1, StrIndex("url", Value("?"))), Value("…"), output_field=TextField())
    exchanges.update(
        request_headers=[], reply_headers=[], url=Case(When(url__contains="?", then=path), default=F("url"))
    )
    JobItem.objects.filter(document=document, outcome="refused").exclude(said="").update(said=PURGED)
    Artifact.objects.filter(attempt__document=document).update(name="")
    ClientTask.objects.filter(attempt__document=document).delete()  # of an ended attempt: nobody needs it any more
    document.received.update(name="", folder="")
    related = RelatedFile.objects.filter(relation__document=document).values("file")
    RobotFile.objects.filter(pk__in=related).update(file_name="", metadata={})
    document.relations.remove(*document.relations.filter(kind="duplicate"))  # as Rossum does: it is no copy any more
    Delivery.objects.filter(attempt__document=document).update(details={})


def _erase_told(document: Document, said: list[str]) -> None:
    """What messages to channels keep of it: of those about the document and its attempts, and of those about a cause
    that quote one of its messages. That they were sent, when, where and how that ended, stays."""
    attempts = Attempt.objects.filter(document=document).values_list("pk", flat=True)
    about = Q(subject__in=[f"document:{document.pk}", *(f"attempt:{pk}" for pk in attempts)])
    if said:
        groups = FailureGroup.objects.filter(attempts__document=document).values_list("pk", flat=True)
        of_groups = EventDelivery.objects.filter(subject__in=[f"failure_group:{pk}" for pk in set(groups)])
        quoting = of_groups.filter(payload__data__message__in=sorted(set(said)))
        about |= Q(pk__in=list(quoting.values_list("pk", flat=True)))
    told = EventDelivery.objects.filter(about)
    tries = EventTry.objects.filter(delivery__in=told)
    tries.exclude(error="").update(error=PURGED)
    tries.update(headers=[], body="")
    rows = list(told.annotate(at=KT("payload__timestamp")).only("organization", "type", "subject"))
    for row in rows:
        data = {"subject": row.subject, "title": PURGED}
        row.payload = {"type": row.type, "timestamp": row.at, "data": data}  # type: ignore[attr-defined]  # annotated
    EventDelivery.objects.bulk_update(rows, ["payload"], batch_size=200)
