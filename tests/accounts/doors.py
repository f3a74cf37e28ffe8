"""Two small views behind the real middleware, authentication and policy: what a request sees, and what it left behind."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from accounts import scope
from accounts.keys import KeyAuthentication, PersonAuthentication
from accounts.permissions import Policy
from pipelines.models import Queue

AUTHENTICATION = [KeyAuthentication, PersonAuthentication]


class Queues(ViewSet):
    authentication_classes = AUTHENTICATION
    permission_classes = [Policy]
    verbs = {
        "list": "pipelines.view_queue",
        "retrieve": "pipelines.view_queue",
        "create": ("pipelines.add_queue", "pipelines.change_queue"),
    }

    def list(self, request: Request) -> Response:
        return Response(
            {
                "queues": list(Queue.objects.values_list("name", flat=True)),
                "principal": request.principal.name,
                "user": str(request.user),
            }
        )

    def retrieve(self, request: Request, pk: str) -> Response:
        queue = Queue.unscoped.get(pk=pk)
        self.check_object_permissions(request, queue)
        return Response({"name": queue.name})

    def create(self, request: Request) -> Response:
        return Response({"queue": Queue.objects.create(name="made").name})

    @action(detail=False)
    def forgotten(self, request: Request) -> Response:
        """An action that `verbs` does not name."""
        return Response({})


class Plain(APIView):
    authentication_classes = AUTHENTICATION
    permission_classes = [Policy]
    verbs = {"get": "exports.view_document"}

    def get(self, request: Request) -> Response:
        return Response({})

    def delete(self, request: Request) -> Response:
        return Response({})


class Fails(Plain):
    def get(self, request: Request) -> Response:
        raise ZeroDivisionError


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def names() -> Iterator[bytes]:
        for name in Queue.objects.order_by("name").values_list("name", flat=True).iterator(chunk_size=1):
            yield name.encode()
            yield f"/{scope.current()};".encode()

    return StreamingHttpResponse(names())


urlpatterns = [
    path("queues", Queues.as_view({"get": "list", "post": "create"})),
    path("queues/<int:pk>", Queues.as_view({"get": "retrieve"})),
    path("forgotten", Queues.as_view({"get": "forgotten"})),
    path("plain", Plain.as_view()),
    path("fails", Fails.as_view()),
    path("stream", stream),
]
