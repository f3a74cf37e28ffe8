"""The audit trail, and who asks."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from audit.models import Event
from exports.api.shapes.members import TIME, Anything, Texts


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


class _Fault(serializers.Serializer[Any]):
    """One place where the trail is not what was recorded."""

    what = serializers.CharField()
    event = serializers.IntegerField(allow_null=True)
    seal = serializers.IntegerField(allow_null=True)


class Proof(serializers.Serializer[Any]):
    """What a look along the whole chain found."""

    number = serializers.IntegerField(help_text="Of the newest seal.")
    digest = serializers.CharField(help_text="Of the newest seal, in hexadecimal digits.")
    whole = serializers.BooleanField()
    faults = _Fault(many=True)
    example = {"number": 4711, "digest": "0" * 64, "whole": True, "faults": []}
