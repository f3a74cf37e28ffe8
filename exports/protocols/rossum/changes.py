"""Changing an annotation: its status, messages and metadata in one request, and what stands in its fields."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from exports import annotating, documents, versions
from exports.models import Document
from exports.protocols.rossum import moves
from exports.protocols.rossum.annotations import Content, OneAnnotation, every, shapes, tree
from exports.protocols.rossum.view import View
from exports.states import Status
from exports.wire.rossum import annotations as wire
from exports.wire.rossum import operations, trees
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of
from pipelines import fields

WHY = "Over Rossum's protocol."


class ChangeableAnnotation(OneAnnotation):
    """PATCH and PUT: what is sent is changed, what cannot be changed is refused, what is read-only is ignored."""

    verbs = {
        "get": "exports.view_document",
        "patch": "exports.change_document",
        "put": "exports.change_document",
    }

    def patch(self, request: Request, pk: str) -> Response:
        document: Document = self.row(every(), pk)
        sent = self.body()
        status, messages, metadata = _status(sent), _messages(sent), sent.get("metadata")
        if metadata is not None and not isinstance(metadata, dict):
            raise WrongValue("metadata", "This must be an object.")
        self._check_links(sent, document)
        with transaction.atomic():
            if status:
                asked = moves.request_of(request, lambda moved: shapes([moved], self.at)[0])
                told = wire.told(messages or [])
                moves.move(document, status, by=self.principal, request=asked, message=told)
            if messages is not None or metadata is not None:
                annotating.annotate(document, by=self.principal, messages=messages, metadata=metadata)
        return self.shown(self.row(every(), pk))

    def put(self, request: Request, pk: str) -> Response:
        return self.patch(request, pk)

    def _check_links(self, sent: dict[str, Any], document: Document) -> None:
        """An annotation's queue, schema and document are what they are; naming them as they are is no change."""
        known = {"queue": document.queue_id, "schema": document.queue.schema_id or 0, "document": document.pk}
        for name, pk in known.items():
            if sent.get(name) is not None and id_of(sent[name], f"{name}s") != pk:
                raise WrongValue(name, "Waybill does not move an annotation to another one. Send the document anew.")


class ChangeableContent(Content):
    """PATCH: some of the tree's nodes, the others are kept; one that cannot be applied, and none is."""

    verbs = {"get": "exports.view_document", "patch": "exports.change_document"}

    def patch(self, request: Request, pk: str) -> Response:
        document = self.row(Document.objects.select_related("queue__schema", "fields"), pk)
        asked = operations.patched(self.body().get("content"))
        good, wrong = operations.judged(_tree(document), versions.schema(document.queue), asked)
        if wrong:
            raise WrongValue("content", " ".join(str(message["content"]) for message in wrong[:5]))
        documents.correct(document, by=self.principal, why=WHY, operations=good)
        return Response(tree(self, pk))


class Operations(View):
    """POST: each operation by itself. One that cannot be applied is told of in `messages`, and the others are; where
    none can be, the answer is 400."""

    verbs = {"post": "exports.change_document"}

    def post(self, request: Request, pk: str) -> Response:
        document = self.row(Document.objects.select_related("queue__schema", "fields"), pk)
        asked = operations.read(self.body().get("operations"))
        good, wrong = operations.judged(_tree(document), versions.schema(document.queue), asked)
        if wrong and not good:
            raise WrongValue("operations", " ".join(str(message["content"]) for message in wrong[:5]))
        documents.correct(document, by=self.principal, why=WHY, operations=good)
        return Response({**tree(self, pk), "messages": wrong})


class Node(View):
    """One node of an annotation's content, by the URL that the tree gives it."""

    verbs = {"get": "exports.view_document", "patch": "exports.change_document"}

    def get(self, request: Request, pk: str, node: str) -> Response:
        return Response(self._shown(pk, node))

    def patch(self, request: Request, pk: str, node: str) -> Response:
        document = self.row(Document.objects.select_related("queue__schema", "fields"), pk)
        self._shown(pk, node)
        (asked,) = operations.read([{"op": "replace", "id": int(node), "value": self.body()}])
        good, wrong = operations.judged(_tree(document), versions.schema(document.queue), [asked])
        if wrong:
            raise WrongValue("content", str(wrong[0]["content"]))
        documents.correct(document, by=self.principal, why=WHY, operations=good)
        return Response(self._shown(pk, node))

    def _shown(self, pk: str, node: str) -> dict[str, Any]:
        document = self.row(Document.objects.select_related("fields"), pk)
        found = trees.found(_tree(document).sections, int(node))
        if found is None:
            raise NotFound
        return trees.node_shown(found, document.pk, self.at)


def _tree(document: Document) -> fields.Content:
    return fields.Content(document.fields.content if document.fields else [])


def _status(sent: dict[str, Any]) -> str:
    status = sent.get("status")
    if status is None:
        return ""
    if not isinstance(status, str) or status not in set(Status):
        raise WrongValue("status", f'"{str(status)[:60]}" is not a valid choice.')
    return status


def _messages(sent: dict[str, Any]) -> list[dict[str, Any]] | None:
    if "messages" not in sent:
        return None
    read = wire.messages(sent["messages"])
    if read is None:
        raise WrongValue("messages", 'This must be a list of {"type": error, warning or info, "content": text}.')
    return read
