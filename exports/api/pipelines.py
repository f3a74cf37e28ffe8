"""Pipelines, the stages of their drafts, and their revisions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from exports.api.configuration import Configured, crud
from exports.api.described import named, raises, with_etag
from exports.api.etags import etag, expected
from exports.api.filters import PipelineFilters, RevisionFilters
from exports.api.problems import wrong
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.configuration import (
    Checked,
    Differences,
    PipelineRow,
    PipelineShown,
    Publish,
    Returned,
    ReturnTo,
    RevisionRow,
    RevisionShown,
    StageShape,
)
from pipelines import drafts, publishing
from pipelines.models import Pipeline, Revision, Stage

_STAGES = Prefetch("stages", Stage.objects.prefetch_related("queues"))


class Pipelines(Configured):
    """A pipeline is a draft that people edit. Publishing freezes it as a revision, which documents go through."""

    model = Pipeline
    noun = "pipeline"
    tag = "Pipelines"
    filterset_class = PipelineFilters
    verbs = {
        **crud("pipeline"),
        "check": "pipelines.view_pipeline",
        "publish": "pipelines.publish_pipeline",
        "differences": "pipelines.view_pipeline",
        "return_to": "pipelines.change_pipeline",
    }

    def rows(self) -> Any:
        return Pipeline.objects.select_related("published").defer("published__definition")

    def get_serializer_class(self) -> type[Any]:
        return PipelineShown if self.action == "retrieve" else PipelineRow

    @with_etag
    def retrieve(self, request: Request, pk: str, **place: str) -> Response:
        pipeline = self.get_object()
        response = Response(PipelineShown(pipeline).data)
        response["ETag"] = etag(pipeline.version)
        return response

    @with_etag
    @raises("refused")
    def create(self, request: Request) -> Response:
        given = self.given(request, PipelineRow)
        pipeline = drafts.create(given.pop("name"), by=self.principal, **given)
        response = self.tagged(pipeline, status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{pipeline.pk}")
        return response

    @with_etag
    @raises("refused", "precondition_failed", "stale")
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change a pipeline's name, description or limits."""
        pipeline = self.get_object()
        version = expected(request, pipeline.version)
        shape = PipelineRow(pipeline, data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        drafts.set_up(pipeline, by=self.principal, version=version, **shape.validated_data)
        return self.tagged(self.get_object())

    def tagged(self, pipeline: Pipeline, code: int = status.HTTP_200_OK) -> Response:
        response = Response(PipelineRow(pipeline).data, status=code)
        response["ETag"] = etag(pipeline.version)
        return response

    @raises("refused", "precondition_failed", "stale")
    @extend_schema(request=ReturnTo, responses=Returned)
    @action(detail=True, methods=["post"])
    def return_to(self, request: Request, pk: str) -> Response:
        """Make the draft what it was in a revision. Nothing is published by that."""
        pipeline = self.get_object()
        given = self.given(request, ReturnTo)
        version = expected(request, pipeline.version)
        revision = Revision.objects.filter(pipeline=pipeline, number=given["revision"]).first()
        if revision is None:
            raise wrong("revision", f'"{pipeline.name}" has no revision {given["revision"]}.')
        lost = drafts.return_to(revision, by=self.principal, version=version)
        return Response(Returned({"lost": lost, "pipeline": self.get_object()}).data)

    @extend_schema(request=None, responses=Checked)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: str) -> Response:
        """Say what keeps the draft from being published, and what else looks wrong. Nothing is changed."""
        found = publishing.check(self.get_object())
        publishable = not any(problem.severity == "error" for problem in found)
        return Response(Checked({"publishable": publishable, "problems": found}).data)

    @raises("not_publishable", "stale")
    @extend_schema(request=Publish, responses={201: RevisionRow, 200: RevisionRow})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        """Publish the draft as a revision. 200: nothing has changed since the published one, which is returned."""
        pipeline = self.get_object()
        before = pipeline.published_id
        revision = publishing.publish(pipeline, by=self.principal, note=self.given(request, Publish)["note"])
        code = status.HTTP_200_OK if revision.pk == before else status.HTTP_201_CREATED
        return Response(RevisionRow(revision).data, status=code)

    @named("list_pipeline_differences")
    @extend_schema(responses=Differences)
    @action(detail=True, methods=["get"])
    def differences(self, request: Request, pk: str) -> Response:
        """What publishing would change."""
        found = publishing.differences(self.get_object())
        return Response(Differences({"differences": [asdict(difference) for difference in found]}).data)


