"""Documents: originals, the files that robots brought, and what pipelines keep under a reference key.

An original has its annotation's id. The other two are told apart by their ids (exports/wire/rossum/documents.py)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import FileResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.policy import Principal
from exports import annotating, conditions, robotfiles
from exports import documents as verbs_of_documents
from exports.api.bodies import FormBody
from exports.api.downloads import download
from exports.api.problems import ApiProblem
from exports.models import Attachment, Content, Document, FieldsVersion, FileRelation, RelatedFile, RobotFile
from exports.protocols.rossum import people, received
from exports.protocols.rossum.errors import refused
from exports.protocols.rossum.joined import Part, listed, one
from exports.protocols.rossum.received import RawFile
from exports.protocols.rossum.view import View
from exports.states import Status
from exports.wire.rossum import documents as wire
from exports.wire.rossum.documents import FILES, MADE
from exports.wire.rossum.parameters import Given, WrongValue
from exports.wire.rossum.urls import Addresses

WHY = "Over Rossum's protocol."
_MOMENTS = ("arrived_at", "created_at")


def originals(rows: Sequence[Document], at: Addresses) -> list[dict[str, Any]]:
    first = FieldsVersion.objects.filter(document__in=rows, number=1).values_list("document_id", "by")
    by = dict(first)
    ids = people.ids_of(by.values())
    return [
        wire.document(
            wire.File(
                row.pk,
                row.original_id.hex if row.original_id else f"{row.pk:032x}",
                row.created_at,
                row.file_name,
                row.media_type,
                annotations=[row.pk],
                creator=ids.get(by.get(row.pk, "")),
                metadata=row.metadata if isinstance(row.metadata, dict) else {},
            ),
            at,
        )
        for row in rows
    ]


def robot_files(rows: Sequence[RobotFile], at: Addresses) -> list[dict[str, Any]]:
    used: dict[int, list[int]] = {}
    related = RelatedFile.objects.filter(file__in=rows).order_by("relation__document_id")
    for file_id, document_id in related.values_list("file_id", "relation__document_id").distinct():
        used.setdefault(file_id, []).append(document_id)
    ids = people.ids_of({row.created_by for row in rows})
    return [
        wire.document(
            wire.File(
                FILES + row.pk,
                row.content_id.hex,
                row.created_at,
                row.file_name,
                row.media_type,
                annotations=used.get(row.pk, []),
                creator=ids.get(row.created_by),
                parent=row.parent,
                metadata=row.metadata,
            ),
            at,
        )
        for row in rows
    ]


def made(rows: Sequence[Attachment], at: Addresses) -> list[dict[str, Any]]:
    return [
        wire.document(
            wire.File(
                MADE + row.pk,
                row.artifact.content_id.hex,
                row.artifact.created_at,
                row.artifact.name,
                row.artifact.media_type,
                annotations=[row.document_id],
            ),
            at,
        )
        for row in rows
    ]


def files_for(principal: Principal) -> Any:
    """Robots' files. A key that is narrowed to some queues sees its own, and those of documents that it sees."""
    rows = RobotFile.objects.all()
    if principal.queues is None:
        return rows
    theirs = RelatedFile.objects.filter(relation__in=FileRelation.objects.values("pk")).values("file")
    return rows.filter(created_by=principal.name) | rows.filter(pk__in=theirs)


def parts(view: View) -> list[Part]:
    at = view.at
    own = {"id": "pk", "arrived_at": "created_at", "created_at": "created_at"}
    artifacts = {"id": "pk", "arrived_at": "artifact__created_at", "created_at": "artifact__created_at"}
    return [
        Part(0, Document.objects.all(), partial(originals, at=at), {**own, "original_file_name": "file_name"}),
        Part(FILES, files_for(view.principal), partial(robot_files, at=at), {**own, "original_file_name": "file_name"}),
        Part(
            MADE,
            Attachment.objects.select_related("artifact"),
            partial(made, at=at),
            {**artifacts, "original_file_name": "artifact__name"},
        ),
    ]


class Documents(View):
    verbs = {"get": "exports.view_document", "post": "exports.add_document"}
    parser_classes = [FormBody, RawFile]

    def get(self, request: Request) -> Response:
        return listed(self, [_narrowed(part, self.given) for part in parts(self)])

    def post(self, request: Request) -> Response:
        sent = received.read(request)
        parent = None
        if sent.parent:
            parent = received.id_of_document(sent.parent, "parent")
            one(parts(self), parent)
        file = robotfiles.add_file(sent.blob, by=self.principal, metadata=sent.metadata, parent=parent)
        return Response(robot_files([file], self.at)[0], status=201)


