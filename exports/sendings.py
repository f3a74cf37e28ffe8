"""What attempts sent, found whole by its hash among what was kept: the bodies of exchanges, artifacts and originals.

Nothing is kept a second time for it. Redacted, cut off or purged bytes have another hash, or none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.conf import settings

from exports import contents
from exports.models import (
    Artifact,
    Attempt,
    Content,
    Delivery,
    Document,
    Exchange,
    FormerOriginal,
    ReceivedFile,
    StageRun,
)
from exports.states import RunState
from pipelines.blobs import Blob
from pipelines.contract import Sent
from pipelines.definition import Step
from pipelines.transports.http import Part
from pipelines.transports.repeated import holds_a_secret

EMPTY = Blob.of(b"").sha256
TAKEN_OVER = "Taken over from attempt"
"""How the note of a stage run begins that was copied from an earlier attempt."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one stage sent. `why_not` is empty where all of it is whole."""

    sent: tuple[Sent, ...] = ()
    why_not: str = ""


def held_by(asked: Mapping[int, Sequence[Step]], *, read: bool = False) -> dict[int, dict[str, Held]]:
    """By attempt and stage, what the sending stages among `asked` (attempt id → steps) sent; a stage that sent nothing
    is not in it. `read` loads the bytes as well, for a thread without a database connection. Ten queries at most."""
    rows = Attempt.unscoped.filter(pk__in=asked).values_list("pk", "document_id", "number")
    places = {pk: (document, number) for pk, document, number in rows if document is not None}
    taken = StageRun.unscoped.filter(
        attempt_id__in=[pk for pk, (_, number) in places.items() if number > 1], state=RunState.FINISHED,
        note__startswith=TAKEN_OVER,
    ).values_list("attempt_id", "name")  # fmt: skip
    return _found(asked, places, list(taken), read=read)


def held_of(attempt: Attempt, steps: Sequence[Step], runs: Iterable[StageRun]) -> dict[str, Held]:
    """The same of one attempt whose runs are read already."""
    taken = [(attempt.pk, run.name) for run in runs if run.note.startswith(TAKEN_OVER)]
    places = {attempt.pk: (attempt.document_id or 0, attempt.number)}
    return _found({attempt.pk: steps}, places, taken, read=False)[attempt.pk]


def _found(
    asked: Mapping[int, Sequence[Step]], places: Mapping[int, tuple[int, int]], taken: Iterable[tuple[int, str]], *,
    read: bool,
) -> dict[int, dict[str, Held]]:  # fmt: skip
    search = Search(places, read=read)
    kinds = {pk: {step.name: step for step in steps if step.sends} for pk, steps in asked.items()}
    sent = search.exchanges(kinds, taken)
    search.look_up(row for rows in sent.values() for row in rows)
    found: dict[int, dict[str, Held]] = {pk: {} for pk in asked}
    for (pk, name), rows in sent.items():
        found[pk][name] = _held(kinds[pk][name], rows, search)
    return found


def _held(step: Step, rows: Iterable[Exchange], search: Search) -> Held:
    if not hasattr(step.module, "resend"):
        return Held(why_not=f"Stages of the kind {step.kind} cannot send again what they sent.")
    sent = []
    for row in rows:
        if holds_a_secret(row.url):
            return Held(why_not=f"The address that {step.name} sent to held a secret, which is never kept.")
        one = search.sent(row)
        if one is None:
            return Held(why_not=search.why_not(row, step.name))
        sent.append(one)
    return Held(tuple(sent))


