"""Everything a worker must know to drive an attempt, read for a whole claim in a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from exports import contents, received
from exports.ledger import End, Entry, write
from exports.models import Artifact, Attachment, Attempt, Delivery, Document, Exchange, StageRun
from exports.sendings import Held, held_by
from exports.states import State, Status
from exports.wire.rossum import hookpayload
from pipelines import fields
from pipelines.blobs import Blob
from pipelines.contract import DocumentFacts, Received
from pipelines.definition import Definition
from pipelines.errors import Misconfigured, StageError
from pipelines.models import Revision


@dataclass(slots=True)
class Case:
    """One attempt, ready to be driven."""

    attempt_id: int
    organization_id: int
    lease: UUID
    lineage: int
    tries: int
    lapses: int
    definition: Definition
    document_id: int
    facts: DocumentFacts
    fields: fields.Content
    fields_number: int
    schema: Sequence[Mapping[str, Any]]
    use_confirmed_state: bool
    original: Blob | None
    artifacts: dict[str, Blob]
    """By reference key: what is attached to the document, and the files that came with it."""
    answer: Mapping[str, Any] | None
    received: Sequence[Received] = ()
    deadline: datetime | None = None
    runs: dict[str, StageRun] = field(default_factory=dict)
    open_exchanges: dict[UUID, list[Exchange]] = field(default_factory=dict)
    """By stage run: requests whose end nobody recorded."""
    deliveries: dict[tuple[str, str, str], Delivery] = field(default_factory=dict)
    """By stage, key and place: what this attempt has delivered already."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """By stage: what the attempt that this one repeats byte for byte sent. Empty for one that is built anew."""


@lru_cache(maxsize=512)
def definition_of(revision_id: int) -> Definition:
    """A revision's definition, parsed once a process; revisions never change. Raises Misconfigured where this
    Waybill cannot read it."""
    dumped = Revision.unscoped.values_list("definition", flat=True).get(pk=revision_id)
    try:
        return Definition.load(dumped)
    except (KeyError, TypeError, ValueError) as error:
        message = f"Its revision cannot be read ({error!r}). Publish the pipeline again, re-queue with the newest."
        raise Misconfigured(message) from error


def load(attempt_ids: Sequence[int]) -> tuple[list[Case], dict[int, StageError]]:
    """The cases of running attempts, in the order of `attempt_ids`, and those whose revision cannot be read any more;
    attempts that have left meanwhile are in neither."""
    attempts = (
        Attempt.unscoped.filter(pk__in=attempt_ids)
        .exclude(lease=None)
        .select_related("document__queue__schema", "document__fields", "document__original")
        .in_bulk()
    )
    cases = []
    broken: dict[int, StageError] = {}
    for pk in attempt_ids:
        if pk in attempts:
            try:
                cases.append(_case(attempts[pk]))
            except StageError as error:
                broken[pk] = error
    _attachments(cases)
    _earlier_runs(cases)
    _as_sent(cases, {pk: row.repeats_id for pk, row in attempts.items() if row.frozen and row.repeats_id})
    return cases, broken


def of_ended(attempt: Attempt) -> Case:
    """The case of an attempt that nobody drives: for asking about it, never for going on with it."""
    attempt = Attempt.objects.select_related(
        "document__queue__schema", "document__fields", "document__original"
    ).get(pk=attempt.pk)  # fmt: skip
    attempt.lease = UUID(int=0)
    case = _case(attempt)
    _attachments([case])
    return case


def _attachments(cases: Sequence[Case]) -> None:
    by_document = defaultdict(list)
    for case in cases:
        by_document[case.document_id].append(case)
    attached = Attachment.unscoped.filter(document_id__in=by_document).select_related("artifact__content")
    for attachment in attached:
        for case in by_document[attachment.document_id]:
            case.artifacts[attachment.key] = blob_of(attachment.artifact)
    for document_id, files in received.of(by_document).items():
        for case in by_document[document_id]:
            case.received = files
            case.artifacts.update((file.key, file.blob) for file in files)
    for case in cases:
        if (payload := case.artifacts.get(hookpayload.KEPT_AS)) is not None:
            case.facts = replace(case.facts, id=hookpayload.annotation_id_in(payload.read(), case.facts.id))


def _earlier_runs(cases: Sequence[Case]) -> None:
    repeated = {case.attempt_id: case for case in cases}
    for run in StageRun.unscoped.filter(attempt_id__in=repeated):
        repeated[run.attempt_id].runs[run.name] = run
    if any(case.runs for case in cases):
        for exchange in Exchange.unscoped.filter(attempt_id__in=repeated, ended_at=None):
            repeated[exchange.attempt_id].open_exchanges.setdefault(exchange.run_id, []).append(exchange)
        for delivery in Delivery.unscoped.filter(attempt_id__in=repeated).select_related("run"):
            known = (delivery.run.name, delivery.key, delivery.place)
            repeated[delivery.attempt_id].deliveries[known] = delivery


def _as_sent(cases: Sequence[Case], repeats: Mapping[int, int]) -> None:
    """What those sent that these repeat byte for byte; read now, because nobody asks the database while driving."""
    if not repeats:
        return
    steps = {case.attempt_id: case.definition.for_queue(case.facts.queue_id) for case in cases}
    held = held_by({former: steps[pk] for pk, former in repeats.items() if pk in steps}, read=True)
    for case in cases:
        if case.attempt_id in repeats:
            case.held = held[repeats[case.attempt_id]]


def fail_unreadable(attempt_id: int, lease: UUID, error: StageError) -> None:
    """End an attempt that no case could be made of."""
    attempt = Attempt.unscoped.get(pk=attempt_id)
    changes = {"reason": error.reason, "message": str(error)}
    end = End(State.FAILED, changes, Status.FAILED_EXPORT)
    write([Entry(attempt_id, attempt.organization_id, attempt.document_id, lease, end=end)])


def blob_of(artifact: Artifact) -> Blob:
    return contents.blob(artifact.content, name=artifact.name, media_type=artifact.media_type)


def original_of(document: Document) -> Blob | None:
    row = document.original
    if row is None or row.purged_at is not None:
        return None
    return contents.blob(row, name=document.file_name, media_type=document.media_type)


def facts_of(document: Document) -> DocumentFacts:
    """What stages may know of a document besides its fields."""
    return DocumentFacts(
        id=document.pk,
        external_id=document.external_id,
        file_name=document.file_name,
        media_type=document.media_type,
        status=document.status,
        queue_id=document.queue_id,
        queue_name=document.queue.name,
        created_at=document.created_at,
        metadata=document.metadata,
        automated=document.automated,
    )


def _case(attempt: Attempt) -> Case:
    document, lease = attempt.document, attempt.lease
    assert document is not None, "an attempt without a document has no case yet (datasets)"
    assert lease is not None, "only running attempts are loaded"
    queue = document.queue
    return Case(
        attempt_id=attempt.pk,
        organization_id=attempt.organization_id,
        lease=lease,
        lineage=attempt.lineage or attempt.pk,
        tries=attempt.tries,
        lapses=attempt.lapses,
        definition=definition_of(attempt.revision_id),
        document_id=document.pk,
        facts=facts_of(document),
        fields=fields.Content(document.fields.content if document.fields else []),
        fields_number=document.fields.number if document.fields else 0,
        schema=queue.schema.content if queue.schema else [],
        use_confirmed_state=queue.use_confirmed_state,
        original=original_of(document),
        artifacts={},
        answer=attempt.answer,
        deadline=attempt.deadline,
    )
