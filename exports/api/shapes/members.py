"""Members that several shapes share: free objects, pairs, texts, and the reason that an action takes."""

from __future__ import annotations

from typing import Any

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

TIME = "2026-03-02T09:10:00Z"

ANYTHING: dict[str, Any] = {"type": "object", "additionalProperties": True}
TEXTS = {"type": "array", "items": {"type": "string"}}
PAIRS = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
}


@extend_schema_field(ANYTHING)
class Anything(serializers.JSONField):
    """A JSON object with keys of the sender's choice."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            message = "This must be an object."
            raise serializers.ValidationError(message)
        return super().to_internal_value(data)


@extend_schema_field(PAIRS)
class Pairs(serializers.JSONField):
    """Headers: name and value, repeats and order kept."""


@extend_schema_field(TEXTS)
class Texts(serializers.JSONField):
    """A list of texts."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
            message = "This must be a list of texts."
            raise serializers.ValidationError(message)
        return data


class Text(serializers.CharField):
    """A text and nothing else: DRF would take a number for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


TEXT_COLUMNS = {
    **serializers.ModelSerializer.serializer_field_mapping,
    models.CharField: Text,
    models.TextField: Text,
}


class Why(serializers.Serializer[Any]):
    """A reason, kept in the audit trail."""

    why = Text(max_length=500, required=False, default="", allow_blank=True)
    example = {"why": "Asked for by the supplier, ticket 4711"}


class WhyNeeded(serializers.Serializer[Any]):
    """A reason that must be given."""

    why = Text(max_length=500, help_text="Kept in the audit trail.")
    example = {"why": "Supplier 4711 now exists in the ERP"}
