"""Documents on their way in: as JSON, as a form, and corrections of their fields."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from exports.api.bodies import loads
from exports.api.problems import ApiProblem
from exports.api.shapes.documents import EXAMPLE_FIELDS, FLAT, NODES
from exports.api.shapes.members import Anything, Text
from pipelines.blobs import Blob
from pipelines.models import Queue
from pipelines.problems import did_you_mean, listed

YOUR_ID = "Your id of it: sent twice, it is the same document. Without one, the original's sha256 stands for it."
MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"


@extend_schema_field(
    {
        "description": "The flat shape, or Rossum's: a list of sections, or an object with `content`.",
        "oneOf": [FLAT, {**NODES, "description": "Sections with datapoints, multivalues and tuples."}],
    }
)
class FieldsGiven(serializers.JSONField):
    """Fields in either shape; pipelines.fields says what is wrong with them, and where."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict | list):
            message = "The fields are an object, or a list of sections."
            raise serializers.ValidationError(message)
        return data


@extend_schema_field({"type": ["integer", "string"], "description": "The queue's id, or its name."})
class QueueChosen(serializers.Field[Queue, Any, Any, Any]):
    """A queue of this organization, by id or name."""

    default_error_messages = {"unknown": "There is no queue {given}.{near}"}

    def to_internal_value(self, data: Any) -> Queue:
        found = None
        by_id = isinstance(data, int) or (isinstance(data, str) and data.isascii() and data.isdigit())
        if isinstance(data, str):
            found = Queue.objects.filter(name=data).first()
        if found is None and by_id and not isinstance(data, bool) and len(str(data)) < 19:
            found = Queue.objects.filter(pk=int(data)).first()
        if found is None:
            near = (
                did_you_mean(data, Queue.objects.values_list("name", flat=True)[:200]) if isinstance(data, str) else ""
            )
            self.fail("unknown", given=repr(data)[:80], near=near)
        assert isinstance(found, Queue)
        return found