_PIPELINE = OpenApiParameter("pipeline", int, OpenApiParameter.PATH, description="The pipeline's id.")


class Stages(Listed, Shown, Resource):
    """A stage is one step of a pipeline's draft. Documents go through it once the draft is published."""

    model = Stage
    noun = "stage"
    tag = "Pipelines"
    newest_first = False
    serializer_class = StageShape
    filter_backends = []
    verbs = crud("stage")

    def rows(self) -> Any:
        return Stage.objects.filter(pipeline=self.kwargs.get("pipeline", 0)).prefetch_related("queues")

    def pipeline(self) -> Pipeline:
        found: Pipeline = get_object_or_404(Pipeline.objects.all(), pk=self.kwargs["pipeline"])
        return found

    @extend_schema(parameters=[_PIPELINE])
    def list(self, request: Request, **place: str) -> Response:
        self.pipeline()
        return super().list(request)

    @with_etag
    @extend_schema(parameters=[_PIPELINE])
    def retrieve(self, request: Request, pk: str, **place: str) -> Response:
        return self.tagged(self.get_object())

    @with_etag
    @raises("refused", "precondition_failed", "stale")
    @extend_schema(parameters=[_PIPELINE])
    def create(self, request: Request, pipeline: str) -> Response:
        """Add a stage to the draft. With If-Match: only if the draft is still at that version."""
        draft = self.pipeline()
        version = expected(request, draft.version)
        shape = StageShape(data=request.data, context={**self.get_serializer_context(), "pipeline": draft})
        shape.is_valid(raise_exception=True)
        position = shape.validated_data.get("position")
        stage = drafts.save(draft, shape.draft(), by=self.principal, version=version, position=position)
        response = self.tagged(stage, status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{stage.pk}")
        return response

    @with_etag
    @raises("refused", "precondition_failed", "stale")
    @extend_schema(parameters=[_PIPELINE])
    def partial_update(self, request: Request, pipeline: str, pk: str) -> Response:
        """Change a stage of the draft. With If-Match: only if the draft is still at that version."""
        stage = self.get_object()
        version = expected(request, stage.pipeline.version)
        shape = StageShape(stage, data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        drafts.save(
            stage.pipeline,
            shape.draft(),
            by=self.principal,
            stage=stage,
            version=version,
            position=shape.validated_data.get("position"),
        )
        return self.tagged(self.get_object())

    @raises("precondition_failed", "stale")
    @extend_schema(parameters=[_PIPELINE])
    def destroy(self, request: Request, pipeline: str, pk: str) -> Response:
        """Take a stage out of the draft; whoever waited for it waits for what it waited for. Revisions keep theirs."""
        stage = self.get_object()
        drafts.remove(stage, by=self.principal, version=expected(request, stage.pipeline.version))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def tagged(self, stage: Stage, code: int = status.HTTP_200_OK) -> Response:
        response = Response(StageShape(stage).data, status=code)
        response["ETag"] = etag(Pipeline.objects.values_list("version", flat=True).get(pk=stage.pipeline_id))
        return response


class Revisions(Listed, Shown, Resource):
    """A revision is a pipeline as it was published. It never changes; attempts point at it."""

    model = Revision
    noun = "revision"
    tag = "Pipelines"
    filterset_class = RevisionFilters
    verbs = {"list": "pipelines.view_revision", "retrieve": "pipelines.view_revision"}

    def rows(self) -> Any:
        rows = Revision.objects.all()
        return rows.defer("definition") if self.action == "list" else rows

    def get_serializer_class(self) -> type[Any]:
        return RevisionRow if self.action == "list" else RevisionShown
