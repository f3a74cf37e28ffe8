"""Bulk jobs, the audit trail, and who asks."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from audit.models import Event
from exports.api.shapes.members import TIME, Anything, Texts
from exports.models import Job


class JobShape(serializers.ModelSerializer[Job]):
    """A bulk request and how far it is."""

    total = serializers.IntegerField(help_text="How many there are to do.")
    outcomes = Anything(help_text="How many ended how.")

    class Meta:
        model = Job
        fields = [
            "id", "kind", "total", "done", "outcomes", "requested_by", "why", "created_at", "finished_at",
            "cancelled_at",
        ]  # fmt: skip

    example = {
        "id": 6, "kind": "requeue", "total": 25, "done": 20, "outcomes": {"queued": 18, "already delivered": 2},
        "requested_by": "user:anna", "why": "The ERP is back", "created_at": TIME, "finished_at": None,
        "cancelled_at": None,
    }  # fmt: skip


class JobAsked(serializers.Serializer[Any]):
    """Re-queue many attempts, for one reason."""

    kind = serializers.ChoiceField(choices=[("requeue", "Re-queue attempts")], default="requeue")
    attempts = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), allow_empty=False, max_length=10_000
    )
    why = serializers.CharField(max_length=500, help_text="Kept in the audit trail.")
    example = {"kind": "requeue", "attempts": [77, 78, 81], "why": "The ERP is back"}


class EventRow(serializers.ModelSerializer[Event]):
    """Who did what to which subject, and why."""

    sealed = serializers.BooleanField(help_text="Whether the hash chain covers it already.")
    detail = Anything()

    class Meta:
        model = Event
        fields = ["id", "at", "actor", "verb", "subject", "why", "detail", "sealed"]

    example = {
        "id": 1042, "at": TIME, "actor": "user:anna", "verb": "attempt.queue", "subject": "attempt:77",
        "why": "Supplier 4711 now exists in the ERP", "detail": {}, "sealed": True,
    }  # fmt: skip


class MeShape(serializers.Serializer[Any]):
    """Who asks, for which organization, and what they may do there."""

    name = serializers.CharField(help_text="As the audit trail writes it.")
    organization = Anything(help_text="id, name and slug.")
    role = serializers.CharField(allow_blank=True)
    verbs = Texts(help_text="What may be done; empty with everything for superusers.")
    everything = serializers.BooleanField()

    example = {
        "name": "key:erp-robot", "organization": {"id": 1, "name": "Acme", "slug": "acme"}, "role": "operator",
        "verbs": ["exports.view_document", "exports.requeue_attempt"], "everything": False,
    }  # fmt: skip
