"""Subscriptions and pushes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.configuration import ConfiguredShape, Own
from exports.api.shapes.members import TIME
from exports.models import Push
from exports.states import status_choices
from pipelines import eventing
from pipelines.models import Queue, Subscription


class SubscriptionShape(ConfiguredShape):
    """Which events of documents are pushed, and through which queue's pipeline."""

    events = serializers.ListField(
        child=serializers.ChoiceField(choices=[*eventing.PUSHED, "document.*"]), allow_empty=False, max_length=30
    )
    queues = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=1000,
        help_text="Only documents of these; empty means of all that nothing is pushed into.",
    )
    into = Own(queryset=Queue.objects, help_text="The queue whose pipeline pushes go through; without confirmed state.")

    class Meta:
        model = Subscription
        fields = ["id", "name", "events", "queues", "into", "with_original", "active", "created_at"]
        read_only_fields = ["created_at"]

    example: dict[str, Any] = {
        "id": 4, "name": "Master data to the warehouse", "events": ["document.corrected", "document.exported"],
        "queues": [3], "into": 8, "with_original": False, "active": True, "created_at": TIME,
    }  # fmt: skip


class PushRow(serializers.ModelSerializer[Push]):
    """One event, and what was made of it."""

    subscription = serializers.IntegerField(source="subscription_id", allow_null=True)
    document = serializers.IntegerField(source="document_id")
    made = serializers.IntegerField(source="made_id", allow_null=True, help_text="The document that is exported.")
    status = serializers.ChoiceField(
        choices=status_choices(), source="made.status", allow_null=True, default=None, help_text="Of that document."
    )

    class Meta:
        model = Push
        fields = ["id", "subscription", "document", "type", "happened_at", "made", "status", "begun_at", "refused"]

    example: dict[str, Any] = {
        "id": 31, "subscription": 4, "document": 12, "type": "document.corrected", "happened_at": TIME, "made": 57,
        "status": "exported", "begun_at": TIME, "refused": "",
    }  # fmt: skip
