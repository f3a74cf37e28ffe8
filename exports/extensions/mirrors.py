"""The document that stands for an annotation at one hook: its fields as Rossum has them now, the files that its stage
reads, and the attempt that a call becomes.

One document a hook, not one an annotation: hooks run side by side, and the failure of one must stay in sight when the
next has succeeded (docs/decisions/0029)."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.policy import Principal
from exports import attempts, contents, intake, versions
from exports.extensions.hooks import Ready
from exports.extensions.rossumapi import Noted
from exports.ids import uuid7
from exports.models import Artifact, Attachment, Attempt, Document, Exchange, ExtensionCall, FormerOriginal, StageRun
from exports.states import ACTIVE, RunState, State, Status
from exports.wire.rossum.hookpayload import KEPT_AS, HookCall, id_of
from pipelines import configuration, keepable
from pipelines import fields as trees
from pipelines.blobs import Blob
from pipelines.models import Queue, RossumAccount, Schema
from pipelines.refusals import Refused

log = logging.getLogger(__name__)

ROSSUM = "rossum"
"""The kind of the stage runs that hold what was read from Rossum and written there: no stage of a pipeline has it."""
READ_RUN, WRITE_RUN = "Files from Rossum", "Files to Rossum"
QUEUE_AT = "rossum_queue"
"""In a queue's metadata: its address at Rossum."""


