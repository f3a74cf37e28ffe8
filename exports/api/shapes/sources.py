"""Sources and claims. Secrets are named in configs and never stand there."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.configuration import ConfiguredShape, Own, filled
from exports.api.shapes.members import TIME, Anything
from exports.models import Claim
from exports.sources import acts
from exports.states import claim_choices
from pipelines import sourcing
from pipelines.models import Destination, Queue, Source

STATE = ("last_at", "next_at", "last_found", "last_taken", "lag_seconds", "errors", "error", "error_at")
"""Columns of a source's state that its shape shows."""


class SourceShape(ConfiguredShape):
    """Where documents come from, how often it is asked, and how it is doing."""

    kind = serializers.ChoiceField(choices=sourcing.choices(), help_text="Set once.")
    queue = Own(queryset=Queue.objects)
    destination = Own(queryset=Destination.objects, allow_null=True, required=False)
    config = Anything(required=False, help_text="By the kind; it names secrets and holds none.")
    arrives = serializers.ChoiceField(
        choices=sourcing.arrival_choices(), required=False, help_text="What happens to a document that came in."
    )
    last_at = serializers.DateTimeField(source="state_last_at", read_only=True, allow_null=True, help_text="Last poll.")
    next_at = serializers.DateTimeField(source="state_next_at", read_only=True, allow_null=True, help_text="Next poll.")
    last_found = serializers.IntegerField(source="state_last_found", read_only=True, allow_null=True)
    last_taken = serializers.IntegerField(source="state_last_taken", read_only=True, allow_null=True)
    lag_seconds = serializers.IntegerField(
        source="state_lag_seconds", read_only=True, allow_null=True, help_text="How long the oldest thing had waited."
    )
    errors = serializers.IntegerField(  # type: ignore[assignment]  # a member, which DRF takes off the class
        source="state_errors", read_only=True, allow_null=True, help_text="Turns in a row that failed."
    )
    error = serializers.CharField(source="state_error", read_only=True, allow_null=True)
    error_at = serializers.DateTimeField(source="state_error_at", read_only=True, allow_null=True)

    class Meta:
        model = Source
        fields = [
            "id", "name", "kind", "queue", "destination", "config", "arrives", "every_seconds", "slowest_seconds",
            "paused_at", "paused_why", *STATE,
        ]  # fmt: skip
        read_only_fields = ["paused_at", "paused_why"]
        extra_kwargs = {
            name: {"min_value": sourcing.LEAST_SECONDS, "max_value": sourcing.MOST_SECONDS}
            for name in ("every_seconds", "slowest_seconds")
        }

    example: dict[str, Any] = {
        "id": 7, "name": "Acme's Confirmed tab", "kind": "rossum", "queue": 3, "destination": 4,
        "config": {"base_url": "https://acme.rossum.app/api/v1", "queues": [205], "username": "waybill@acme.example"},
        "arrives": "export", "every_seconds": 30, "slowest_seconds": 300, "paused_at": None, "paused_why": "",
        "last_at": TIME, "next_at": TIME, "last_found": 5, "last_taken": 2, "lag_seconds": 40, "errors": 0,
        "error": "", "error_at": None,
    }  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wrong: dict[str, list[str]] = {}
        for problem in acts.problems(filled(self, attrs)):
            column, _, message = problem.partition(": ")
            wrong.setdefault(column, []).append(message)
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class SourceTested(serializers.Serializer[Any]):
    """What a test saw."""

    ok = serializers.BooleanField()
    message = serializers.CharField()
    reason = serializers.CharField(help_text="Of the error, as attempts have them; empty where all was well.")
    example = {"ok": True, "message": "Logged in. Queues: AP invoices (5 confirmed). It took 210 ms.", "reason": ""}


class ClaimRow(serializers.ModelSerializer[Claim]):
    """One thing that a source took."""

    source = serializers.IntegerField(source="source_id", read_only=True)  # type: ignore[assignment]  # likewise
    document = serializers.IntegerField(source="document_id", read_only=True, allow_null=True)
    state = serializers.ChoiceField(choices=claim_choices(), read_only=True)

    class Meta:
        model = Claim
        fields = [
            "id", "source", "key", "document", "state", "outcome", "reason", "message", "error", "rounds", "tries",
            "not_before", "created_at", "changed_at",
        ]  # fmt: skip
        read_only_fields = fields

    example: dict[str, Any] = {
        "id": 81, "source": 7, "key": "https://acme.rossum.app/api/v1/annotations/70110", "document": 12,
        "state": "reported", "outcome": "exported", "reason": "", "message": "", "error": "", "rounds": 1, "tries": 0,
        "not_before": TIME, "created_at": TIME, "changed_at": TIME,
    }  # fmt: skip
