"""Failure groups, and what is said of them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports import states
from exports.api.shapes.members import TIME, Text
from exports.models import FailureGroup


class GroupRow(serializers.ModelSerializer[FailureGroup]):
    """One cause of failures."""

    destination = serializers.IntegerField(source="destination_id", allow_null=True)
    pipeline = serializers.IntegerField(source="pipeline_id", allow_null=True, help_text="Of the first failure.")
    revision = serializers.IntegerField(
        source="revision.number", default=None, allow_null=True, help_text="The number, of the newest failure."
    )
    reason = serializers.ChoiceField(choices=states.reason_choices())
    state = serializers.ChoiceField(choices=states.group_choices())
    owner = Text(source="owner.username", default=None, allow_null=True)
    merged_into = serializers.IntegerField(source="merged_into_id", allow_null=True)
    split_from = serializers.IntegerField(source="split_from_id", allow_null=True)
    open_documents = serializers.IntegerField(
        help_text="Documents that failed for it and wait for somebody; without those of merged groups."
    )

    class Meta:
        model = FailureGroup
        fields = [
            "id", "state", "reason", "destination", "pipeline", "revision", "stage", "code", "pattern", "sample",
            "title", "owner", "note", "snoozed_until", "merged_into", "split_from", "split_text", "open_documents",
            "attempts_seen", "first_seen", "last_seen", "opened_at", "resolved_at",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": 9, "state": "open", "reason": "rejected", "destination": 4, "pipeline": 5, "revision": 2,
        "stage": "Create draft", "code": 422, "pattern": "supplier.id: Unknown supplier ‹value›",
        "sample": "supplier.id: Unknown supplier 4711", "title": "", "owner": None, "note": "", "snoozed_until": None,
        "merged_into": None, "split_from": None, "split_text": "", "open_documents": 25, "attempts_seen": 31,
        "first_seen": TIME, "last_seen": TIME, "opened_at": TIME, "resolved_at": None,
    }  # fmt: skip


class Note(serializers.Serializer[Any]):
    """What is kept beside the group and in the audit trail."""

    note = Text(max_length=500, required=False, default="", allow_blank=True)
    example = {"note": "Purchasing sets the supplier up"}


class Ignore(serializers.Serializer[Any]):
    """Why the cause can be ignored."""

    note = Text(max_length=500, help_text="Kept beside the group and in the audit trail.")
    example = {"note": "The supplier's own tests"}


class Snooze(Note):
    """Until when it is out of sight."""

    until = serializers.DateTimeField(help_text="A moment to come (ISO 8601).")
    example = {"until": "2046-03-02T08:00:00Z", "note": "They are back on Monday"}


class Assign(serializers.Serializer[Any]):
    """Whose it is."""

    owner = Text(max_length=150, allow_null=True, help_text="A member's user name; null for nobody.")
    example = {"owner": None}


class Merge(serializers.Serializer[Any]):
    """The group that has the same cause."""

    into = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Its id.")
    why = Text(max_length=500, required=False, default="", allow_blank=True)
    example = {"into": 9, "why": "One supplier, told in two ways"}


class Split(serializers.Serializer[Any]):
    """What the messages of the new group contain."""

    text = Text(min_length=3, max_length=200, help_text="Upper and lower case count.")
    title = Text(max_length=200, required=False, default="", allow_blank=True)
    example = {"text": "4711", "title": "The one that is blocked"}
