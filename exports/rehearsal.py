"""A draft played for one document: every stage in its order, its files and requests made, nothing sent, nothing kept.

Where a stage would send, the last real reply that the document has under the same keys is taken as its answer, so that
those who read it have something to read. The preview and the comparison before publishing are made of this.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from uuid import UUID

from exports import dryrun, payloads, received
from exports.cases import Case, blob_of, facts_of, original_of
from exports.dryrun import Put
from exports.models import Artifact, Document
from pipelines import configs, fields, formulas, stages, vault
from pipelines.blobs import Blob
from pipelines.contract import Inbox, Message
from pipelines.definition import JUDGE, Definition, StageDraft, ancestors, in_order, through
from pipelines.errors import Misconfigured, StageError
from pipelines.models import Destination, Pipeline
from pipelines.transports.http import Request

SECONDS = 8.0
"""For one document, between stages; a template's own limit holds within."""

REPLIES = 50
"""Kept artifacts of a document that are looked through for replies, newest first."""


@dataclass(slots=True)
class Played:
    """What one stage did, or would do."""

    stage: str
    kind: str
    files: Mapping[str, Blob] = field(default_factory=dict)
    request: Request | None = None
    puts: Sequence[Put] = ()
    changes: Sequence[tuple[str, str, str]] = ()
    """(schema id, before, after) of each field that it wrote."""
    messages: Sequence[Message] = ()
    detached: Sequence[str] = ()
    skipped: str = ""
    error: StageError | None = None
    blocked_by: str = ""
    """The stage that failed before it, so that it would not run."""
    unanswered: str = ""
    """The stage that would send and for which this document has no real reply, without which nothing can be said."""
    replies: Sequence[str] = ()
    """Keys for which a real reply of the document was taken."""


class OutOfTimeError(StageError):
    """The rehearsal of one document took too long."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a draft's stages may look up, read once for any number of documents."""

    secrets: Mapping[int | None, frozenset[str]]
    credentials: Mapping[int | None, Mapping[str, Any]]

    @classmethod
    def of(cls, pipeline: Pipeline, drafts: Sequence[StageDraft]) -> Known:
        ids = {draft.destination_id for draft in drafts}
        secrets = {
            pk: vault.names_for(pipeline.organization_id, destination_id=pk, pipeline_id=pipeline.pk) for pk in ids
        }
        rows = Destination.objects.filter(pk__in=ids - {None}).values_list("pk", "credentials")
        return cls(secrets, dict(rows))


def play(
    drafts: Sequence[StageDraft], document: Document, *, pipeline: Pipeline, known: Known, only_up_to: str = ""
) -> list[Played]:
    """Every stage for the document, or the stage `only_up_to` and those before it. What a stage raises is in its
    `error`; what would come after it is blocked, but for `only_up_to` itself, which is tried all the same."""
    rehearsal = _Rehearsal(document, pipeline, known)
    waits = {draft.name: draft.run_after for draft in drafts}
    befores = ancestors(waits)
    by_name = {draft.name: draft for draft in drafts}
    live = {d.name for d in drafts if d.active and (not d.queues or document.queue_id in d.queues)}
    wanted: Collection[str] = live
    if only_up_to:
        live = live | {only_up_to}
        wanted = (befores.get(only_up_to, frozenset()) & live) | {only_up_to}
    broken: dict[str, str] = {}
    played = []
    until = time.monotonic() + SECONDS
    for name in in_order(list(by_name), waits):
        if name not in wanted:
            continue
        draft = by_name[name]
        culprit = next((broken[before] for before in through(name, waits, live) if before in broken), "")
        if culprit and not draft.always_run and name != only_up_to:
            one = Played(name, draft.kind, blocked_by=culprit)
        elif name != only_up_to and (silent := rehearsal.unanswered(draft, befores.get(name, frozenset()))):
            one = Played(name, draft.kind, unanswered=silent)
        elif time.monotonic() > until:
            told = f"The rehearsal took longer than {SECONDS:g} seconds and was left here."
            one = Played(name, draft.kind, error=OutOfTimeError(told))
        else:
            one = rehearsal.play(draft)
        if one.error is not None or one.blocked_by:
            broken[name] = one.blocked_by or name
        played.append(one)
    return played


