"""What clients ask of an annotation by its own address: start, confirm, cancel, postpone, reject, delete and purge."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from exports import documents, versions
from exports.models import Document
from exports.protocols.rossum import filters
from exports.protocols.rossum.annotations import every
from exports.protocols.rossum.errors import refused
from exports.protocols.rossum.view import View
from exports.states import Status
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of
from pipelines.models import Queue

WHY = "Asked for over Rossum's protocol."
MOST_PURGED = 1000
"""By one request."""


class _Verb(View):
    """POST without a body. 204: done, or done already."""

    http_method_names = ["post"]

    def post(self, request: Request, pk: str) -> Response:
        self.act(self.row(every(), pk))
        return Response(status=204)

    def act(self, document: Document) -> None:
        raise NotImplementedError


class Start(View):
    """A review begins. `statuses` narrows where it may begin from; who has it already keeps it."""

    verbs = {"post": "exports.change_document"}

    def post(self, request: Request, pk: str) -> Response:
        document = self.row(every(), pk)
        wanted = self.body().get("statuses")
        if wanted is not None and (not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted)):
            raise WrongValue("statuses", "This must be a list of statuses.")
        with transaction.atomic():
            locked = versions.lock(document)
            if wanted and locked.status not in filters.known_statuses("statuses", wanted):
                raise refused(f"The annotation is {locked.status}.")
            documents.start_review(locked, by=self.principal)
        return Response({"annotation": self.at.annotation(document.pk), "session_timeout": "01:00:00"})


class Confirm(_Verb):
    verbs = {"post": "exports.confirm_document"}

    def act(self, document: Document) -> None:
        if document.status not in {Status.EXPORTED, Status.EXPORTING}:  # confirmed already, and gone on since
            documents.confirm(document, by=self.principal)


class Cancel(_Verb):
    verbs = {"post": "exports.change_document"}

    def act(self, document: Document) -> None:
        documents.cancel_review(document, by=self.principal)


class Postpone(_Verb):
    verbs = {"post": "exports.change_document"}

    def act(self, document: Document) -> None:
        documents.postpone(document, by=self.principal, why=WHY)


class Delete(_Verb):
    verbs = {"post": "exports.delete_document"}

    def act(self, document: Document) -> None:
        documents.delete(document, by=self.principal, why=WHY)


class Reject(View):
    """`note_content` is the reason that the audit trail keeps."""

    verbs = {"post": "exports.change_document"}

    def post(self, request: Request, pk: str) -> Response:
        note = self.body().get("note_content")
        why = note.strip()[:500] if isinstance(note, str) else ""
        documents.reject(self.row(every(), pk), by=self.principal, why=why or WHY)
        return Response({"status": Status.REJECTED.value, "note": None})


class Approve(View):
    """Waybill has no workflows, so nothing waits for an approval; what is confirmed counts as approved."""

    verbs = {"post": "exports.confirm_document"}

    def post(self, request: Request, pk: str) -> Response:
        document = self.row(every(), pk)
        if document.status not in {Status.CONFIRMED, Status.EXPORTING, Status.EXPORTED}:
            raise refused(f"The annotation is {document.status} and in no workflow. Confirm it instead.")
        return Response({"status": document.status})


class PurgeDeleted(View):
    """Erases deleted annotations: those that are named, those of a queue, or both. Others are left as they are."""

    verbs = {"post": "exports.purge_document"}

    def post(self, request: Request) -> Response:
        sent = self.body()
        found = self._named(sent.get("annotations")) | self._of_queue(sent.get("queue"))
        if not sent.get("annotations") and not sent.get("queue"):
            raise WrongValue("annotations", "Name annotations, or a queue.")
        if len(found) > MOST_PURGED:
            raise WrongValue("annotations", f"{len(found)} annotations at once are too many: {MOST_PURGED} at most.")
        for document in Document.objects.filter(pk__in=found).order_by("pk"):
            documents.purge(document, by=self.principal, why=WHY)
        return Response(status=204)

    def _named(self, given: Any) -> set[int]:
        if given is None:
            return set()
        ids = [id_of(one, "annotations") for one in given] if isinstance(given, list) else [None]
        if None in ids or len(ids) > MOST_PURGED:
            raise WrongValue("annotations", f"This must be a list of at most {MOST_PURGED} URLs of annotations.")
        return set(Document.objects.filter(pk__in=ids, status=Status.DELETED).values_list("pk", flat=True))

    def _of_queue(self, given: Any) -> set[int]:
        if given is None:
            return set()
        pk = id_of(given, "queues")
        queue = Queue.objects.filter(pk=pk).first() if pk is not None else None
        if queue is None:
            raise WrongValue("queue", "Invalid hyperlink - Object does not exist.")
        rows = Document.objects.filter(queue=queue, status=Status.DELETED).order_by("pk")
        return set(rows.values_list("pk", flat=True)[: MOST_PURGED + 1])
