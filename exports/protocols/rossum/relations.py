"""Relations: files that belong to an annotation under a key, and annotations that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from exports import robotfiles
from exports.models import Attachment, Document, DocumentRelation, FileRelation
from exports.protocols.rossum.documents import files_for
from exports.protocols.rossum.errors import Answer, refused
from exports.protocols.rossum.joined import Part, listed, one
from exports.protocols.rossum.view import View
from exports.robotfiles import File, Related
from exports.wire.rossum import documents as wire_documents
from exports.wire.rossum import relations as wire
from exports.wire.rossum.parameters import Given, WrongValue
from exports.wire.rossum.urls import Addresses, id_of
from pipelines.refusals import InUse

MADE = wire.MADE


def file_relations(rows: Sequence[FileRelation], at: Addresses) -> list[dict[str, Any]]:
    """Rows with their files prefetched."""
    return [
        wire.document_relation(
            row.pk,
            kind=row.kind,
            key=row.key,
            annotation=row.document_id,
            documents=[each.original_id or wire_documents.FILES + (each.file_id or 0) for each in row.files.all()],
            at=at,
        )
        for row in rows
    ]


def made(rows: Sequence[Attachment], at: Addresses) -> list[dict[str, Any]]:
    return [
        wire.document_relation(
            MADE + row.pk,
            kind="export",
            key=row.key,
            annotation=row.document_id,
            documents=[wire_documents.MADE + row.pk],
            at=at,
        )
        for row in rows
    ]


def parts(at: Addresses) -> list[Part]:
    return [
        Part(
            0,
            FileRelation.objects.prefetch_related("files"),
            partial(file_relations, at=at),
            {"id": "pk", "type": "kind", "annotation": "document"},
        ),
        Part(MADE, Attachment.objects.all(), partial(made, at=at), {"id": "pk", "annotation": "document"}),
    ]


class DocumentRelations(View):
    verbs = {"get": "exports.view_document", "post": "exports.change_document"}

    def get(self, request: Request) -> Response:
        found = [_narrowed(part, self.given) for part in parts(self.at)]
        return listed(self, found, newest_first=True)

    def post(self, request: Request) -> Response:
        relation = robotfiles.relate(_wanted(self, self.body()), by=self.principal)
        return Response(file_relations([relation], self.at)[0], status=201)


class OneDocumentRelation(View):
    verbs = {
        "get": "exports.view_document",
        "put": "exports.change_document",
        "patch": "exports.change_document",
        "delete": "exports.change_document",
    }

    def get(self, request: Request, pk: str) -> Response:
        return Response(one(parts(self.at), pk))

    def put(self, request: Request, pk: str) -> Response:
        return self._changed(pk, _wanted(self, self.body()))

    def patch(self, request: Request, pk: str) -> Response:
        return self._changed(pk, _wanted(self, {**one(parts(self.at), pk), **self.body()}))

    def delete(self, request: Request, pk: str) -> Response:
        try:
            robotfiles.remove_relation(self._own(pk), by=self.principal)
        except InUse as error:
            raise Answer(400, {"detail": error.message}) from error
        return Response(status=204)

    def _changed(self, pk: str, wanted: Related) -> Response:
        changed = robotfiles.change_relation(self._own(pk), wanted, by=self.principal)
        return Response(file_relations([changed], self.at)[0])

    def _own(self, pk: str) -> FileRelation:
        """Raises NotFound, and Answer where a pipeline keeps it."""
        one(parts(self.at), pk)
        if int(pk) > MADE:
            raise refused("A pipeline keeps this relation under its reference key; a purge stage detaches it.")
        row: FileRelation = self.row(FileRelation.objects.all(), pk)
        return row


class Relations(View):
    verbs = {"get": "exports.view_document", "post": "exports.change_document"}

    def get(self, request: Request) -> Response:
        rows = DocumentRelation.objects.prefetch_related("documents")
        for name, column in (("id", "pk"), ("parent", "parent"), ("annotation", "documents")):
            if (ids := self.given.numbers(name)) is not None:
                rows = rows.filter(**{f"{column}__in": ids})
        for name, column in (("type", "kind"), ("key", "key")):
            if words := self.given.words(name):
                rows = rows.filter(**{f"{column}__in": words})
        columns = {"id": "pk", "type": "kind", "parent": "parent", "key": "key"}
        return self.listed(rows.distinct(), self._shape, keys=columns, first=("-pk",))

    def post(self, request: Request) -> Response:
        sent = self.body()
        parent = _document(sent["parent"], "parent") if sent.get("parent") else None
        made = robotfiles.relate_documents(
            _text(sent, "type"),
            [_document(url, "annotations") for url in _list(sent, "annotations")],
            by=self.principal,
            key=_text(sent, "key"),
            parent=parent,
        )
        return Response(self._shape([made])[0], status=201)

    def _shape(self, rows: Sequence[DocumentRelation]) -> list[dict[str, Any]]:
        return [
            wire.relation(
                row.pk,
                kind=row.kind,
                key=row.key,
                parent=row.parent_id,
                annotations=sorted(each.pk for each in row.documents.all()),
                at=self.at,
            )
            for row in rows
        ]


class OneRelation(Relations):
    verbs = {"get": "exports.view_document"}
    http_method_names = ["get", "head"]

    def get(self, request: Request, pk: str) -> Response:  # type: ignore[override]  # of one, not of all
        return Response(self._shape([self.row(DocumentRelation.objects.prefetch_related("documents"), pk)])[0])


def _narrowed(part: Part, given: Given) -> Part:
    ids = given.numbers("id")
    rows = part.rows if ids is None else part.holding(ids).rows
    if (annotations := given.numbers("annotation")) is not None:
        rows = rows.filter(document__in=annotations)
    if keys := given.words("key"):
        rows = rows.filter(key__in=keys)
    if kinds := given.words("type"):
        for kind in kinds:
            if kind not in robotfiles.FILE_KINDS:
                raise WrongValue("type", f'"{kind[:60]}" is not one of the available choices.')
        if part.above == 0:
            rows = rows.filter(kind__in=kinds)
        elif "export" not in kinds:
            rows = rows.none()
    if (wanted := given.numbers("documents")) is not None:
        rows = rows.filter(_has(part.above, wanted)).distinct()
    return Part(part.above, rows, part.shape, part.columns)


def _has(above: int, ids: Sequence[int]) -> Q:
    if above:
        return Q(pk__in=[pk - wire_documents.MADE for pk in ids if pk > wire_documents.MADE])
    files = [pk - wire_documents.FILES for pk in ids if wire_documents.FILES < pk < wire_documents.MADE]
    return Q(files__file__in=files) | Q(files__original__in=[pk for pk in ids if pk < wire_documents.FILES])


def _wanted(view: View, sent: Mapping[str, Any]) -> Related:
    """What a body says. Raises WrongValue naming what of it cannot be."""
    if sent.get("annotation") is None:
        raise WrongValue("annotation", "This field is required.")
    return Related(
        _document(sent["annotation"], "annotation"),
        _text(sent, "type") or "export",
        _text(sent, "key"),
        _files(view, _list(sent, "documents")),
    )


def _files(view: View, urls: Sequence[Any]) -> list[File]:
    """The files that these URLs name, each once, in their order; some queries for all of them."""
    ids = list(dict.fromkeys(_id(url, "documents", "documents") for url in urls))
    if any(pk > wire_documents.MADE for pk in ids):
        raise WrongValue("documents", "A file that a pipeline keeps belongs to its own relation only.")
    files = files_for(view.principal).filter(
        pk__in=[pk - wire_documents.FILES for pk in ids if pk > wire_documents.FILES]
    )
    known: dict[int, File] = {wire_documents.FILES + row.pk: row for row in files}
    known |= {row.pk: row for row in Document.objects.filter(pk__in=[pk for pk in ids if pk < wire_documents.FILES])}
    for pk in ids:
        if pk not in known:
            raise WrongValue("documents", "Invalid hyperlink - Object does not exist.")
    return [known[pk] for pk in ids]


def _document(url: Any, place: str) -> Document:
    found: Document | None = Document.objects.filter(pk=_id(url, "annotations", place)).first()
    if found is None:
        raise WrongValue(place, "Invalid hyperlink - Object does not exist.")
    return found


def _id(url: Any, kind: str, place: str) -> int:
    found = id_of(url, kind)
    if found is None:
        raise WrongValue(place, f'"{str(url)[:200]}" is not a valid URL of one of {kind}.')
    return found


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongValue(name, "Not a valid string.")
    return value


def _list(sent: Mapping[str, Any], name: str) -> list[Any]:
    value = sent.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > robotfiles.MOST_FILES:
        raise WrongValue(name, f"Expected a list of at most {robotfiles.MOST_FILES} items.")
    return value
