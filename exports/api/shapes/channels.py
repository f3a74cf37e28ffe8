"""Channels, and the messages that went through them. Addresses that are secrets come in and never go out; a signing
secret goes out once."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.configuration import ConfiguredShape
from exports.api.shapes.members import TIME, Anything, Pairs, Text, Texts
from exports.models import EventDelivery, EventTry
from exports.models.events import STATES
from pipelines import channelrules, eventing
from pipelines.models import Channel
from pipelines.refusals import Refused


def state_choices() -> list[tuple[str, str]]:
    return [(state, state.capitalize()) for state in STATES]


class Ids(serializers.ListField):
    """Ids of rows of this organization."""

    child = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class ChannelShape(ConfiguredShape):
    """A way out for events: a receiver, what it is told of, and how it is doing."""

    kind = serializers.ChoiceField(choices=eventing.kind_choices(), required=False, help_text="Set once.")
    address = Text(
        max_length=channelrules.LONGEST_ADDRESS,
        help_text="An address, or e-mail addresses with commas between. Of Slack and Teams only the host is shown.",
    )
    events = Texts(help_text='Types, for example "document.exported", "document.*" or "*".')
    queues = Ids(required=False, help_text="Only what concerns these; empty means all.")
    pipelines = Ids(required=False, help_text="Likewise.")
    destinations = Ids(required=False, help_text="Likewise.")
    allowed_hosts = Texts(required=False, help_text="Hosts that it may reach; empty allows every public one.")
    allowed_networks = Texts(required=False, help_text="Private networks that may be reached, such as 10.1.0.0/16.")

    class Meta:
        model = Channel
        fields = [
            "id", "name", "kind", "address", "events", "queues", "pipelines", "destinations", "quiet_minutes",
            "with_fields", "allowed_hosts", "allowed_networks", "active", "since", "failures", "failing_since",
            "rests_until", "disabled_at", "disabled_why",
        ]  # fmt: skip
        read_only_fields = ["since", "failures", "failing_since", "rests_until", "disabled_at", "disabled_why"]

    example: dict[str, Any] = {
        "id": 2, "name": "ERP team", "kind": "webhook", "address": "https://erp.example/waybill",
        "events": ["document.exported", "document.export_failed"], "queues": [3], "pipelines": [], "destinations": [],
        "quiet_minutes": 0, "with_fields": False, "allowed_hosts": [], "allowed_networks": [], "active": True,
        "since": TIME, "failures": 0, "failing_since": None, "rests_until": None, "disabled_at": None,
        "disabled_why": "",
    }  # fmt: skip

    new_address = ""
    """The address that was given, whole; never set on the row before it is known what of it may be shown."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        self.new_address = attrs.pop("address", "")
        kind = attrs.get("kind", self.instance.kind if isinstance(self.instance, Channel) else eventing.WEBHOOK)
        if self.new_address:
            try:
                channelrules.checked(kind, self.new_address)
            except Refused as refusal:
                raise serializers.ValidationError({"address": refusal.message.partition(": ")[2]}) from refusal
        return super().validate(attrs)


class ChannelMade(ChannelShape):
    """A channel with its new signing secret, which is shown this once."""

    signing_secret = Text(
        read_only=True, allow_null=True, help_text="whsec_…; null for other kinds, and where the reply is repeated."
    )

    class Meta(ChannelShape.Meta):
        fields = [*ChannelShape.Meta.fields, "signing_secret"]

    example = {**ChannelShape.example, "signing_secret": "whsec_…"}


class Since(serializers.Serializer[Any]):
    """From when on, and for which reason."""

    since = serializers.DateTimeField(help_text="What happened at or after this.")
    why = Text(max_length=500, required=False, default="", allow_blank=True)
    example = {"since": TIME, "why": "The receiver is mended"}


class Redelivered(serializers.Serializer[Any]):
    """How many messages are sent again."""

    messages = serializers.IntegerField()
    example = {"messages": 12}


class EventDeliveryRow(serializers.ModelSerializer[EventDelivery]):
    """One message to one channel."""

    message_id = Text(read_only=True, help_text="The webhook-id of every try.")
    channel = serializers.IntegerField(source="channel_id", read_only=True)
    event = serializers.IntegerField(source="event_id", read_only=True, allow_null=True, help_text="Of the trail.")
    state = serializers.ChoiceField(choices=state_choices(), read_only=True)

    class Meta:
        model = EventDelivery
        fields = [
            "id", "message_id", "channel", "event", "type", "subject", "state", "tries", "held_back", "happened_at",
            "created_at", "due_at", "delivered_at", "failed_at",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": "01957e2a-7d9b-7c2f-8d31-000000000042", "message_id": "msg_01957e2a7d9b7c2f8d31000000000042",
        "channel": 2, "event": 1042, "type": "document.exported", "subject": "document:12", "state": "delivered",
        "tries": 1, "held_back": 0, "happened_at": TIME, "created_at": TIME, "due_at": None, "delivered_at": TIME,
        "failed_at": None,
    }  # fmt: skip


class EventTryShape(serializers.ModelSerializer[EventTry]):
    """One try at sending a message, and what came back."""

    headers = Pairs(read_only=True, help_text="The reply's.")

    class Meta:
        model = EventTry
        fields = ["begun_at", "ended_at", "status", "headers", "body", "size", "error"]
        read_only_fields = fields

    example = {
        "begun_at": TIME, "ended_at": TIME, "status": 200, "headers": [["Content-Length", "2"]], "body": "ok",
        "size": 2, "error": "",
    }  # fmt: skip


class EventDeliveryShown(EventDeliveryRow):
    """One message with what is sent and every try."""

    payload = Anything(read_only=True, help_text="type, timestamp and data.")
    tried = EventTryShape(many=True, read_only=True, help_text="The oldest first.")

    class Meta(EventDeliveryRow.Meta):
        fields = [*EventDeliveryRow.Meta.fields, "payload", "tried"]

    example = {
        **EventDeliveryRow.example,
        "payload": {"type": "document.exported", "timestamp": TIME, "data": {"subject": "document:12"}},
        "tried": [EventTryShape.example],
    }
