"""Documents: in, corrected, confirmed, exported, put aside."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from exports import arrivals, documents
from exports.api import predicates
from exports.api.bodies import FormBody, JsonBody
from exports.api.described import named, raises, with_etag
from exports.api.downloads import download
from exports.api.etags import etag, expected
from exports.api.moves import Moves
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.attempts import AttemptRow
from exports.api.shapes.documents import DocumentRow, DocumentShown, VersionRow, VersionShown
from exports.api.shapes.intake import Correction, DocumentForm, DocumentSent
from exports.api.shapes.members import Why
from exports.bulk.acts import DOCUMENTS
from exports.models import Attempt, Document, FieldsVersion
from pipelines.fields import Operation

_NUMBER = OpenApiParameter("number", int, OpenApiParameter.PATH, description="The version's number, from 1.")


class Documents(Moves, predicates.Asked, Listed, Shown, Resource):
    """A document is an original file, its captured fields and its status. A repeated `external_id` is the same one."""

    model = Document
    noun = "document"
    tag = "Documents"
    serializer_class = DocumentRow
    of = DOCUMENTS
    verbs = {
        "list": "exports.view_document",
        "retrieve": "exports.view_document",
        "create": "exports.add_document",
        "destroy": "exports.delete_document",
        "fields": "exports.view_document",
        "correct": "exports.change_document",
        "versions": "exports.view_fieldsversion",
        "version": "exports.view_fieldsversion",
        "original": "exports.view_document",
        "confirm": "exports.confirm_document",
        "export": "exports.export_document",
        "send_back": "exports.change_document",
        "postpone": "exports.change_document",
        "reject": "exports.change_document",
        "start_review": "exports.change_document",
        "cancel_review": "exports.change_document",
        "restore": "exports.change_document",
        "purge": "exports.purge_document",
        "assign": "exports.change_document",
    }

    def rows(self, found: QuerySet[Any] | None = None) -> Any:
        newest = Attempt.objects.filter(document_id=OuterRef("pk")).order_by("-number").values("pk")[:1]
        rows = Document.objects.all() if found is None else found
        rows = rows.select_related("queue", "fields", "assignee").annotate(last_attempt=Subquery(newest))
        return rows.defer("fields__content", "queue__metadata") if self.action == "list" else rows

    def get_serializer_class(self) -> type[Any]:
        return DocumentRow if self.action == "list" else DocumentShown

    def get_parsers(self) -> list[Any]:
        return [JsonBody(), FormBody()] if getattr(self, "action", None) in {"create", None} else [JsonBody()]

    @extend_schema(parameters=predicates.described(DOCUMENTS))
    def list(self, request: Request, **place: str) -> Response:
        return super().list(request)

    @with_etag
    def retrieve(self, request: Request, pk: str, **place: str) -> Response:
        return self.shown(self.get_object())

    @with_etag
    @raises("rejected", "refused")
    @extend_schema(
        request={"application/json": DocumentSent, "multipart/form-data": DocumentForm},
        responses={201: DocumentShown, 200: DocumentShown},
    )
    def create(self, request: Request) -> Response:
        """Bring a document in. 201: it is new; 200: the queue has one with this external id, the same document:
        sent again with changes it is corrected, unless its export has begun.

        As JSON the fields come flat or in Rossum's shape, the original as base64 or not at all. As a form the
        original is the part `original`, and `fields` and `metadata` are parts with JSON."""
        as_form = (request.content_type or "").startswith("multipart/")
        sent = (DocumentForm if as_form else DocumentSent)(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        document, created = arrivals.receive(
            given["queue"],
            by=self.principal,
            external_id=given["external_id"],
            fields=given["fields"],
            original=sent.blob(),
            metadata=given["metadata"],
            confirmed=given["confirmed"],
        )
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        response = self.shown(document, code)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{document.pk}")
        return response

    @raises("refused")
    @extend_schema(parameters=[OpenApiParameter("why", str, OpenApiParameter.QUERY, description="A reason.")])
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a document. It keeps its history and can be sent back to review until it is purged."""
        documents.delete(self.get_object(), by=self.principal, why=request.query_params.get("why", "")[:500])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @with_etag
    @named("get_document_fields")
    @extend_schema(responses=VersionShown)
    @action(detail=True, methods=["get"])
    def fields(self, request: Request, pk: str) -> Response:
        """The fields as they are now. The ETag is their version."""
        return self.current(self.get_object())

    @with_etag
    @named("correct_document_fields")
    @raises("refused", "rejected", "stale", "precondition_failed", "precondition_required")
    @extend_schema(request=Correction, responses=VersionShown)
    @fields.mapping.patch
    def correct(self, request: Request, pk: str) -> Response:
        """Correct the fields, as a new version. `operations` change some fields; `fields` replaces all of them, and
        needs the version that was read: as If-Match, or as `version`."""
        document = self.get_object()
        given = self.given(request, Correction)
        now = document.fields.number if document.fields else 0
        version = expected(request, now, required="fields" in given)
        if "fields" in given:
            changes: dict[str, Any] = {"fields": given["fields"]}
        else:
            changes = {"operations": [Operation(**operation) for operation in given["operations"]]}
        documents.correct(document, by=self.principal, why=given["why"], version=version, **changes)
        return self.current(self.get_object())

    @named("list_document_versions")
    @extend_schema(responses=VersionRow(many=True), filters=False)
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, pk: str) -> Response:
        """Every version of the fields: who changed them, when and why."""
        self.check_parameters(request)
        return self.page(FieldsVersion.objects.filter(document=self.get_object()).defer("content"), VersionRow)

    @named("get_document_version")
    @extend_schema(responses=VersionShown, parameters=[_NUMBER])
    @action(detail=True, methods=["get"], url_path="versions/(?P<number>[0-9]{1,9})")
    def version(self, request: Request, pk: str, number: str) -> Response:
        """The fields as they stood at one version."""
        found = FieldsVersion.objects.filter(document=self.get_object(), number=number).first()
        if found is None:
            raise NotFound
        return Response(VersionShown(found).data)

    @named("download_document_original")
    @raises("purged")
    @extend_schema(responses={(200, "*/*"): OpenApiTypes.ANY})
    @action(detail=True, methods=["get"])
    def original(self, request: Request, pk: str) -> FileResponse:
        """Download the original file, byte for byte as it came in, under its own media type."""
        document = self.get_object()
        if document.original is None:
            raise NotFound
        name = f"document-{document.pk}"
        return download(document.original, name=document.file_name, media_type=document.media_type, otherwise=name)

    @raises("refused")
    @extend_schema(request=None, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: str) -> Response:
        """Confirm a document that is in review. Where its queue has no confirmed state, its export begins."""
        documents.confirm(self.get_object(), by=self.principal)
        return self.shown(self.get_object())

    @raises("refused")
    @extend_schema(request=Why, responses={202: AttemptRow})
    @action(detail=True, methods=["post"])
    def export(self, request: Request, pk: str) -> Response:
        """Ask for a document's export. 202: the attempt is queued; follow it at /attempts/ID."""
        trigger = "robot" if self.principal.name.startswith("key:") else "person"
        why = self.given(request, Why)["why"]
        attempt = documents.ask_export(self.get_object(), by=self.principal, trigger=trigger, why=why)
        response = Response(AttemptRow(attempt).data, status=status.HTTP_202_ACCEPTED)
        response["Location"] = request.build_absolute_uri(
            request.path.split("/documents/")[0] + f"/attempts/{attempt.pk}"
        )
        return response

    def shown(self, document: Document, code: int = status.HTTP_200_OK) -> Response:
        fresh = document if hasattr(document, "last_attempt") else self.rows().get(pk=document.pk)
        response = Response(DocumentShown(fresh).data, status=code)
        response["ETag"] = etag(fresh.fields.number if fresh.fields else 0)
        return response

    def current(self, document: Document) -> Response:
        if document.fields is None:
            raise NotFound
        response = Response(VersionShown(document.fields).data)
        response["ETag"] = etag(document.fields.number)
        return response
