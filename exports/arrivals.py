"""Documents coming in, once: an external id that the queue knows is the same document (docs/documents.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.policy import Principal, require
from exports import attempts, contents, intake, triggers, versions
from exports.models import Content, Document, FormerOriginal
from exports.received import Files
from exports.states import Status
from pipelines import fields as trees
from pipelines.blobs import Blob
from pipelines.models import Queue
from pipelines.refusals import Refused

RECEIVED = "Received."
RECEIVED_AGAIN = "Received again, changed."
MERGED = "What was corrected or written since stays."


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document that was sent, and what became of it."""

    document: Document
    outcome: Literal["new", "same", "changed"]


def receive(
    queue: Queue,
    *,
    by: Principal,
    external_id: str = "",
    fields: Any = None,
    original: Blob | None = None,
    metadata: dict[str, Any] | None = None,
    confirmed: bool = False,
) -> tuple[Document, bool]:
    """Bring a document in; True where it is new.

    `fields` come flat or in Rossum's shape. `confirmed` skips the review: the document waits as confirmed, or, where
    its queue has no confirmed state, its export begins. An external id that the queue knows is the same document:
    sent again as it was, nothing happens; sent again with changes, it is corrected, unless its export has begun.
    Raises Rejected naming what is wrong with the document, Refused where its state stands against it."""
    arrival = take_in(
        queue, by=by, external_id=external_id, fields=fields, original=original, metadata=metadata, confirmed=confirmed
    )
    return arrival.document, arrival.outcome == "new"


def take_in(
    queue: Queue,
    *,
    by: Principal,
    external_id: str = "",
    fields: Any = None,
    original: Blob | None = None,
    metadata: dict[str, Any] | None = None,
    confirmed: bool = False,
    files: Files | None = None,
) -> Arrival:
    """`receive`, saying also whether a document that was known came as it was or changed. `files` come with it beside
    its original, and are the caller's to close."""
    require(by, "exports.add_document", queue)
    if confirmed:
        require(by, "exports.confirm_document", queue)
    if original is not None:
        intake.check_original(original)
        original = replace(original, name=intake.file_name(original.name))
        original = replace(original, media_type=intake.media_type(original.media_type, original.name))
    name = intake.external_id(external_id, original)
    content = intake.tree(fields, versions.schema(queue))
    extra = intake.metadata(metadata)
    known = Document.objects.filter(queue=queue, external_id=name).first()
    if known is None:
        try:
            made = _create(queue, name, content, original, extra, by=by, confirmed=confirmed, files=files)
            return Arrival(made, "new")
        except IntegrityError:  # somebody else brought the same document in meanwhile
            known = Document.objects.get(queue=queue, external_id=name)
    given_fields = None if fields is None else content
    return _again(known, given_fields, original, None if metadata is None else extra, by=by, files=files)


def _create(
    queue: Queue,
    name: str,
    content: trees.Content,
    original: Blob | None,
    metadata: dict[str, Any],
    *,
    by: Principal,
    confirmed: bool,
    files: Files | None,
) -> Document:
    waits = confirmed and queue.use_confirmed_state
    shared = files.content_of(original) if files is not None and original is not None else None
    kept = None if original is None or shared is not None else contents.keep(original, queue.organization_id)
    try:
        with transaction.atomic():
            if kept is not None:
                kept.save(force_insert=True)
            document = Document(
                organization_id=queue.organization_id,
                queue=queue,
                external_id=name,
                status=Status.CONFIRMED if waits else Status.TO_REVIEW,
                confirmed_at=timezone.now() if confirmed else None,
                file_name=original.name if original else "",
                media_type=original.media_type if original else "",
                original=shared or kept,
                metadata=metadata,
                automated=confirmed,
            )
            document.save(force_insert=True)
            if files is not None:
                files.attach(document)
            versions.add(document, content, by=by, why=RECEIVED)
            versions.record(
                "receive", document, by=by, detail={"queue": queue.name, "external_id": name, "confirmed": confirmed}
            )
            if confirmed and not waits:
                exporter = replace(by, verbs=by.verbs | {"exports.export_document"})
                attempts.start(document, by=exporter, trigger="automatic", why="Received as confirmed.")
                document.refresh_from_db(fields=["status", "modified_at"])
            elif waits:
                triggers.on_confirmed(document)
                document.refresh_from_db(fields=["status", "modified_at"])
    except BaseException:
        if kept is not None:
            contents.forget([kept])  # large bytes are in storage already, and no row would point at them
        raise
    return document


def _again(
    document: Document,
    content: trees.Content | None,
    original: Blob | None,
    metadata: dict[str, Any] | None,
    *,
    by: Principal,
    files: Files | None,
) -> Arrival:
    """The same external id once more. What the sender sent last is compared, not what people made of it since."""
    with transaction.atomic():
        locked = versions.lock(document)
        if locked.status == Status.PURGED:
            raise Refused(
                f"{versions.named(locked)} was purged, and its external id stays taken. Send it with another one."
            )
        last = locked.versions.filter(why__in=[RECEIVED, RECEIVED_AGAIN]).first()
        before = intake.whole(trees.Content(last.content if last else []), versions.schema(locked.queue))
        differing = [] if content is None else intake.differing(before, content)
        new_original = original is not None and (locked.original is None or locked.original.sha256 != original.sha256)
        new_metadata = metadata is not None and metadata != locked.metadata
        new_files = files is not None and files.differ(locked)
        if not (differing or new_original or new_metadata or new_files):
            return Arrival(locked, "same")
        changed = [*differing, *(["the original"] if new_original else []), *(["metadata"] if new_metadata else [])]
        changed += ["its files"] if new_files else []
        if locked.status not in versions.OPEN:
            state = versions.said(locked.status)
            raise Refused(
                f"{versions.named(locked)} is {state}, and came again with changes in {versions.some(changed)}. "
                "Send it back to review first, or send the change as a document with its own external id."
            )
        if new_original:
            assert original is not None
            _replace_original(locked, original)
        if files is not None and new_files:
            files.attach(locked)
        if new_metadata:
            locked.metadata = metadata
        if differing:
            assert content is not None
            now = trees.Content(locked.fields.content if locked.fields else [])
            kept = intake.whole(intake.merged(now, content, differing), versions.schema(locked.queue))
            versions.add(locked, content, by=by, why=RECEIVED_AGAIN)  # what the next time is compared with
            if intake.differing(kept, content):
                versions.add(locked, kept, by=by, why=MERGED)
        locked.modified_at = timezone.now()
        locked.save(update_fields=["metadata", "original", "file_name", "media_type", "modified_at", "unindexed"])
        versions.record("receive_again", locked, by=by, detail={"changed": changed})
    return Arrival(locked, "changed")


def _replace_original(document: Document, original: Blob) -> None:
    """The earlier file is kept as a former original, which a purge of the document takes along."""
    if document.original is not None:
        FormerOriginal.own(document=document, content=document.original).save()
    kept: Content = contents.keep(original, document.organization_id)
    kept.save(force_insert=True)
    document.original = kept
    document.file_name, document.media_type = original.name, original.media_type
    document.unindexed = True
