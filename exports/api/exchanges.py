"""What went over the wire and what came of it: exchanges, artifacts, deliveries. Read-only; bytes are downloads."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from exports.api.described import named, raises
from exports.api.downloads import download
from exports.api.filters import ArtifactFilters, DeliveryFilters, ExchangeFilters
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.attempts import ArtifactRow, DeliveryRow, ExchangeRow, ExchangeShown
from exports.models import Artifact, Delivery, Exchange

UUID = "[0-9a-f-]{36}"
BYTES = {(200, "*/*"): OpenApiTypes.ANY}
"""As they were kept: of any media type, JSON too, so nothing is said of their shape (OpenAPI 3.1, 4.8.14.2)."""
"""A download has its own type."""


def media_type_of(headers: list[list[str]]) -> str:
    """What the headers say the body is."""
    found = [pair[1] for pair in headers if len(pair) == 2 and pair[0].lower() == "content-type"]
    return found[0] if found else "application/octet-stream"


class Exchanges(Listed, Shown, Resource):
    """An exchange is one request and its reply. Headers are pairs as sent and received, secrets redacted."""

    model = Exchange
    noun = "exchange"
    tag = "Exchanges"
    lookup_value_regex = UUID
    filterset_class = ExchangeFilters
    verbs = dict.fromkeys(("list", "retrieve", "request_body", "reply_body"), "exports.view_exchange")

    def rows(self) -> Any:
        unread = ("request_headers", "reply_headers") if self.action == "list" else ()
        columns = [field.name for field in Exchange._meta.concrete_fields if field.name not in unread]
        kept = ("request_content", "reply_content") if self.action in {"list", "retrieve"} else ()
        told = [f"{content}__purged_at" for content in kept]
        return Exchange.objects.select_related("run", *kept).only(*columns, "run__name", *told)

    def get_serializer_class(self) -> type[Any]:
        return ExchangeRow if self.action == "list" else ExchangeShown

    @named("download_request_body")
    @raises("purged")
    @extend_schema(responses=BYTES)
    @action(detail=True, methods=["get"], url_path="request/body")
    def request_body(self, request: Request, pk: str) -> FileResponse:
        """Download the body that was sent, as far as it is kept; secrets are redacted."""
        exchange = self.get_object()
        return self.body(exchange, exchange.request_content, exchange.request_headers, "request")

    @named("download_reply_body")
    @raises("purged")
    @extend_schema(responses=BYTES)
    @action(detail=True, methods=["get"], url_path="reply/body")
    def reply_body(self, request: Request, pk: str) -> FileResponse:
        """Download the body that came back, as far as it is kept; `reply_size` says how much there was."""
        exchange = self.get_object()
        return self.body(exchange, exchange.reply_content, exchange.reply_headers, "reply")

    def body(self, exchange: Exchange, content: Any, headers: list[list[str]], side: str) -> FileResponse:
        if content is None:
            raise NotFound
        return download(content, name=f"{side}-{exchange.pk}", media_type=media_type_of(headers))


class Artifacts(Listed, Shown, Resource):
    """An artifact is bytes under a reference key, made by a stage run."""

    model = Artifact
    noun = "artifact"
    tag = "Exchanges"
    lookup_value_regex = UUID
    serializer_class = ArtifactRow
    filterset_class = ArtifactFilters
    verbs = dict.fromkeys(("list", "retrieve", "content"), "exports.view_artifact")

    @named("download_artifact")
    @raises("purged")
    @extend_schema(responses=BYTES)
    @action(detail=True, methods=["get"])
    def content(self, request: Request, pk: str) -> FileResponse:
        """Download an artifact's bytes."""
        artifact = self.get_object()
        return download(artifact.content, name=artifact.name or artifact.key, media_type=artifact.media_type)


class Deliveries(Listed, Shown, Resource):
    """A delivery is the receipt that an artifact is at a place, and how that is known."""

    model = Delivery
    noun = "delivery"
    tag = "Exchanges"
    lookup_value_regex = UUID
    serializer_class = DeliveryRow
    filterset_class = DeliveryFilters
    verbs = dict.fromkeys(("list", "retrieve"), "exports.view_delivery")
