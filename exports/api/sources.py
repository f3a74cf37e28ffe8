"""Sources, and what each took from its other side."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports.api.configuration import Configured, crud
from exports.api.described import raises
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.configuration import filled
from exports.api.shapes.members import Why
from exports.api.shapes.sources import STATE, ClaimRow, SourceShape, SourceTested
from exports.api.sourcefilters import ClaimFilters, SourceFilters
from exports.models import Claim, SourceState
from exports.sources import acts
from pipelines.models import Source


class Sources(Configured):
    """A source brings documents in by itself and tells the other side how each ended."""

    model = Source
    noun = "source"
    tag = "Sources"
    serializer_class = SourceShape
    filterset_class = SourceFilters
    verbs = {
        **crud("source"),
        "test": "pipelines.test_source",
        "poll": "pipelines.poll_source",
        "pause": "pipelines.pause_source",
        "resume": "pipelines.pause_source",
    }

    def rows(self) -> Any:
        states = SourceState.objects.filter(source=OuterRef("pk"))
        told = {f"state_{name}": Subquery(states.values(name)[:1]) for name in STATE}
        return Source.objects.annotate(**told)

    @raises("refused")
    def create(self, request: Request) -> Response:
        """Create a source. It looks within seconds."""
        shape = self.get_serializer(data=request.data)
        shape.is_valid(raise_exception=True)
        row = acts.save(filled(shape), by=self.principal)
        response = Response(self._shown(row), status=status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{row.pk}")
        return response

    @raises("refused")
    def partial_update(self, request: Request, pk: str) -> Response:
        shape = self.get_serializer(self.get_object(), data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        return Response(self._shown(acts.save(filled(shape), by=self.principal)))

    @raises("in_use")
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a source for whose things nobody there waits any more. Its documents stay."""
        acts.delete(self.get_object(), by=self.principal)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=SourceTested)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Test the connection: log in and look. Nothing is changed there."""
        finding = acts.test(self.get_object(), by=self.principal)
        return Response(SourceTested({"ok": finding.ok, "message": finding.message, "reason": finding.reason}).data)

    @raises("refused")
    @extend_schema(request=None, responses=SourceShape)
    @action(detail=True, methods=["post"])
    def poll(self, request: Request, pk: str) -> Response:
        """Look now: as soon as a worker comes to it."""
        source = self.get_object()
        acts.poll(source, by=self.principal)
        return Response(self._shown(source))

    @raises("refused")
    @extend_schema(request=Why, responses=SourceShape)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Pause a source: nothing is taken, and the other side is told nothing."""
        return Response(
            self._shown(acts.pause(self.get_object(), by=self.principal, why=self.given(request, Why)["why"]))
        )

    @raises("refused")
    @extend_schema(request=None, responses=SourceShape)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Resume a paused source."""
        return Response(self._shown(acts.resume(self.get_object(), by=self.principal)))

    def _shown(self, source: Source) -> Any:
        """As it stands now, with what its state says."""
        return self.get_serializer(self.rows().get(pk=source.pk)).data


class Claims(Listed, Shown, Resource):
    """A claim is one thing that a source took: which document it is, and whether the other side was told."""

    model = Claim
    noun = "claim"
    tag = "Sources"
    serializer_class = ClaimRow
    filterset_class = ClaimFilters
    verbs = {
        **dict.fromkeys(("list", "retrieve"), "exports.view_claim"),
        "try_again": "exports.change_claim",
        "let_go": "exports.change_claim",
    }

    def rows(self) -> Any:
        return Claim.objects.select_related("source")

    @raises("refused")
    @extend_schema(request=None, responses=ClaimRow)
    @action(detail=True, methods=["post"])
    def try_again(self, request: Request, pk: str) -> Response:
        """Try the step now that a claim waits for or is blocked at."""
        return Response(ClaimRow(acts.try_again(self.get_object(), by=self.principal)).data)

    @raises("refused")
    @extend_schema(request=Why, responses=ClaimRow)
    @action(detail=True, methods=["post"])
    def let_go(self, request: Request, pk: str) -> Response:
        """Forget a thing of the other side, which is told nothing. Its document stays."""
        why = self.given(request, Why)["why"]
        return Response(ClaimRow(acts.let_go(self.get_object(), by=self.principal, why=why)).data)
