"""Bringing documents in: queues/{id}/upload answers with the annotation, uploads with a task that is done already.

A file that the queue has is the same annotation, so a robot that got no answer may send it once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.policy import Principal
from exports import documents, versions
from exports.api.bodies import FormBody
from exports.models import Document, RobotUpload
from exports.protocols.rossum import people, received
from exports.protocols.rossum.received import RawFile, Sent
from exports.protocols.rossum.view import View
from exports.wire.rossum import relations as wire
from exports.wire.rossum.parameters import WrongValue
from pipelines.models import Queue


class QueueUpload(View):
    """POST: one file, one annotation."""

    verbs = {"post": "exports.add_document"}
    parser_classes = [FormBody, RawFile]

    def post(self, request: Request, pk: str) -> Response:
        queue: Queue = self.row(Queue.objects.select_related("schema", "pipeline"), pk)
        document = _bring(queue, received.read(request), self.principal)
        one = {"annotation": self.at.annotation(document.pk), "document": self.at.document(document.pk)}
        return Response({**one, "results": [one]}, status=201)


class Uploads(View):
    """POST uploads?queue={id}. The official client cuts the task's id off what it calls an annotation."""

    verbs = {"post": "exports.add_document"}
    parser_classes = [FormBody, RawFile]

    def post(self, request: Request) -> Response:
        ids = self.given.numbers("queue") or []
        if len(ids) != 1:
            raise WrongValue("queue", "Name one queue: uploads?queue=205.")
        queue = Queue.objects.select_related("schema", "pipeline").filter(pk=ids[0]).first()
        if queue is None:
            raise WrongValue("queue", "There is no such queue.")
        with transaction.atomic():
            document = _bring(queue, received.read(request), self.principal)
            upload = RobotUpload.own(queue=queue, created_by=self.principal.name[:200])
            upload.save(force_insert=True)
            upload.documents.set([document])
        task = self.at.of("tasks", upload.pk)
        return Response({"url": task, "results": [{"annotation": task, "task": task}]}, status=201)


class OneUpload(View):
    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> Response:
        row = self.row(RobotUpload.objects.all(), pk)
        creator = people.ids_of([row.created_by]).get(row.created_by, 0)
        shown = wire.upload(
            row.pk,
            queue=row.queue_id,
            organization=row.organization_id,
            creator=creator,
            created_at=row.created_at,
            documents=sorted(row.documents.values_list("pk", flat=True)),
            at=self.at,
        )
        return Response(shown)


class OneTask(View):
    """GET tasks/{id}. Never a redirect to what it made: official clients take one for an error."""

    verbs = {"get": "exports.view_document"}

    def get(self, request: Request, pk: str) -> Response:
        row = RobotUpload.objects.filter(pk=int(pk)).first()
        if row is None:
            raise NotFound
        return Response(wire.task(row.pk, created_at=row.created_at, at=self.at))


def _bring(queue: Queue, sent: Sent, by: Principal) -> Document:
    fields = dict(_values(queue, sent.values or {}))
    document, _ = documents.receive(queue, by=by, fields=fields or None, original=sent.blob, metadata=sent.metadata)
    return document


def _values(queue: Queue, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Header fields by their `rir_field_names`, as Rossum matches them ("upload:organization_unit"), or by their id."""
    for section in versions.schema(queue):
        for node in section.get("children") or ():
            if node.get("category") != "datapoint":
                continue
            names = [*(node.get("rir_field_names") or ()), node.get("id")]
            value = next((given[name] for name in names if isinstance(name, str) and name in given), None)
            if value is not None:
                if not isinstance(value, str | int | float) or isinstance(value, bool):
                    raise WrongValue("values", "Each value is a text or a number.")
                yield str(node["id"]), str(value)
