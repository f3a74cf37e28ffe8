"""Files that robots keep here beside the originals, and which documents they belong to, under which key.

A relation holds robots' files and originals of documents; what a pipeline made stays with its attempt (docs/protocols).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction

from accounts.policy import Principal, require
from audit import trail
from exports import contents, intake
from exports.models import Attachment, Document, DocumentRelation, FileRelation, RelatedFile, RobotFile
from pipelines.blobs import Blob
from pipelines.errors import Rejected
from pipelines.refusals import InUse

FILE_KINDS = ("export", "einvoice")
DOCUMENT_KINDS = ("edit", "attachment", "duplicate")
LONGEST_KEY = 255
MOST_FILES = 1000
"""Of one relation."""

File = RobotFile | Document
"""Of a relation: a robot's file, or the document whose original is meant."""


@dataclass(frozen=True, slots=True)
class Related:
    """What a relation is to be."""

    document: Document
    kind: str
    key: str
    files: Sequence[File]


def add_file(blob: Blob, *, by: Principal, metadata: Any = None, parent: int | None = None) -> RobotFile:
    """Keep a file. Raises Rejected naming what of it cannot be kept."""
    require(by, "exports.add_document")
    intake.check_original(blob)
    name = intake.file_name(blob.name)
    blob = replace(blob, name=name, media_type=intake.media_type(blob.media_type, name))
    extra = intake.metadata(metadata)
    kept = contents.keep(blob, by.organization_id)
    try:
        with transaction.atomic():
            kept.save(force_insert=True)
            made = RobotFile(
                organization_id=by.organization_id,
                content=kept,
                file_name=blob.name,
                media_type=blob.media_type,
                metadata=extra,
                parent=parent,
                created_by=by.name[:200],
            )
            made.save(force_insert=True)
            _record("robot_file.add", made, by=by, detail={"size": kept.size, "sha256": kept.sha256})
    except BaseException:
        contents.forget([kept])  # large bytes are in storage already, and no row would point at them
        raise
    return made


def note(file: RobotFile, metadata: Any, *, by: Principal) -> RobotFile:
    """Replace a file's metadata."""
    require(by, "exports.change_document", file)
    extra = intake.metadata(metadata)
    if extra != file.metadata:
        with transaction.atomic():
            file.metadata = extra
            file.save(update_fields=["metadata"])
            _record("robot_file.change", file, by=by, detail={"changed": ["metadata"]})
    return file


def remove_file(file: RobotFile, *, by: Principal) -> None:
    """Delete a file and its bytes; the relations that had it have it no more."""
    require(by, "exports.change_document", file)
    with transaction.atomic():
        kept = file.content
        _record("robot_file.delete", file, by=by, detail={"sha256": kept.sha256, "size": kept.size})
        file.delete()
        transaction.on_commit(lambda: contents.forget([kept]), robust=True)


def relate(wanted: Related, *, by: Principal) -> FileRelation:
    """Relate files to a document under a key. Raises Rejected where the key is taken, by a pipeline's artifact too."""
    require(by, "exports.change_document", wanted.document)
    _check(wanted)
    try:
        with transaction.atomic():
            made = FileRelation(
                organization_id=by.organization_id, document=wanted.document, kind=wanted.kind, key=wanted.key
            )
            made.save(force_insert=True)
            _fill(made, wanted.files)
            _record("file_relation.add", made, by=by, detail=_told(wanted))
    except IntegrityError:
        raise _taken() from None
    return made