@dataclass(slots=True)
class Came:
    """What came with a call, read from Rossum where the payload only points at it."""

    fields: trees.Content | None
    schema: list[dict[str, Any]]
    files: dict[str, Blob | None] = field(default_factory=dict)
    """By reference key; None where Rossum has no such file."""
    original: Blob | None = None
    noted: Sequence[Noted] = ()

    @property
    def digest(self) -> str:
        """sha256 of what a stage would make something of."""
        values = [
            [node.get("schema_id"), content.get("value"), content.get("normalized_value")]
            for node in (self.fields.nodes() if self.fields else ())
            for content in [node.get("content") or {}]
        ]
        files = {key: blob.sha256 if blob else None for key, blob in self.files.items()}
        told = json.dumps([values, files, self.original.sha256 if self.original else None], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Started:
    """The attempt of a call. `adopted`: it was there already, and nothing new is sent."""

    attempt: Attempt
    adopted: bool = False


def start(
    row: ExtensionCall, account: RossumAccount, call: HookCall, ready: Ready, came: Came, *, by: Principal
) -> Started:
    """The attempt that does the call's work. Raises Refused where an earlier one stands against it."""
    with transaction.atomic():
        RossumAccount.objects.select_for_update().get(pk=account.pk)
        document = _document(account, call, came, by=by)
        document = versions.lock(document)
        if (known := _adopted(document, ready, came)) is not None:
            return _tied(row, document, came, Started(known, adopted=True))
        if document.attempts.filter(state__in=sorted(ACTIVE)).exists():
            raise Refused(
                "An export of this annotation by this hook is under way in Waybill, with other fields, files or "
                "settings. Export again when it has ended."
            )
        _update(document, came, by=by)
        why = f"Called by {call.hook}, request {call.request_id}."
        attempt = attempts.start(document, by=by, trigger="robot", why=why, revision=ready.revision)
        _files(document, attempt, call, ready, came)
        return _tied(row, document, came, Started(attempt))


def note(attempt: Attempt, name: str, noted: Sequence[Noted], *, position: int, error: str = "") -> StageRun:
    """Keep what was exchanged with Rossum as a stage run of the attempt."""
    now = timezone.now()
    run = StageRun(
        id=uuid7(),
        organization_id=attempt.organization_id,
        attempt=attempt,
        name=name,
        kind=ROSSUM,
        position=position,
        state=RunState.FAILED if error else RunState.FINISHED,
        note=error,
        begun_at=noted[0].begun_at if noted else now,
        finished_at=noted[-1].ended_at if noted else now,
    )
    run.save(force_insert=True)
    for one in noted:
        Exchange(
            id=uuid7(),
            organization_id=attempt.organization_id,
            run=run,
            attempt=attempt,
            purpose="file",
            method=one.method,
            url=one.url,
            request_headers=[["Authorization", "Bearer [secret]"]],
            request_size=one.request_size,
            request_sha256=one.request_sha256,
            status=one.status,
            reply_size=one.reply_size,
            timings=dict(one.timings),
            error=keepable.text(one.error),
            begun_at=one.begun_at,
            ended_at=one.ended_at,
        ).save(force_insert=True)
    return run


def write_run(runs: QuerySet[StageRun]) -> str:
    """A name that none of an attempt's runs has: its files may be written again by a later call."""
    taken = set(runs.values_list("name", flat=True))
    return next(name for n in range(1, 10_000) if (name := f"{WRITE_RUN} {n}" if n > 1 else WRITE_RUN) not in taken)


def listed(relation: Mapping[str, Any]) -> Blob:
    """A relation that is only to be deleted: as Rossum lists it, its files stay there."""
    told = json.dumps(relation, sort_keys=True).encode()
    return Blob.of(told, name="relation.json", media_type="application/json")


def _tied(row: ExtensionCall, document: Document, came: Came, started: Started) -> Started:
    row.document, row.attempt, row.given = document, started.attempt, came.digest
    ExtensionCall.objects.filter(pk=row.pk).update(document=document, attempt=started.attempt, given=row.given)
    return started


def _adopted(document: Document, ready: Ready, came: Came) -> Attempt | None:
    """The attempt that has done this call's work already, or does it now: the same fields and files through the same
    revision, whose result Rossum has not been told. It was sent from the desk, or told as failed for another reason."""
    last: Attempt | None = document.attempts.order_by("-number").first()
    if last is None or last.revision_id != ready.revision.pk:
        return None
    told = ExtensionCall.objects.filter(document=document).order_by("-id").first()
    if told is None or told.given != came.digest or not (told.failed or told.finished_at is None):
        return None
    return last if last.state == State.SUCCEEDED or last.state in ACTIVE else None


def _document(account: RossumAccount, call: HookCall, came: Came, *, by: Principal) -> Document:
    queue = _queue(account, call, came, by=by)
    hook = call.hook.removeprefix(f"{call.api}/")
    external_id = f"{call.annotation_url.partition('://')[2]}/{hook}"[: intake.MAX_EXTERNAL_ID]
    known: Document | None = Document.objects.filter(queue=queue, external_id=external_id).first()
    if known is not None:
        return known
    about = call.document
    made = Document(
        organization_id=queue.organization_id,
        queue=queue,
        external_id=external_id,
        status=Status.TO_REVIEW,
        file_name=intake.file_name(str(about.get("original_file_name") or "")),
        media_type=keepable.text(str(about.get("mime_type") or ""))[: intake.MAX_MEDIA_TYPE],
        metadata={"rossum": {"annotation": call.annotation_url, "hook": call.hook}},
        automated=bool(call.annotation.get("automated")),
    )
    made.save(force_insert=True)
    versions.record("receive", made, by=by, detail={"queue": queue.name, "external_id": external_id, "hook": call.hook})
    return made


def _queue(account: RossumAccount, call: HookCall, came: Came, *, by: Principal) -> Queue:
    if account.queue is not None:
        mine: Queue = account.queue
        return mine
    url = str(call.annotation.get("queue") or f"{call.api}/queues/0")
    queue: Queue | None = Queue.objects.filter(**{f"metadata__{QUEUE_AT}": url}).order_by("pk").first()
    if queue is None:
        sideloaded = call.payload.get("queues")
        named = sideloaded[0] if isinstance(sideloaded, list) and sideloaded else {}
        name = str(named.get("name") or "") if isinstance(named, dict) else ""
        name = name[:150] or f"Rossum queue {url.rpartition('/')[2]}"[:150]
        if Queue.objects.filter(name=name).exists():
            name = f"{name} ({url.partition('://')[2]})"[:200]
        queue = configuration.save(Queue.own(name=name, metadata={QUEUE_AT: url}), by=by)
    if came.schema and (queue.schema is None or queue.schema.content != came.schema):
        _take_schema(queue, account, call, came, by=by)
    return queue


def _take_schema(queue: Queue, account: RossumAccount, call: HookCall, came: Came, *, by: Principal) -> None:
    """The queue's schema as Rossum has it now. One that Waybill finds unsound is left where it was: values then are
    what they are without it."""
    number = id_of(call.annotation.get("schema")) or queue.pk
    name = f"Rossum schema {number} ({account.name})"[:200]
    schema = queue.schema or Schema.objects.filter(name=name).first() or Schema.own(name=name)
    schema.content = came.schema
    try:
        queue.schema = configuration.save(schema, by=by)
    except Refused as refusal:
        log.warning("a schema of Rossum's was not taken over", extra={"queue": queue.pk, "why": refusal.message})
        queue.schema = Schema.objects.filter(pk=queue.schema_id).first()
        return
    configuration.save(queue, by=by)


def _update(document: Document, came: Came, *, by: Principal) -> None:
    now = document.fields.content if document.fields else None
    if came.fields is not None and list(came.fields.sections) != now:
        versions.add(document, came.fields, by=by, why="As Rossum has them.")
    before = document.original
    if came.original is not None and (before is None or before.sha256 != came.original.sha256):
        kept = contents.keep(came.original, document.organization_id)
        kept.save(force_insert=True)
        if before is not None:
            FormerOriginal.own(document=document, content=before).save()
        document.original = kept
        document.file_name = intake.file_name(came.original.name)
        document.media_type = came.original.media_type[: intake.MAX_MEDIA_TYPE]
        document.save(update_fields=["original", "file_name", "media_type"])


def _files(document: Document, attempt: Attempt, call: HookCall, ready: Ready, came: Came) -> None:
    """What the stage reads, attached; what Rossum has no more, let go of."""
    run = note(attempt, READ_RUN, came.noted, position=0)
    files = dict(came.files)
    if not ready.purges:  # which looks at nothing but the files that are there
        payload = json.dumps(call.clean()).encode()
        files[KEPT_AS] = Blob.of(payload, name="payload.json", media_type="application/json")
    lost = Attachment.objects.filter(document=document)
    lost = lost.exclude(key__in=files) if ready.purges else lost.filter(key__in=[k for k, b in files.items() if not b])
    lost.delete()
    for key, blob in files.items():
        if blob is None:
            continue
        content = contents.keep(blob, document.organization_id)
        content.save(force_insert=True)
        artifact = Artifact(
            id=uuid7(),
            organization_id=document.organization_id,
            attempt=attempt,
            run=run,
            key=key,
            name=keepable.text(blob.name or key)[:255],
            media_type=keepable.text(blob.media_type)[:100],
            content=content,
            size=content.size,
            sha256=content.sha256,
        )
        artifact.save(force_insert=True)
        Attachment.objects.update_or_create(document=document, key=key, defaults={"artifact": artifact})
