"""Documents, their fields and the versions of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from exports import states
from exports.api.shapes.members import ANYTHING, TIME, Anything
from exports.models import Document, FieldsVersion
from pipelines import schemas
from pipelines.fields import Content

NODES = {"type": "array", "items": ANYTHING}
FINDINGS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "field": {"type": "string", "description": "The schema id."},
            "node": {"type": ["integer", "null"], "description": "The id of the datapoint, where there is one."},
            "message": {"type": "string"},
        },
        "required": ["field", "node", "message"],
    },
}
FLAT = {**ANYTHING, "description": "Each field by its schema id: text, a list of objects for a table, or of texts."}


def flat(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values as displayed, by schema id: what the flat shape takes in comes out again."""
    return {
        node["schema_id"]: _value(node)
        for section in sections
        for node in section.get("children") or ()
        if isinstance(node, Mapping) and "schema_id" in node
    }


def _value(node: Mapping[str, Any]) -> Any:
    match node.get("category"):
        case "datapoint":
            return (node.get("content") or {}).get("value") or ""
        case "tuple":
            return {cell["schema_id"]: _value(cell) for cell in node.get("children") or ()}
        case _:
            return [_value(child) for child in node.get("children") or ()]


EXAMPLE_FIELDS = {
    "document_id": "INV-0042",
    "amount_total": "1250.40",
    "line_items": [{"item_code": "A1", "item_qty": "2"}],
}


class DocumentRow(serializers.ModelSerializer[Document]):
    """A document as lists show it."""

    queue = serializers.IntegerField(source="queue_id")
    queue_name = serializers.CharField(source="queue.name")
    status = serializers.ChoiceField(choices=states.status_choices())
    has_original = serializers.SerializerMethodField()
    fields_version = serializers.IntegerField(source="fields.number", default=None, allow_null=True)
    metadata = Anything()
    messages = serializers.ListField(child=Anything(), help_text="Of the last attempt, for people.")
    assignee = serializers.CharField(
        source="assignee.username", default=None, allow_null=True, help_text="Who answers for it."
    )
    last_attempt = serializers.IntegerField(allow_null=True, help_text="The id of the newest attempt.")

    class Meta:
        model = Document
        fields = [
            "id", "external_id", "queue", "queue_name", "status", "file_name", "media_type", "has_original",
            "fields_version", "metadata", "messages", "automated", "last_attempt", "created_at", "modified_at",
            "confirmed_at", "exported_at", "export_failed_at", "reviewer", "review_began_at", "deleted_at", "purged_at",
            "assignee",
        ]  # fmt: skip

    example = {
        "id": 12, "external_id": "inv-0042", "queue": 3, "queue_name": "AP invoices", "status": "failed_export",
        "file_name": "inv-0042.pdf", "media_type": "application/pdf", "has_original": True, "fields_version": 2,
        "metadata": {}, "messages": [{"type": "error", "content": "Unknown supplier 4711", "id": "all"}],
        "automated": False, "last_attempt": 77, "created_at": TIME, "modified_at": TIME, "confirmed_at": TIME,
        "exported_at": None, "export_failed_at": TIME, "reviewer": "", "review_began_at": None, "deleted_at": None,
        "purged_at": None, "assignee": None,
    }  # fmt: skip

    def get_has_original(self, document: Document) -> bool:
        return document.original_id is not None and document.purged_at is None


class DocumentShown(DocumentRow):
    """A document with its fields as they are now, flat and as sections."""

    values = serializers.SerializerMethodField(help_text="The fields, flat.")
    content = serializers.SerializerMethodField(help_text="The fields as sections.")

    class Meta(DocumentRow.Meta):
        fields = [*DocumentRow.Meta.fields, "values", "content"]

    example = {**DocumentRow.example, "values": EXAMPLE_FIELDS, "content": []}

    @extend_schema_field(FLAT)
    def get_values(self, document: Document) -> dict[str, Any]:
        return flat(self.get_content(document))

    @extend_schema_field(NODES)
    def get_content(self, document: Document) -> Any:
        return document.fields.content if document.fields else []


class VersionRow(serializers.ModelSerializer[FieldsVersion]):
    """Who changed the fields, when and why."""

    class Meta:
        model = FieldsVersion
        fields = ["number", "by", "why", "at"]

    example = {"number": 2, "by": "user:anna", "why": "Typing error in the total", "at": TIME}


class VersionShown(VersionRow):
    """The fields as they stood at one version."""

    values = serializers.SerializerMethodField(help_text="The fields, flat.")
    content = serializers.SerializerMethodField(help_text="The fields as sections.")
    findings = serializers.SerializerMethodField(help_text="What the queue's schema finds wrong; it blocks nothing.")

    class Meta(VersionRow.Meta):
        fields = [*VersionRow.Meta.fields, "values", "content", "findings"]

    example = {**VersionRow.example, "values": EXAMPLE_FIELDS, "content": [], "findings": []}

    @extend_schema_field(FLAT)
    def get_values(self, version: FieldsVersion) -> dict[str, Any]:
        return flat(version.content)

    @extend_schema_field(NODES)
    def get_content(self, version: FieldsVersion) -> Any:
        return version.content

    @extend_schema_field(FINDINGS)
    def get_findings(self, version: FieldsVersion) -> list[dict[str, Any]]:
        schema = version.document.queue.schema
        found = schemas.judge(Content(version.content), schema.content) if schema is not None else []
        return [{"field": one.field, "node": one.node, "message": one.content} for one in found]