def change_relation(relation: FileRelation, wanted: Related, *, by: Principal) -> FileRelation:
    """Make a relation what is wanted; what is the same already leaves no event."""
    require(by, "exports.change_document", relation)
    require(by, "exports.change_document", wanted.document)
    _check(wanted, but=relation)
    with transaction.atomic():
        locked: FileRelation = FileRelation.objects.select_for_update().get(pk=relation.pk)
        before = [(one.file_id, one.original_id) for one in locked.files.all()]
        same = (locked.document_id, locked.kind, locked.key) == (wanted.document.pk, wanted.kind, wanted.key)
        if same and before == [_ids(one) for one in wanted.files]:
            return locked
        locked.document, locked.kind, locked.key = wanted.document, wanted.kind, wanted.key
        try:
            with transaction.atomic():
                locked.save(update_fields=["document", "kind", "key"])
        except IntegrityError:
            raise _taken() from None
        locked.files.all().delete()
        _fill(locked, wanted.files)
        _record("file_relation.change", locked, by=by, detail=_told(wanted))
    return locked


def remove_relation(relation: FileRelation, *, by: Principal) -> None:
    """Delete a relation that has no files any more. Raises InUse where it has some."""
    require(by, "exports.change_document", relation)
    with transaction.atomic():
        locked = FileRelation.objects.select_for_update().get(pk=relation.pk)
        if count := locked.files.count():
            raise InUse(f"It still has {count} documents. Delete them, or empty the list, then delete the relation.")
        _record("file_relation.delete", locked, by=by, detail={"key": locked.key, "document": locked.document_id})
        locked.delete()


def relate_documents(
    kind: str, documents: Sequence[Document], *, by: Principal, key: str = "", parent: Document | None = None
) -> DocumentRelation:
    """Say that documents belong together. Raises Rejected where that is nothing to say."""
    for each in (*documents, *([parent] if parent else ())):
        require(by, "exports.change_document", each)
    if kind not in DOCUMENT_KINDS:
        raise Rejected(f'"{kind[:60]}" is not a valid choice.', place="type")
    if not documents:
        raise Rejected("At least one annotation is needed.", place="annotations")
    _check_key(key)
    with transaction.atomic():
        made = DocumentRelation(organization_id=by.organization_id, kind=kind, key=key, parent=parent)
        made.save(force_insert=True)
        made.documents.set(documents)
        _record("document_relation.add", made, by=by, detail={"type": kind, "documents": [one.pk for one in documents]})
    return made


def _check(wanted: Related, *, but: FileRelation | None = None) -> None:
    if wanted.kind not in FILE_KINDS:
        raise Rejected(f'"{wanted.kind[:60]}" is not a valid choice.', place="type")
    _check_key(wanted.key)
    if len(wanted.files) > MOST_FILES:
        raise Rejected(f"At most {MOST_FILES} documents.", place="documents")
    taken = FileRelation.objects.filter(document=wanted.document, kind=wanted.kind, key=wanted.key)
    if taken.exclude(pk=but.pk if but else None).exists() or (
        wanted.kind == "export" and Attachment.objects.filter(document=wanted.document, key=wanted.key).exists()
    ):
        raise _taken()


def _check_key(key: str) -> None:
    if len(key) > LONGEST_KEY:
        raise Rejected(f"At most {LONGEST_KEY} characters.", place="key")


def _taken() -> Rejected:
    return Rejected("The fields type, key, annotation must make a unique set.", place="non_field_errors")


def _fill(relation: FileRelation, files: Sequence[File]) -> None:
    rows = [_ids(one) for one in files]
    RelatedFile.objects.bulk_create(
        RelatedFile(organization_id=relation.organization_id, relation=relation, file_id=file, original_id=original)
        for file, original in rows
    )


def _ids(one: File) -> tuple[int | None, int | None]:
    return (one.pk, None) if isinstance(one, RobotFile) else (None, one.pk)


def _told(wanted: Related) -> dict[str, Any]:
    return {"document": wanted.document.pk, "key": wanted.key, "files": len(wanted.files)}


def _record(verb: str, row: Any, *, by: Principal, detail: dict[str, Any]) -> None:
    noun = verb.partition(".")[0]
    trail.record(verb, f"{noun}:{row.pk}", organization_id=row.organization_id, actor=by.name, detail=detail)