class OneDocument(View):
    verbs = {
        "get": "exports.view_document",
        "patch": "exports.change_document",
        "delete": "exports.change_document",
    }

    def get(self, request: Request, pk: str) -> Response:
        return Response(one(parts(self), pk))

    def patch(self, request: Request, pk: str) -> Response:
        sent = self.body()
        shown = one(parts(self), pk)
        if "metadata" not in sent:
            return Response(shown)
        metadata = sent["metadata"]
        if not isinstance(metadata, dict):
            raise WrongValue("metadata", "This must be an object.")
        number = int(pk)
        if number > MADE:
            raise refused("A pipeline made this file; it is changed by exporting again.")
        if number > FILES:
            robotfiles.note(files_for(self.principal).get(pk=number - FILES), metadata, by=self.principal)
        else:
            annotating.annotate(Document.objects.get(pk=number), by=self.principal, metadata=metadata)
        return Response(one(parts(self), pk))

    def delete(self, request: Request, pk: str) -> Response:
        one(parts(self), pk)
        number = int(pk)
        if number > MADE:
            raise refused("A pipeline keeps this file under its reference key; a purge stage detaches it.")
        if number > FILES:
            robotfiles.remove_file(files_for(self.principal).get(pk=number - FILES), by=self.principal)
        else:
            self._delete(Document.objects.select_related("fields").get(pk=number))
        return Response(status=204)

    def _delete(self, document: Document) -> None:
        """An original goes with its annotation, where that has no fields."""
        if any(section.get("children") for section in (document.fields.content if document.fields else ())):
            raise refused("Its annotation has datapoints. Delete the annotation.")
        if document.status not in {Status.DELETED, Status.PURGED}:
            verbs_of_documents.delete(document, by=self.principal, why=WHY)


class DocumentContent(View):
    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> FileResponse:
        number = int(pk)
        if number > MADE:
            row = self.row(Attachment.objects.select_related("artifact__content"), number - MADE).artifact
            return _sent(row.content, row.name, row.media_type)
        if number > FILES:
            file = self.row(files_for(self.principal).select_related("content"), number - FILES)
            return _sent(file.content, file.file_name, file.media_type)
        document = self.row(Document.objects.select_related("original"), number)
        return _sent(document.original, document.file_name, document.media_type)


class Original(View):
    """GET original/{s3_name}: the same bytes by the name under which they are stored."""

    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, name: str) -> FileResponse:
        document = Document.objects.select_related("original").filter(original=name).first()
        if document is not None:
            return _sent(document.original, document.file_name, document.media_type)
        file = files_for(self.principal).select_related("content").filter(content=name).first()
        if file is not None:
            return _sent(file.content, file.file_name, file.media_type)
        row = Attachment.objects.select_related("artifact__content").filter(artifact__content=name).first()
        if row is None:
            raise NotFound
        return _sent(row.artifact.content, row.artifact.name, row.artifact.media_type)


def _sent(content: Content | None, name: str, media_type: str) -> FileResponse:
    if content is None:
        raise NotFound
    try:
        return download(content, name=name, media_type=media_type, otherwise="document")
    except ApiProblem as problem:  # purged
        raise NotFound from problem


def _narrowed(part: Part, given: Given) -> Part:
    """The filters of a list of documents, as far as this table has what they ask for."""
    ids = given.numbers("id")
    rows = part.rows if ids is None else part.holding(ids).rows
    created = "artifact__created_at" if part.above == MADE else "created_at"
    named = "artifact__name" if part.above == MADE else "file_name"
    if part.above == 0 and ids is None:
        rows = rows.exclude(status__in=conditions.GONE)
    for name in _MOMENTS:
        if (after := given.moment(f"{name}_after")) is not None:
            rows = rows.filter(**{f"{created}__gte": after})
        if (before := given.moment(f"{name}_before")) is not None:
            rows = rows.filter(**{f"{created}__lt": before})
    if wanted := given.text("original_file_name"):
        rows = rows.filter(**{named: wanted})
    if "email" in given or "attachment_status" in given:
        rows = rows.none()
    if (parents := given.numbers("parent")) is not None:
        rows = rows.filter(parent__in=parents) if part.above == FILES else rows.none()
    if (creators := given.numbers("creator")) is not None:
        rows = _of(part.above, rows, people.names_of(creators))
    return Part(part.above, rows, part.shape, part.columns)


def _of(above: int, rows: Any, names: Sequence[str]) -> Any:
    if above == FILES:
        return rows.filter(created_by__in=names)
    first = FieldsVersion.objects.filter(number=1, by__in=names).values("document")
    return rows.filter(pk__in=first) if above == 0 else rows.none()
