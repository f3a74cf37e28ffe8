"""Destinations and the names of the secrets that open them. Values of secrets come in and never go out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.configuration import ConfiguredShape, Own
from exports.api.shapes.members import TIME, Anything, Text, Texts
from pipelines.models import Destination, Pipeline, Secret


class DestinationShape(ConfiguredShape):
    """A system that receives: whom its requests may reach, and how fast. Secrets stay inside."""

    credentials = Anything(required=False, help_text="Of a file store: type, host, user, … without secrets.")
    allowed_hosts = Texts(required=False, help_text="Hosts that stages may reach here; empty allows every public one.")
    allowed_networks = Texts(required=False, help_text="Private networks that may be reached, such as 10.1.0.0/16.")
    rate = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=0.001,
        max_value=100_000,
        help_text="Sends a second; or null.",
    )

    class Meta:
        model = Destination
        fields = [
            "id", "name", "description", "credentials", "allowed_hosts", "allowed_networks", "concurrency", "rate",
            "paused_at", "paused_why",
        ]  # fmt: skip
        extra_kwargs = {"concurrency": {"min_value": 1, "max_value": 10_000}}

    example: dict[str, Any] = {
        "id": 4, "name": "ERP", "description": "", "credentials": {}, "allowed_hosts": ["erp.example"],
        "allowed_networks": [], "concurrency": 16, "rate": None, "paused_at": None, "paused_why": "",
    }  # fmt: skip


class Finding(serializers.Serializer[Any]):
    """One thing that a test saw."""

    ok = serializers.BooleanField()
    what = Text(help_text="What was asked: the file store, or an address.")
    message = Text()
    reason = Text(allow_blank=True)
    example = {
        "ok": False, "what": "File store", "message": "files.example refused the password of user waybill.",
        "reason": "misconfigured",
    }  # fmt: skip


class Tested(serializers.Serializer[Any]):
    """What a test of the connection saw."""

    findings = Finding(many=True)

    ok = serializers.BooleanField()
    reason = Text(allow_blank=True, help_text="misconfigured, exhausted, rejected or unconfirmed.")
    message = Text()
    example = {
        "ok": False, "reason": "misconfigured",
        "message": "File store: files.example refused the password of user waybill.", "findings": [Finding.example],
    }  # fmt: skip


class SecretRow(serializers.ModelSerializer[Secret]):
    """That a secret is there, and who set it. Its value cannot be read."""

    destination = serializers.IntegerField(source="destination_id", allow_null=True)
    pipeline = serializers.IntegerField(source="pipeline_id", allow_null=True)

    class Meta:
        model = Secret
        fields = ["id", "name", "destination", "pipeline", "changed_by", "changed_at"]

    example: dict[str, Any] = {
        "id": 2, "name": "client_secret", "destination": 4, "pipeline": None, "changed_by": "user:anna",
        "changed_at": TIME,
    }  # fmt: skip


class SecretValue(serializers.Serializer[Any]):
    """The value of a secret, at most for one destination or one pipeline; else the whole organization's."""

    value = Text(write_only=True, trim_whitespace=False, max_length=100_000, style={"input_type": "password"})
    destination = Own(queryset=Destination.objects, required=False, default=None, allow_null=True)
    pipeline = Own(queryset=Pipeline.objects, required=False, default=None, allow_null=True)
    example = {"value": "s3cr3t", "destination": 4}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["destination"] and attrs["pipeline"]:
            message = "A secret belongs to a destination or to a pipeline, not to both."
            raise serializers.ValidationError(message)
        return attrs
