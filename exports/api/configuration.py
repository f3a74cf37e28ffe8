"""Queues, schemas, triggers and destinations, and the secrets that open them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports import breakers
from exports.api.described import named, raises
from exports.api.filters import DestinationFilters, QueueFilters, SecretFilters, TriggerFilters
from exports.api.problems import wrong
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.configuration import QueueShape, SchemaShape, TriggerShape, filled
from exports.api.shapes.destinations import DestinationShape, SecretRow, SecretValue, Tested
from exports.api.shapes.members import Why
from pipelines import configuration, destinations, vault
from pipelines.models import Destination, Queue, Schema, Secret, Trigger


def crud(model: str) -> dict[str, str]:
    """The verbs of a configuration resource."""
    return {
        "list": f"pipelines.view_{model}",
        "retrieve": f"pipelines.view_{model}",
        "create": f"pipelines.add_{model}",
        "partial_update": f"pipelines.change_{model}",
        "destroy": f"pipelines.delete_{model}",
    }


class Configured(Listed, Shown, Resource):
    """POST, PATCH and DELETE on configuration that is one row."""

    newest_first = False

    @raises("refused")
    def create(self, request: Request) -> Response:
        shape = self.get_serializer(data=request.data)
        shape.is_valid(raise_exception=True)
        row = configuration.save(filled(shape), by=self.principal)
        response = Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{row.pk}")
        return response

    @raises("refused")
    def partial_update(self, request: Request, pk: str) -> Response:
        shape = self.get_serializer(self.get_object(), data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        return Response(self.get_serializer(configuration.save(filled(shape), by=self.principal)).data)

    @raises("in_use")
    def destroy(self, request: Request, pk: str) -> Response:
        configuration.delete(self.get_object(), by=self.principal)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Queues(Configured):
    """A queue is a stream of documents that share a schema and a pipeline."""

    model = Queue
    noun = "queue"
    tag = "Queues"
    serializer_class = QueueShape
    filterset_class = QueueFilters
    verbs = crud("queue")


class Schemas(Configured):
    """A schema says which fields a queue's documents have."""

    model = Schema
    noun = "schema"
    tag = "Queues"
    serializer_class = SchemaShape
    verbs = crud("schema")


class Triggers(Configured):
    """A trigger begins exports without a person: when a document is confirmed, or on a schedule."""

    model = Trigger
    noun = "trigger"
    tag = "Queues"
    serializer_class = TriggerShape
    filterset_class = TriggerFilters
    verbs = crud("trigger")


class Destinations(Configured):
    """A destination is a system that receives: whom its requests may reach, how fast, and whether it is paused."""

    model = Destination
    noun = "destination"
    tag = "Destinations"
    serializer_class = DestinationShape
    filterset_class = DestinationFilters
    verbs = {
        **crud("destination"),
        "test": "pipelines.test_destination",
        "pause": "pipelines.pause_destination",
        "resume": "pipelines.pause_destination",
        "close_breaker": "pipelines.pause_destination",
    }

    @raises("refused")
    @extend_schema(request=None, responses=Tested)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Test the connection: log in, write, read and remove a probe file where it is a file store."""
        return Response(Tested(destinations.test(self.get_object(), by=self.principal)).data)

    @raises("refused")
    @extend_schema(request=Why, responses=DestinationShape)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Pause a destination: attempts wait in their queue until it is resumed."""
        destinations.pause(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return Response(self.get_serializer(self.get_object()).data)

    @raises("refused")
    @extend_schema(request=None, responses=DestinationShape)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Resume a paused destination."""
        destinations.resume(self.get_object(), by=self.principal)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=Why, responses=DestinationShape)
    @action(detail=True, methods=["post"])
    def close_breaker(self, request: Request, pk: str) -> Response:
        """Let what waits for a destination that turned attempts away be sent now. Turned away again, the breaker opens
        again; closed already, nothing happens."""
        breakers.close(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return Response(self.get_serializer(self.get_object()).data)


_PLACE = [
    OpenApiParameter("destination", int, OpenApiParameter.QUERY, description="The destination whose secret it is."),
    OpenApiParameter("pipeline", int, OpenApiParameter.QUERY, description="The pipeline whose secret it is."),
]


class Secrets(Listed, Resource):
    """A secret is write-only: its name, its place and who set it can be read, its value never."""

    model = Secret
    noun = "secret"
    tag = "Destinations"
    serializer_class = SecretRow
    filterset_class = SecretFilters
    newest_first = False
    lookup_url_kwarg = "name"
    lookup_value_regex = "[^/]{1,100}"
    verbs = {"list": "pipelines.view_secret", "keep": "pipelines.change_secret", "destroy": "pipelines.delete_secret"}

    def rows(self) -> Any:
        return Secret.objects.defer("sealed")

    @named("put_secret")
    @extend_schema(request=SecretValue, responses=SecretRow)
    def keep(self, request: Request, name: str) -> Response:
        """Set a secret, of a destination, of a pipeline, or of the whole organization. Stages name it {secret.NAME}."""
        given = self.given(request, SecretValue)
        place = {"destination": given["destination"], "pipeline": given["pipeline"]}
        secret = vault.put(name, given["value"], by=self.principal, **place)
        return Response(SecretRow(secret).data)

    @raises("invalid")
    @extend_schema(parameters=_PLACE)
    def destroy(self, request: Request, name: str) -> Response:
        """Remove a secret. Stages that name it fail as misconfigured from then on."""
        place = {f"{at}_id": self.place(request, at) for at in ("destination", "pipeline")}
        secret = self.filter_queryset(self.get_queryset()).filter(name=name, **place).first()
        if secret is None:
            from rest_framework.exceptions import NotFound

            raise NotFound
        self.check_object_permissions(request, secret)
        vault.remove(secret, by=self.principal)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def place(self, request: Request, at: str) -> int | None:
        given = request.query_params.get(at)
        if given is not None and not (given.isascii() and given.isdigit() and len(given) < 19):
            raise wrong(at, "This is an id: a whole number.")
        return int(given) if given else None
