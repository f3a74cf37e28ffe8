"""Saved views."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from exports.api.shapes.members import TIME, Text, Texts
from exports.models import SavedView


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class FilterField(serializers.Field[Any, Any, Any, Any]):
    """The list's parameters and their values, as a bulk job takes them."""

    def to_representation(self, value: str) -> dict[str, str]:
        return dict(parse_qsl(value, keep_blank_values=True))

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict) or not all(isinstance(text, str) for text in data.values()):
            message = "This must be an object of texts."
            raise serializers.ValidationError(message)
        return data


class ViewShape(serializers.ModelSerializer[SavedView]):
    """A list under a name."""

    page = serializers.ChoiceField(choices=["documents", "attempts"])
    name = Text(max_length=80)
    owner = Text(source="owner.username", read_only=True)
    shared = serializers.BooleanField(default=False)
    filter = FilterField(source="query", default=dict)
    columns = Texts(default=list)  # type: ignore[arg-type]  # a callable that makes a list
    sort = Text(max_length=60, default="", allow_blank=True)

    class Meta:
        model = SavedView
        fields = ["id", "page", "name", "owner", "shared", "filter", "columns", "sort", "changed_at"]
        read_only_fields = ["changed_at"]
        validators: list[Any] = []

    example: dict[str, Any] = {
        "id": 4, "page": "attempts", "name": "Rejected by the ERP", "owner": "anna", "shared": True,
        "filter": {"state": "failed", "reason": "rejected"}, "columns": [], "sort": "", "changed_at": TIME,
    }  # fmt: skip

    def to_internal_value(self, data: Any) -> Any:
        given = super().to_internal_value(data)
        return {**given, "filter": given.pop("query", {})}


class ViewName(serializers.Serializer[Any]):
    """Another name."""

    name = Text(max_length=80)
    example = {"name": "Rejected by the ERP"}