class _Rehearsal:
    """One document on its way through a draft: its fields and files as the stages leave them."""

    def __init__(self, document: Document, pipeline: Pipeline, known: Known) -> None:
        self._document, self._known = document, known
        queue = document.queue
        self._schema = queue.schema.content if queue.schema else []
        self._content = fields.Content(document.fields.content if document.fields else [])
        self._received = received.of([document.pk]).get(document.pk, [])
        self._files: dict[str, Blob] = {file.key: file.blob for file in self._received}
        self._replies: dict[str, Blob] | None = None
        self._silent: dict[str, str] = {}
        self._lacking: dict[str, str] = {}
        self._case = Case(
            attempt_id=0,
            organization_id=document.organization_id,
            lease=UUID(int=0),
            lineage=0,
            tries=0,
            lapses=0,
            definition=Definition(pipeline.pk, ()),
            document_id=document.pk,
            facts=facts_of(document),
            fields=self._content,
            fields_number=0,
            schema=self._schema,
            use_confirmed_state=queue.use_confirmed_state,
            original=original_of(document),
            artifacts={},
            answer=None,
        )

    def play(self, draft: StageDraft) -> Played:
        played = Played(draft.name, draft.kind)
        try:
            self._run(draft, played)
        except StageError as error:
            played.error = error
        return played

    def unanswered(self, draft: StageDraft, before: frozenset[str]) -> str:
        """The stage whose reply this one would need, where the document has none: to read it, or to judge by what
        another reads out of it. Empty where there is no such stage."""
        try:
            module, config = _parsed(draft)
        except StageError:
            return ""
        found = next((self._lacking[key] for key in sorted(module.reads(config)) if key in self._lacking), "")
        if not found and draft.kind == JUDGE:
            found = next((whose for name, whose in self._silent.items() if name in before), "")
        if found:
            self._silent[draft.name] = found
        return found

    def _run(self, draft: StageDraft, played: Played) -> None:
        module, config = _parsed(draft)
        tried = dryrun.attempt(
            module,
            config,
            self._inbox(draft),
            secrets=self._known.secrets.get(draft.destination_id, frozenset()),
            credentials=self._known.credentials.get(draft.destination_id) or {},
        )
        played.request, played.puts = tried.request, tried.puts
        if tried.waits_on:
            played.skipped = f"It would wait here for {tried.waits_on}."
        if tried.request is not None or tried.waits_on:
            answered = self._answered(module.writes(config))
            played.replies = sorted(answered)
            self._lacking.update(dict.fromkeys(module.writes(config) - answered, draft.name))
        if (outcome := tried.outcome) is None:
            return
        played.files, played.messages = outcome.artifacts, list(outcome.messages)
        played.detached, played.skipped = outcome.detach, outcome.skipped
        for key in outcome.detach:
            self._files.pop(key, None)
        self._files.update(outcome.artifacts)
        for key in outcome.artifacts:
            self._lacking.pop(key, None)
        if outcome.operations:
            before = self._content
            self._content, wrong = before.apply(outcome.operations)
            self._content, more = formulas.recompute(self._content, self._schema)
            played.messages = [*played.messages, *(Message("warning", text) for text in [*wrong, *more])]
            played.changes = list(_changes(before, self._content))

    def _inbox(self, draft: StageDraft) -> Inbox:
        return Inbox(
            stage=draft.name,
            document=self._case.facts,
            fields=self._content,
            artifacts=dict(self._files),
            original=self._case.original,
            received=self._received,
            schema=self._schema,
            payload=payloads.Payload(self._case, self._content),
        )

    def _answered(self, keys: frozenset[str]) -> frozenset[str]:
        """Take the document's last real replies as this stage's."""
        if keys and self._replies is None:
            rows = Artifact.objects.filter(attempt__document=self._document, content__purged_at=None)
            newest = rows.select_related("content", "run").order_by("-id")[:REPLIES]
            self._replies = {row.key: blob_of(row) for row in reversed(newest) if _sends(row.run.kind)}
        found = {key: blob for key, blob in (self._replies or {}).items() if key in keys}
        self._files.update(found)
        return frozenset(found)


def _parsed(draft: StageDraft) -> tuple[ModuleType, Any]:
    try:
        module = stages.get(draft.kind)
    except KeyError:
        raise Misconfigured(f'No stage kind is called "{draft.kind}" here.', place="kind") from None
    parsed = configs.parse(draft.name, module, draft.config)
    if parsed.config is None:
        first = next(problem for problem in parsed.problems if problem.severity == "error")
        raise Misconfigured(first.message, place=first.path)
    return module, parsed.config


def _sends(kind: str) -> bool:
    try:
        return bool(stages.get(kind).SENDS)
    except KeyError:
        return False


def _changes(before: fields.Content, after: fields.Content) -> Iterator[tuple[str, str, str]]:
    old = {node.get("id"): fields.text_of(node) for node in before.nodes() if node.get("category") == "datapoint"}
    for node in after.nodes():
        if node.get("category") == "datapoint":
            text = fields.text_of(node)
            if old.get(node.get("id")) != text:
                yield str(node.get("schema_id")), old.get(node.get("id"), ""), text