@dataclass(slots=True)
class Search:
    """The rows that a number of attempts need, read together."""

    places: Mapping[int, tuple[int, int]]
    """By attempt: its document, and its number there."""
    read: bool
    forms: dict[UUID, list[dict[str, Any]]] = field(default_factory=dict)
    """By content: the parts of a multipart form."""
    files: dict[tuple[int, str], Blob] = field(default_factory=dict)
    """By document and sha256."""
    keys: dict[tuple[Any, str], str] = field(default_factory=dict)
    """The reference key of a file: by stage run and place where it arrived, by document and sha256 else."""

    def exchanges(
        self, kinds: Mapping[int, Mapping[str, Step]], taken: Iterable[tuple[int, str]]
    ) -> dict[tuple[int, str], list[Exchange]]:
        """By attempt and stage, each different request or file once, in order. What a stage's work was `taken` over
        from is found at an earlier attempt of the document."""
        found: dict[tuple[int, str], dict[Any, Exchange]] = defaultdict(dict)
        for row in self._rows().filter(attempt_id__in=kinds):
            if row.run.name in kinds[row.attempt_id]:
                _take(found[row.attempt_id, row.run.name], row)
        lacking = [(pk, name) for pk, name in taken if name in kinds[pk] and (pk, name) not in found]
        if lacking:
            self._earlier(found, lacking)
        return {key: list(rows.values()) for key, rows in found.items()}

    def _earlier(self, found: dict[tuple[int, str], dict[Any, Exchange]], lacking: Sequence[tuple[int, str]]) -> None:
        documents = {self.places[pk][0] for pk, _ in lacking}
        names = {name for _, name in lacking}
        by_stage: dict[tuple[int, str], dict[int, dict[Any, Exchange]]] = defaultdict(lambda: defaultdict(dict))
        rows = self._rows().select_related("attempt")
        for row in rows.filter(attempt__document_id__in=documents, run__name__in=names):
            assert row.attempt.document_id is not None, "filtered by it"
            _take(by_stage[row.attempt.document_id, row.run.name][row.attempt.number], row)
        for pk, name in lacking:
            document, own = self.places[pk]
            earlier = by_stage[document, name]
            if number := max((number for number in earlier if number < own), default=0):
                found[pk, name] = earlier[number]

    def _rows(self) -> Any:
        rows = Exchange.unscoped.filter(purpose__in=["request", "file"]).select_related("run", "request_content")
        unread = ["reply_headers", "timings", "error", "run__messages", "run__operations", "run__checkpoint",
                  "run__traceback", "run__note"]  # fmt: skip
        return rows.defer(*unread, *([] if self.read else ["request_content__inline"])).order_by("id")

    def look_up(self, rows: Iterable[Exchange]) -> None:
        """The forms, and the artifacts and originals with the digests that are needed."""
        digests, forms, runs = set(), set(), set()
        for row in rows:
            if row.purpose == "file":
                runs.add(row.run_id)
            content = row.request_content
            if content is not None and _is_form(row, content):
                forms.add(content.pk)
            elif not _is_whole(row):
                digests.add(row.request_sha256)
        for delivery in Delivery.unscoped.filter(run_id__in=runs) if runs else ():
            self.keys[delivery.run_id, delivery.place] = delivery.key
        for content in Content.unscoped.filter(pk__in=forms) if forms else ():
            self.forms[content.pk] = told = _parts_told(content)
            digests |= {str(part.get("sha256")) for part in told if "text" not in part}
        digests -= {EMPTY, ""}
        if digests:
            self._files(digests)

    def _files(self, digests: Collection[str]) -> None:
        documents = {document for document, _ in self.places.values()}
        unread = [] if self.read else ["content__inline"]
        artifacts = Artifact.unscoped.filter(attempt__document_id__in=documents, sha256__in=digests)
        for row in artifacts.filter(content__purged_at=None).select_related("content", "attempt").defer(*unread):
            if row.content.sha256 == row.sha256 and row.attempt.document_id is not None:
                blob = contents.blob(row.content, name=row.name, media_type=row.media_type)
                self.files[row.attempt.document_id, row.sha256] = blob
                self.keys[row.attempt.document_id, row.sha256] = row.key
        unread = [] if self.read else ["original__inline"]
        originals = Document.unscoped.filter(pk__in=documents, original__sha256__in=digests, original__purged_at=None)
        for document in originals.select_related("original").defer(*unread):
            if document.original is not None:
                blob = contents.blob(document.original, name=document.file_name, media_type=document.media_type)
                self.files.setdefault((document.pk, document.original.sha256), blob)
                self.keys.setdefault((document.pk, document.original.sha256), "document")
        unread = [] if self.read else ["content__inline"]
        came = ReceivedFile.unscoped.filter(document_id__in=documents, sha256__in=digests, content__purged_at=None)
        for file in came.select_related("content").defer(*unread):
            blob = contents.blob(file.content, name=file.name, media_type=file.media_type)
            self.files.setdefault((file.document_id, file.sha256), blob)
            self.keys.setdefault((file.document_id, file.sha256), file.key)
        former = FormerOriginal.unscoped.filter(document_id__in=documents, content__sha256__in=digests)
        for one in former.filter(content__purged_at=None).select_related("content").defer(*unread):
            self.files.setdefault((one.document_id, one.content.sha256), contents.blob(one.content))

    def sent(self, row: Exchange) -> Sent | None:
        """None where it is not whole."""
        headers = tuple((str(name), str(value)) for name, value in row.request_headers)
        one = Sent(row.method, row.url, headers, idempotency_key=row.idempotency_key, key=self._key(row))
        content = row.request_content
        if content is not None and content.pk in self.forms:
            parts = [self._part(row, part) for part in self.forms[content.pk]]
            return replace(one, parts=tuple(part for part in parts if part)) if parts and all(parts) else None
        if row.purpose == "request" and row.request_sha256 == EMPTY:
            return one
        if content is not None and _is_whole(row):
            return replace(one, body=contents.blob(content, media_type=""))
        blob = self._file(row, row.request_sha256)
        if blob is None:
            return None
        # What a request says its body is stands in its headers.
        return replace(one, body=replace(blob, media_type="") if row.purpose == "request" else blob)

    def _key(self, row: Exchange) -> str:
        if row.purpose != "file":
            return ""
        made = self.keys.get((self._document(row), row.request_sha256), "")
        return self.keys.get((row.run_id, row.url), made)

    def _document(self, row: Exchange) -> int:
        return self.places[row.attempt_id][0] if row.attempt_id in self.places else row.attempt.document_id or 0

    def _file(self, row: Exchange, sha256: str) -> Blob | None:
        return self.files.get((self._document(row), sha256))

    def _part(self, row: Exchange, told: Mapping[str, Any]) -> Part | None:
        if "text" in told:
            return Part(str(told.get("name")), str(told["text"]))
        blob = self._file(row, str(told.get("sha256")))
        if blob is None:
            return None
        blob = replace(blob, media_type=str(told.get("media_type")))
        return Part(str(told.get("name")), blob=blob, file_name=str(told.get("file_name")))

    def why_not(self, row: Exchange, stage: str) -> str:
        content = row.request_content
        if content is not None and content.purged_at is not None:
            return f"What {stage} sent was purged."
        if content is None or content.pk in self.forms:
            return f"The file that {stage} sent is no longer kept."
        if content.size < row.request_size and content.size >= settings.KEPT_BODY_BYTES:
            return f"Only the beginning of what {stage} sent was kept."
        return f"What {stage} sent held a secret, which is never kept."


def _take(rows: dict[Any, Exchange], row: Exchange) -> None:
    """Of repeated requests the last counts; files keep the order in which they first left."""
    key = (row.purpose, row.url) if row.purpose == "file" else (row.method, row.url, row.request_sha256)
    if row.purpose != "file":
        rows.pop(key, None)
    rows[key] = row


def _is_whole(row: Exchange) -> bool:
    content = row.request_content
    return content is not None and content.purged_at is None and content.sha256 == row.request_sha256


def _is_form(row: Exchange, content: Content) -> bool:
    """Of a form the parts are kept as a list, not its bytes (exports/tools.py)."""
    return _is_whole(row) and content.size != row.request_size


def _parts_told(content: Content) -> list[dict[str, Any]]:
    try:
        told = json.loads(contents.blob(content).read())
    except ValueError:
        return []
    return [part for part in told if isinstance(part, dict)] if isinstance(told, list) else []
