"""Bulk jobs: asked for, previewed, followed, stopped."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports.api import predicates
from exports.api.described import raises
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.jobs import JobAsked, JobItemRow, JobPreview, JobPreviewAsked, JobShape, JobShown
from exports.api.shapes.members import Why
from exports.bulk import asking
from exports.bulk.options import Options
from exports.models import Job
from exports.predicate import Predicate


class Jobs(Listed, Shown, Resource):
    """A job is bulk work that survives restarts. Poll it for its progress until `finished_at` is set."""

    model = Job
    noun = "job"
    tag = "Jobs"
    serializer_class = JobShape
    verbs = {
        "list": "exports.view_job",
        "retrieve": "exports.view_job",
        "create": "exports.add_job",
        "preview": "exports.add_job",
        "items": "exports.view_job",
        "pause": "exports.change_job",
        "go_on": "exports.change_job",
        "cancel": "exports.change_job",
    }

    def rows(self) -> Any:
        return Job.objects.all()

    def get_serializer_class(self) -> type[Any]:
        return JobShown if self.action == "retrieve" else JobShape

    @raises("refused")
    @extend_schema(request=JobAsked, responses={202: JobShape})
    def create(self, request: Request) -> Response:
        """Do something to all that match, with one reason. Each is done exactly once; `GET` tells what came of them."""
        given = self.given(request, JobAsked)
        made = asking.ask(
            given["kind"], self.predicate(given), by=self.principal, of=given["of"], why=given["why"],
            options=Options.read(given["options"]), token=self.token(request), expected=given["expected"],
        )  # fmt: skip
        response = Response(JobShape(self.rows().get(pk=made.pk)).data, status=status.HTTP_202_ACCEPTED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{made.pk}")
        return response

    @raises("refused")
    @extend_schema(request=JobPreviewAsked, responses=JobPreview)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """What a job would do if it were asked for now: how many, which not and why, the risk of duplicates. Nothing
        happens."""
        given = self.given(request, JobPreviewAsked)
        seen = asking.preview(
            given["kind"],
            self.predicate(given),
            by=self.principal,
            of=given["of"],
            options=Options.read(given["options"]),
        )
        return Response(JobPreview(seen).data)

    @extend_schema(responses=JobItemRow(many=True))
    @action(detail=True, methods=["get"])
    def items(self, request: Request, pk: str) -> Response:
        """What became of each; the last of the job first."""
        rows = self.get_object().items.select_related("document", "made")
        rows = rows.defer("document__metadata", "document__messages", "made__answer")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(JobItemRow(page, many=True).data)

    @raises("refused")
    @extend_schema(request=Why, responses=JobShape)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Begin nothing more until somebody lets it go on. What is done stays done."""
        asking.pause(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return Response(JobShape(self.get_object()).data)

    @raises("refused")
    @extend_schema(request=None, responses=JobShape)
    @action(detail=True, methods=["post"])
    def go_on(self, request: Request, pk: str) -> Response:
        """Let a paused job go on, also one that stopped by itself."""
        asking.go_on(self.get_object(), by=self.principal)
        return Response(JobShape(self.get_object()).data)

    @raises("refused")
    @extend_schema(request=None, responses=JobShape)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a job. What is done stays done; the rest is not begun."""
        asking.cancel(self.get_object(), by=self.principal)
        return Response(JobShape(self.get_object()).data)

    def predicate(self, given: dict[str, Any]) -> Predicate:
        """The filter, and the attempts or documents that were named one by one."""
        filters = predicates.renamed({name: str(value) for name, value in given["filter"].items()}, given["of"])
        if chosen := given["attempts"]:
            selection = predicates.SYNONYMS[given["of"]]["id"]
            filters[selection] = ",".join(str(pk) for pk in chosen)
        return Predicate.read(filters)

    def token(self, request: Request) -> str:
        """One key of one caller is one job, for ever: longer than the reply to it is kept."""
        key = request.headers.get("Idempotency-Key", "").strip()
        return hashlib.sha256(f"{self.principal.name}\0{key}".encode()).hexdigest() if key else uuid.uuid4().hex
