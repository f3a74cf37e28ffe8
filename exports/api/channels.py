"""Channels, what was sent through them, and sending it again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports.api.configuration import Configured, crud
from exports.api.described import raises
from exports.api.filters import ChannelFilters, EventDeliveryFilters
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.channels import (
    ChannelMade,
    ChannelShape,
    EventDeliveryRow,
    EventDeliveryShown,
    Redelivered,
    Since,
)
from exports.api.shapes.configuration import filled
from exports.api.shapes.members import Why
from exports.events import redelivery
from exports.models import EventDelivery
from pipelines import channels
from pipelines.models import Channel


class Channels(Configured):
    """A channel tells others what happens: a signed webhook, Slack, Microsoft Teams, or mail."""

    model = Channel
    noun = "channel"
    tag = "Channels"
    serializer_class = ChannelShape
    filterset_class = ChannelFilters
    verbs = {
        **crud("channel"),
        "test": "pipelines.test_channel",
        "rotate": "pipelines.change_channel",
        "enable": "pipelines.change_channel",
        "redeliver": "exports.redeliver_eventdelivery",
    }

    @raises("refused")
    @extend_schema(request=ChannelShape, responses={201: ChannelMade})
    def create(self, request: Request) -> Response:
        """Create a channel. The reply has the signing secret of a webhook, this once."""
        shape = ChannelShape(data=request.data, context=self.get_serializer_context())
        shape.is_valid(raise_exception=True)
        channel = filled(shape)
        response = made(channel, channels.save(channel, by=self.principal, address=shape.new_address), 201)
        response["Location"] = request.build_absolute_uri(f"{request.path}/{channel.pk}")
        return response

    @raises("refused")
    def partial_update(self, request: Request, pk: str) -> Response:
        context = self.get_serializer_context()
        shape = ChannelShape(self.get_object(), data=request.data, partial=True, context=context)
        shape.is_valid(raise_exception=True)
        channel = filled(shape)
        channels.save(channel, by=self.principal, address=shape.new_address)
        return Response(self.get_serializer(channel).data)

    @extend_schema(request=None, responses=EventDeliveryShown)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send a test event now, whatever the channel is subscribed to. What came of it stands in the reply."""
        return Response(EventDeliveryShown(redelivery.test(self.get_object(), by=self.principal)).data)

    @raises("refused")
    @extend_schema(request=None, responses=ChannelMade)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Renew the signing secret, shown this once. The former one signs too, for 24 hours."""
        channel = self.get_object()
        return made(channel, channels.rotate(channel, by=self.principal), 200)

    @raises("refused")
    @extend_schema(request=None, responses=ChannelShape)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Enable a channel that was disabled. What happened meanwhile is not sent."""
        return Response(self.get_serializer(channels.enable(self.get_object(), by=self.principal)).data)

    @raises("refused")
    @extend_schema(request=Since, responses=Redelivered)
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """Send every message again that happened since a time and was given up."""
        channel, given = self.get_object(), self.given(request, Since)
        number = redelivery.redeliver_failed(channel, given["since"], by=self.principal, why=given["why"])
        return Response(Redelivered({"messages": number}).data)


class EventDeliveries(Listed, Shown, Resource):
    """An event delivery is one message to one channel: what is sent, every try, and what came back."""

    model = EventDelivery
    noun = "event_delivery"
    tag = "Channels"
    lookup_value_regex = "[0-9a-f-]{36}"
    filterset_class = EventDeliveryFilters
    verbs = {
        **dict.fromkeys(("list", "retrieve"), "exports.view_eventdelivery"),
        "redeliver": "exports.redeliver_eventdelivery",
    }

    def rows(self) -> Any:
        rows = EventDelivery.objects.all()
        return rows.defer("payload") if self.action == "list" else rows.prefetch_related("tried")

    def get_serializer_class(self) -> type[Any]:
        return EventDeliveryRow if self.action == "list" else EventDeliveryShown

    @raises("refused")
    @extend_schema(request=Why, responses=EventDeliveryShown)
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: str) -> Response:
        """Send a message again, under the same id, whether it was delivered or given up."""
        delivery, given = self.get_object(), self.given(request, Why)
        redelivery.redeliver(delivery, by=self.principal, why=given["why"])
        return Response(EventDeliveryShown(self.get_object()).data)


def made(channel: Channel, secret: str, code: int) -> Response:
    """The channel with its secret, which is not kept for a repeated request."""
    channel.signing_secret = secret or None  # type: ignore[attr-defined]  # for the shape alone
    response = Response(ChannelMade(channel).data, status=code)
    response.shown_once = ("signing_secret",)  # type: ignore[attr-defined]  # read by idempotency
    response["Cache-Control"] = "no-store"
    return response
