"""What publishing would change in the output: the draft and the published revision played for the same documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exports import dryrun, rehearsal
from exports.models import Document
from exports.rehearsal import Known, Played
from pipelines import publishing
from pipelines.blobs import Blob
from pipelines.definition import StageDraft, drafts_of
from pipelines.models import Pipeline, Revision
from pipelines.transports.http import Request

LONGEST = 256 * 1024
"""Bytes of one file that are compared by line; beyond that its digest stands for the rest."""


class Verdict(StrEnum):
    """How a document fares under the draft, against what is published."""

    SAME = "same"
    CHANGED = "changed"
    NOW_FAILS = "now fails"
    NOW_WORKS = "now works"
    STILL_FAILS = "still fails"


@dataclass(frozen=True, slots=True)
class Compared:
    """One document's two outputs, each a text for people, the same text where nothing differs."""

    document: Document
    verdict: Verdict
    before: str
    after: str
    message: str
    """Of the first stage that fails under the draft, else of the published one; empty where none does."""


class Comparison:
    """The two sides of a pipeline, read once for any number of documents."""

    def __init__(self, pipeline: Pipeline) -> None:
        revision: Revision | None = pipeline.published
        self._pipeline = pipeline
        self._new = publishing.drafts(pipeline)
        self._old = drafts_of(revision.definition) if revision is not None else []
        self._known = Known.of(pipeline, [*self._new, *self._old])

    def of(self, document: Document) -> Compared:
        """Nothing is sent and nothing kept. Raises Misconfigured where the revision cannot be read any more."""
        old, new = (self._played(drafts, document) for drafts in (self._old, self._new))
        wrong, was_wrong = _first_error(new), _first_error(old)
        before, after = text_of(old), text_of(new)
        return Compared(document, _verdict(before, after, was_wrong, wrong), before, after, wrong or was_wrong)

    def _played(self, drafts: Sequence[StageDraft], document: Document) -> list[Played]:
        return rehearsal.play(drafts, document, pipeline=self._pipeline, known=self._known)


def text_of(played: Iterable[Played]) -> str:
    """Everything that leaves the pipeline or that later stages read, stage by stage."""
    return "\n".join(line for one in played for line in _lines(one))


def _verdict(before: str, after: str, was_wrong: str, wrong: str) -> Verdict:
    if wrong:
        return Verdict.STILL_FAILS if was_wrong else Verdict.NOW_FAILS
    if was_wrong:
        return Verdict.NOW_WORKS
    return Verdict.SAME if before == after else Verdict.CHANGED


def _first_error(played: Iterable[Played]) -> str:
    """A stage that could not do its work, or a message of the type error, which fails the export as well."""
    for one in played:
        if one.error is not None:
            return f"{one.stage}: {one.error}"
        said = next((message.content for message in one.messages if message.type == "error"), "")
        if said:
            return f"{one.stage}: {said}"
    return ""


def _lines(one: Played) -> Iterator[str]:
    yield f"── {one.stage} ({one.kind})"
    if one.blocked_by:
        yield f"does not run, because {one.blocked_by} fails"
    if one.unanswered:
        yield f"not known: it needs the reply of {one.unanswered}, and this document never got one"
    if one.error is not None:
        yield f"fails: {one.error}"
    if one.skipped:
        yield f"skipped: {one.skipped}"
    for key, blob in one.files.items():
        yield f"file {key}: {blob.name}, {blob.media_type}"
        yield from _content(blob)
    if one.request is not None:
        yield from _request(one.request)
    for put in one.puts:
        yield f"file {put.key} at {put.place}"
        yield from _content(put.blob)
    yield from (f"writes {name}: {after}" for name, _, after in one.changes)
    yield from (f"detaches {key}" for key in one.detached)
    yield from (f"says ({message.type}): {message.content}" for message in one.messages)


def _request(request: Request) -> Iterator[str]:
    yield f"sends {request.method} {dryrun.unmarked(request.url, ())}"
    yield from (f"{name}: {value}" for name, value in request.headers.items())
    if request.body is not None:
        yield from _content(request.body)
    for part in request.parts:
        yield f"part {part.name}{f' ({part.file_name})' if part.file_name else ''}"
        yield from _content(part.blob) if part.blob is not None else part.text.splitlines()


def _content(blob: Blob) -> Iterator[str]:
    with blob.open() as stream:
        data = stream.read(LONGEST + 1)
        rest = hashlib.sha256(data)
        while piece := stream.read(LONGEST):
            rest.update(piece)
    try:
        text = data[:LONGEST].decode()
    except UnicodeDecodeError:
        yield f"  binary, {blob.size:,} bytes, sha256 {rest.hexdigest()}"
        return
    yield from (f"  {line}" for line in text.splitlines())
    if len(data) > LONGEST:
        yield f"  … {blob.size:,} bytes, sha256 {rest.hexdigest()}"
