"""Attempts and their stage runs: what happened to a document, and what to do about it."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports import attempts
from exports.api import predicates
from exports.api.described import raises
from exports.api.filters import RunFilters
from exports.api.remedies import Remedies
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.attempts import AttemptRow, AttemptShown, Requeue, RunRow, RunShown, Settle
from exports.api.shapes.members import Why
from exports.bulk.acts import ATTEMPTS
from exports.models import Artifact, Attempt, Exchange, StageRun

_ROW = (
    *(f"document__{name}" for name in ("external_id", "queue_id", "organization_id", "status")),
    *(f"revision__{name}" for name in ("number", "pipeline_id", "organization_id")),
)
_UNREAD_OF_RUNS = ("traceback", "checkpoint")
_UNREAD_OF_EXCHANGES = ("request_headers", "reply_headers")


def with_parts(runs: QuerySet[Any]) -> QuerySet[Any]:
    """Stage runs with what each sent, made and delivered: a query a kind, however many there are."""
    contents = ("request_content", "reply_content")
    exchanges = Exchange.objects.defer(*_UNREAD_OF_EXCHANGES).select_related("run", *contents).only(
        *(field.name for field in Exchange._meta.concrete_fields if field.name not in _UNREAD_OF_EXCHANGES),
        "run__name",
        *(f"{content}__purged_at" for content in contents),
    )  # fmt: skip
    return runs.defer(*_UNREAD_OF_RUNS).prefetch_related(
        Prefetch("exchanges", exchanges), Prefetch("artifacts", Artifact.objects.all()), "deliveries"
    )


class Attempts(Remedies, predicates.Asked, Listed, Shown, Resource):
    """An attempt is one try at exporting one document through one revision. A re-queue makes a new one."""

    model = Attempt
    noun = "attempt"
    tag = "Attempts"
    of = ATTEMPTS
    verbs = {
        "list": "exports.view_attempt",
        "retrieve": "exports.view_attempt",
        "requeue": "exports.requeue_attempt",
        "cancel": "exports.cancel_attempt",
        "pause": "exports.cancel_attempt",
        "resume": "exports.cancel_attempt",
        "settle": "exports.settle_attempt",
        "ignore": "exports.ignore_attempt",
        "heed": "exports.ignore_attempt",
        "delivered_elsewhere": "exports.settle_attempt",
        "ask": "exports.settle_attempt",
    }

    @extend_schema(parameters=predicates.described(ATTEMPTS))
    def list(self, request: Request, **place: str) -> Response:
        return super().list(request)

    def rows(self, found: QuerySet[Any] | None = None) -> Any:
        rows = Attempt.objects.all() if found is None else found
        rows = rows.select_related("document", "revision").defer("answer").only(
            *(field.name for field in Attempt._meta.concrete_fields if field.name != "answer"),
            *_ROW,
        )  # fmt: skip
        return (
            rows.prefetch_related(Prefetch("runs", with_parts(StageRun.objects.all())))
            if self.action == "retrieve"
            else rows
        )

    def get_serializer_class(self) -> type[Any]:
        return AttemptShown if self.action == "retrieve" else AttemptRow

    @raises("refused")
    @extend_schema(request=Requeue, responses={202: AttemptRow})
    @action(detail=True, methods=["post"])
    def requeue(self, request: Request, pk: str) -> Response:
        """Repeat an attempt that has ended, as a new one. Asked twice for the same attempt, it is repeated once.

        An attempt whose outcome is unknown is settled first. With `frozen` the very bytes leave that it sent, under
        the same keys; where not all of them are kept, it is refused and says why."""
        given = self.given(request, Requeue)
        made = attempts.requeue(
            self.get_object(),
            by=self.principal,
            why=given["why"],
            resume_from=given["resume_from"],
            newest=given["newest"],
            frozen=given["frozen"],
            although_delivered=given["although_delivered"],
            trigger="robot" if self.principal.name.startswith("key:") else "person",
        )
        return self.queued(request, made)

    @raises("refused")
    @extend_schema(request=Why, responses=AttemptRow)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop an attempt that has not ended. Its document goes back to where it can be exported from."""
        attempt = attempts.cancel(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return Response(AttemptRow(self.rows().get(pk=attempt.pk)).data)

    @raises("refused")
    @extend_schema(request=Why, responses=AttemptRow)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Hold an attempt that is queued or waiting until it is resumed. Its tries are kept, its document stays
        exporting. Pausing twice is pausing once."""
        attempt = attempts.pause(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return Response(AttemptRow(self.rows().get(pk=attempt.pk)).data)

    @raises("refused")
    @extend_schema(request=Why, responses=AttemptRow)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Let a paused attempt go on. It is due now, whenever its next try would have been."""
        attempt = attempts.resume(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return Response(AttemptRow(self.rows().get(pk=attempt.pk)).data)

    @raises("refused")
    @extend_schema(request=Settle, responses={200: AttemptRow, 202: AttemptRow})
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: str) -> Response:
        """Say what became of an attempt whose outcome is unknown, after a look at the other side.

        200: it was delivered, and has succeeded; 202: it was not, and the new attempt is queued."""
        given = self.given(request, Settle)
        settled = attempts.settle(
            self.get_object(),
            by=self.principal,
            delivered=given["delivered"],
            reference=given["reference"],
            why=given["why"],
            frozen=given["frozen"],
        )
        if given["delivered"]:
            return Response(AttemptRow(self.rows().get(pk=settled.pk)).data)
        return self.queued(request, settled)

    def queued(self, request: Request, made: Attempt) -> Response:
        response = Response(AttemptRow(self.rows().get(pk=made.pk)).data, status=status.HTTP_202_ACCEPTED)
        response["Location"] = request.build_absolute_uri(request.path.rsplit("/", 2)[0] + f"/{made.pk}")
        return response


class Runs(Listed, Shown, Resource):
    """A stage run is one run of one stage inside an attempt, with its messages and what it changed."""

    model = StageRun
    noun = "stage_run"
    tag = "Attempts"
    lookup_value_regex = "[0-9a-f-]{36}"
    filterset_class = RunFilters
    verbs = {"list": "exports.view_stagerun", "retrieve": "exports.view_stagerun"}

    def rows(self) -> Any:
        rows = StageRun.objects.defer(*_UNREAD_OF_RUNS)
        return with_parts(rows) if self.action == "retrieve" else rows

    def get_serializer_class(self) -> type[Any]:
        return RunShown if self.action == "retrieve" else RunRow
