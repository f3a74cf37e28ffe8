"""Attempts, their stage runs, and everything those sent, got back, made and delivered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports import states
from exports.api.shapes.members import TIME, Anything, Pairs, Text, Texts
from exports.models import Artifact, Attempt, Content, Delivery, Exchange, StageRun

RUN_ID = "019530d2-7c00-7000-8000-000000000001"


class AttemptRow(serializers.ModelSerializer[Attempt]):
    """An attempt as lists show it."""

    document = serializers.IntegerField(source="document_id", allow_null=True)
    external_id = serializers.CharField(source="document.external_id", default="", help_text="The document's.")
    queue = serializers.IntegerField(source="document.queue_id", default=None, allow_null=True)
    pipeline = serializers.IntegerField(source="revision.pipeline_id")
    revision = serializers.IntegerField(source="revision.number", help_text="The number of the pipeline's revision.")
    repeats = serializers.IntegerField(source="repeats_id", allow_null=True, help_text="The attempt it repeats.")
    group = serializers.IntegerField(source="group_id", allow_null=True, help_text="The failure group of its cause.")
    state = serializers.ChoiceField(choices=states.attempt_choices())
    reason = serializers.ChoiceField(choices=states.reason_choices(), allow_blank=True)
    resolution = serializers.ChoiceField(
        choices=states.resolution_choices(), allow_blank=True, help_text="What became of a failure; empty: it is open."
    )

    class Meta:
        model = Attempt
        fields = [
            "id", "document", "external_id", "queue", "pipeline", "revision", "number", "repeats", "trigger",
            "requested_by", "why", "resume_from", "frozen", "state", "reason", "stage", "message", "http_status",
            "tries", "group", "due_at", "created_at", "started_at", "finished_at", "resolution", "resolved_at",
            "reference",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": 77, "document": 12, "external_id": "inv-0042", "queue": 3, "pipeline": 5, "revision": 2, "number": 1,
        "repeats": None, "trigger": "person", "requested_by": "user:anna", "why": "", "resume_from": "",
        "frozen": False,
        "state": "failed", "reason": "rejected", "stage": "Create draft", "message": "Unknown supplier 4711",
        "group": 9,
        "http_status": 422, "tries": 0, "due_at": TIME, "created_at": TIME, "started_at": TIME, "finished_at": TIME,
        "resolution": "", "resolved_at": None, "reference": "",
    }  # fmt: skip


def _is_kept(content: Content | None) -> bool:
    return content is not None and content.purged_at is None


class ExchangeRow(serializers.ModelSerializer[Exchange]):
    """One request and its reply, without headers and bodies."""

    attempt = serializers.IntegerField(source="attempt_id")
    run = serializers.UUIDField(source="run_id")
    stage = serializers.CharField(source="run.name")
    request_kept = serializers.SerializerMethodField(help_text="Whether request/body can be read.")
    reply_kept = serializers.SerializerMethodField(help_text="Whether reply/body can be read.")
    timings = Anything()

    class Meta:
        model = Exchange
        fields = [
            "id", "attempt", "run", "stage", "purpose", "method", "url", "request_size", "request_sha256",
            "request_kept", "idempotency_key", "status", "reply_size", "reply_truncated", "reply_kept", "timings",
            "error", "begun_at", "ended_at",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": RUN_ID, "attempt": 77, "run": RUN_ID, "stage": "Create draft", "purpose": "request", "method": "POST",
        "url": "https://erp.example/api/invoices", "request_size": 412, "request_sha256": "9f86d081…",
        "request_kept": True, "idempotency_key": "1c0f…", "status": 422, "reply_size": 96, "reply_truncated": False,
        "reply_kept": True, "timings": {"connect": 12, "first_byte": 80, "total": 81}, "error": "", "begun_at": TIME,
        "ended_at": TIME,
    }  # fmt: skip

    def get_request_kept(self, exchange: Exchange) -> bool:
        return _is_kept(exchange.request_content)

    def get_reply_kept(self, exchange: Exchange) -> bool:
        return _is_kept(exchange.reply_content)


class ExchangeShown(ExchangeRow):
    """One request and its reply with their headers; secrets are redacted. Bodies are downloads of their own."""

    request_headers = Pairs()
    reply_headers = Pairs()

    class Meta(ExchangeRow.Meta):
        fields = [*ExchangeRow.Meta.fields, "request_headers", "reply_headers"]

    example = {
        **ExchangeRow.example,
        "request_headers": [["Content-Type", "application/json"]],
        "reply_headers": [["Content-Type", "application/json"], ["X-Request-Id", "af01"]],
    }


class ArtifactRow(serializers.ModelSerializer[Artifact]):
    """Bytes under a reference key, made by a stage run."""

    attempt = serializers.IntegerField(source="attempt_id")
    run = serializers.UUIDField(source="run_id")

    class Meta:
        model = Artifact
        fields = ["id", "attempt", "run", "key", "name", "media_type", "size", "sha256", "created_at"]

    example: dict[str, Any] = {
        "id": RUN_ID, "attempt": 77, "run": RUN_ID, "key": "erp_payload", "name": "payload.json",
        "media_type": "application/json", "size": 412, "sha256": "9f86d081…", "created_at": TIME,
    }  # fmt: skip


class DeliveryRow(serializers.ModelSerializer[Delivery]):
    """The receipt: this artifact is at that place, proven by that."""

    attempt = serializers.IntegerField(source="attempt_id")
    run = serializers.UUIDField(source="run_id")
    details = Anything()

    class Meta:
        model = Delivery
        fields = ["id", "attempt", "run", "key", "place", "size", "sha256", "how", "details", "delivered_at"]

    example: dict[str, Any] = {
        "id": RUN_ID, "attempt": 77, "run": RUN_ID, "key": "erp_payload", "place": "sftp://files.example/in/42.json",
        "size": 412, "sha256": "9f86d081…", "how": "size compared after rename", "details": {}, "delivered_at": TIME,
    }  # fmt: skip


class RunRow(serializers.ModelSerializer[StageRun]):
    """One run of one stage inside an attempt."""

    attempt = serializers.IntegerField(source="attempt_id")
    state = serializers.ChoiceField(choices=states.run_choices())
    messages = serializers.ListField(child=Anything())
    operations = serializers.ListField(child=Anything(), help_text="What it changed in the document's fields.")
    detached = Texts(help_text="The reference keys that it detached.")
    progress = Anything(allow_null=True)

    class Meta:
        model = StageRun
        fields = [
            "id", "attempt", "name", "kind", "position", "state", "tries", "reason", "note", "place", "messages",
            "operations", "detached", "progress", "begun_at", "finished_at",
        ]  # fmt: skip

    example: dict[str, Any] = {
        "id": RUN_ID, "attempt": 77, "name": "Create draft", "kind": "rest_api", "position": 2, "state": "failed",
        "tries": 1, "reason": "rejected", "note": "Unknown supplier 4711", "place": "", "messages": [],
        "operations": [], "detached": [], "progress": None, "begun_at": TIME, "finished_at": TIME,
    }  # fmt: skip


class RunShown(RunRow):
    """One run of one stage with what it sent, made and delivered."""

    exchanges = ExchangeRow(many=True)
    artifacts = ArtifactRow(many=True)
    deliveries = DeliveryRow(many=True)

    class Meta(RunRow.Meta):
        fields = [*RunRow.Meta.fields, "exchanges", "artifacts", "deliveries"]

    example = {
        **RunRow.example,
        "exchanges": [ExchangeRow.example],
        "artifacts": [ArtifactRow.example],
        "deliveries": [],
    }


class AttemptShown(AttemptRow):
    """An attempt with its stage runs, and what each of them sent, made and delivered."""

    runs = RunShown(many=True)

    class Meta(AttemptRow.Meta):
        fields = [*AttemptRow.Meta.fields, "runs"]

    example = {**AttemptRow.example, "runs": [RunShown.example]}


class Requeue(serializers.Serializer[Any]):
    """Do it again, in a new attempt."""

    why = Text(max_length=500, help_text="Kept in the audit trail.")
    resume_from = Text(
        max_length=100, required=False, default="", allow_blank=True,
        help_text="The stage to begin with; the results of those before it are taken over.",
    )  # fmt: skip
    newest = serializers.BooleanField(
        allow_null=True,
        default=None,
        help_text="Through the newest revision (true), the same one (false), or what fits the failure (null).",
    )
    frozen = serializers.BooleanField(
        required=False, default=False,
        help_text="Exactly the bytes that it sent, under the same keys, in place of what today's fields give.",
    )  # fmt: skip
    although_delivered = serializers.BooleanField(
        required=False, default=False, help_text="Send once more what has been delivered; it may be booked twice."
    )
    example = {"why": "Supplier 4711 now exists in the ERP", "resume_from": "", "newest": None}


class Settle(serializers.Serializer[Any]):
    """What a look at the other side showed of an attempt whose outcome is unknown."""

    delivered = serializers.BooleanField(help_text="Whether the other side has it.")
    reference = Text(
        max_length=200, required=False, default="", allow_blank=True, help_text="Its id there; needed when delivered."
    )
    why = Text(max_length=500, help_text="Kept in the audit trail.")
    frozen = serializers.BooleanField(
        required=False, default=False, help_text="Not delivered: send exactly the same bytes, under the same keys."
    )
    example = {"delivered": True, "reference": "ERP-991", "why": "Found in the ERP by invoice number"}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["delivered"] and not attrs["reference"].strip():
            message = "Say under which reference the other side has it."
            raise serializers.ValidationError({"reference": message})
        return attrs