class Closed(serializers.Serializer[Any]):
    """Refuses members that it does not know: `feilds` would bring a document in without its fields."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := [str(name) for name in data if name not in self.fields]):
            known = list(self.fields)
            wrong = {
                name[:100]: f"This is unknown here.{did_you_mean(name, known) or f' Known are {listed(known)}.'}"
                for name in unknown
            }
            raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


class Original(Closed):
    """A file inside a JSON body."""

    name = Text(max_length=255)
    media_type = serializers.RegexField(
        MEDIA_TYPE,
        max_length=100,
        default="application/octet-stream",
        error_messages={"invalid": "This is no media type. Send one such as application/pdf."},
    )
    content = Text(
        help_text="base64 (RFC 4648, section 4).",
        trim_whitespace=False,
        error_messages={"blank": "The file is empty. Send it again, or send the fields without an original."},
    )

    def validate_content(self, text: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            message = f"This is not base64: {error}."
            raise serializers.ValidationError(message) from error


class DocumentSent(Closed):
    """A new document as JSON."""

    queue = QueueChosen()
    external_id = Text(max_length=200, default="", allow_blank=True, help_text=YOUR_ID)
    fields = FieldsGiven(default=None, allow_null=True)  # type: ignore[assignment]  # DRF takes declared fields out of the class
    original = Original(required=False, allow_null=True, default=None)
    metadata = Anything(default=None, allow_null=True)
    confirmed = serializers.BooleanField(default=False, help_text="Skip the review.")

    example = {
        "queue": "AP invoices",
        "external_id": "inv-0042",
        "fields": EXAMPLE_FIELDS,
        "original": {"name": "inv-0042.pdf", "media_type": "application/pdf", "content": "JVBERi0xLjcK"},
        "metadata": {"batch": "2026-03"},
        "confirmed": True,
    }

    def blob(self) -> Blob | None:
        given = self.validated_data["original"]
        if not given:
            return None
        return Blob.of(given["content"], name=given["name"], media_type=given["media_type"])


@extend_schema_field({"type": "string", "contentMediaType": "application/json"})
class JsonText(serializers.Field[Any, Any, Any, Any]):
    """JSON in a part of a form."""

    def to_internal_value(self, data: Any) -> Any:
        raw = data.read() if isinstance(data, UploadedFile) else str(data).encode("utf-8", "surrogatepass")
        try:
            return loads(raw, what="This part")
        except ApiProblem as problem:
            raise serializers.ValidationError(problem.detail) from problem


class DocumentForm(Closed):
    """A new document as a form: the original as it is, the fields as JSON."""

    queue = QueueChosen()
    external_id = Text(max_length=200, default="", allow_blank=True, help_text=YOUR_ID)
    original = serializers.FileField(
        required=False,
        default=None,
        max_length=255,
        allow_empty_file=True,
        error_messages={"invalid": "This part is no file: send the bytes with a filename, not the name alone."},
    )
    fields = JsonText(default=None)  # type: ignore[assignment]  # DRF takes declared fields out of the class
    metadata = JsonText(default=None)
    confirmed = serializers.BooleanField(default=False, help_text="Skip the review.")

    example = {
        "queue": "AP invoices",
        "external_id": "inv-0042",
        "original": "the bytes of inv-0042.pdf",
        "fields": '{"document_id": "INV-0042", "amount_total": "1250.40"}',
        "metadata": '{"batch": "2026-03"}',
        "confirmed": True,
    }

    def validate_metadata(self, given: Any) -> Any:
        return Anything(allow_null=True).run_validation(given)

    def blob(self) -> Blob | None:
        given = self.validated_data["original"]
        return None if given is None else uploaded(given)


def uploaded(given: UploadedFile) -> Blob:
    """The blob of an uploaded file, which Django keeps in memory or in a temporary file."""
    media_type = given.content_type or "application/octet-stream"
    name = given.name or ""
    if isinstance(given, TemporaryUploadedFile):
        return Blob.from_file(Path(given.temporary_file_path()), name=name, media_type=media_type)
    return Blob.of(given.read(), name=name, media_type=media_type)


_OPERATION = {
    "type": "object",
    "required": ["op"],
    "properties": {
        "op": {"type": "string", "enum": ["replace", "add", "remove"]},
        "id": {"type": "integer", "description": "Of the node."},
        "schema_id": {"type": "string", "description": "Of a field that stands once, instead of id."},
        "value": {"description": "As in Rossum: {content: {value}}, or a list of cells for a new row."},
    },
}


@extend_schema_field(_OPERATION)
class OperationGiven(serializers.JSONField):
    """One change to the tree of fields."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("op") not in ("replace", "add", "remove"):
            message = "An operation is an object whose op is replace, add or remove."
            raise serializers.ValidationError(message)
        if unknown := sorted(set(data) - {"op", "id", "schema_id", "value"}):
            message = f"An operation has op, id or schema_id, and value; not {', '.join(map(str, unknown))[:100]}."
            raise serializers.ValidationError(message)
        number = data.get("id")
        if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 19:
            number = int(number)
        named = data.get("schema_id", "")
        if not isinstance(named, str) or isinstance(number, bool) or not isinstance(number, int | None):
            message = "id is a whole number, schema_id is text."
            raise serializers.ValidationError(message)
        if number is None and not named:
            message = "An operation names its node by id or schema_id."
            raise serializers.ValidationError(message)
        return {"op": data["op"], "id": number, "schema_id": named, "value": data.get("value")}


class Correction(serializers.Serializer[Any]):
    """A change of the fields: all of them anew, or operations on some."""

    fields = FieldsGiven(required=False)  # type: ignore[assignment]  # DRF takes declared fields out of the class
    operations = serializers.ListField(child=OperationGiven(), required=False, allow_empty=False)
    version = serializers.IntegerField(required=False, help_text="The version that was read, instead of If-Match.")
    why = Text(max_length=500, required=False, default="", allow_blank=True)

    example = {
        "operations": [{"op": "replace", "schema_id": "amount_total", "value": {"content": {"value": "1250.50"}}}],
        "version": 2,
        "why": "Typing error in the total",
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("fields" in attrs) == ("operations" in attrs):
            message = "Give either fields or operations."
            raise serializers.ValidationError(message)
        return attrs


class ReviewAsked(serializers.Serializer[Any]):
    """Take a document in review."""

    take_over = serializers.BooleanField(
        required=False, default=False, help_text="Take it from whoever has it in review now."
    )
    example = {"take_over": False}
