"""Bulk jobs: the request, the preview, the progress and the report."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.members import TIME, Anything, Text
from exports.bulk import results
from exports.bulk.acts import ACTS, ATTEMPTS, DOCUMENTS
from exports.bulk.asking import Preview
from exports.models import Job, JobItem

KINDS = [(key, act.label) for key, act in ACTS.items()]
OF = [(ATTEMPTS, "Attempts"), (DOCUMENTS, "Documents")]


class JobShape(serializers.ModelSerializer[Job]):
    """A bulk request and how far it is."""

    filter = Anything(source="predicate", help_text="What it was asked for, by the parameters of the lists.")
    options = Anything(help_text="How it is done; what is not named has its default.")

    class Meta:
        model = Job
        fields = [
            "id", "kind", "of", "filter", "options", "state", "paused_why", "expected", "total", "todo", "done",
            "requested_by", "why", "created_at", "begun_at", "finished_at", "cancelled_at",
        ]  # fmt: skip

    example = {
        "id": 6, "kind": "requeue", "of": "attempts", "filter": {"group": "12", "open": "1"}, "options": {"canary": 5},
        "state": "running", "paused_why": "", "expected": 25, "total": 27, "todo": 25, "done": 20,
        "requested_by": "user:anna", "why": "The ERP is back", "created_at": TIME, "begun_at": TIME,
        "finished_at": None, "cancelled_at": None,
    }  # fmt: skip


class JobShown(JobShape):
    """With the report: every figure counts the job's items, so the parts add up to `total`."""

    report = serializers.SerializerMethodField()

    class Meta(JobShape.Meta):
        fields = [*JobShape.Meta.fields, "report"]

    example = {
        **JobShape.example,
        "report": {
            "total": 27, "todo": 5, "done": 0, "awaited": 2, "results": {"delivered": 17, "new_error": 1},
            "refused": {}, "excluded": {"Already delivered.": 2},
        },
    }  # fmt: skip

    def get_report(self, job: Job) -> dict[str, Any]:
        return results.report(job).json()


class JobPreviewAsked(serializers.Serializer[Any]):
    """What would be done, to what, and how."""

    kind = serializers.ChoiceField(choices=KINDS, default="requeue", help_text="What is done to each.")
    of = serializers.ChoiceField(choices=OF, default=ATTEMPTS, help_text="What the filter lists.")
    filter = serializers.DictField(
        default=dict, help_text='The parameters of the lists (docs/desk.md), for example {"group": 12, "open": 1}.'
    )
    attempts = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), default=list, max_length=10_000,
        help_text="Ids of what `of` names, where they are chosen one by one.",
    )  # fmt: skip
    options = serializers.DictField(
        default=dict, help_text="canary, stop_above, per_minute, order, in_turn, resume, newest, frozen, assignee."
    )
    example: Any = {"kind": "requeue", "filter": {"group": 12, "open": 1}, "options": {"canary": 5}}

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given["filter"] and not given["attempts"]:
            raise serializers.ValidationError(
                {"attempts": "Give a filter or ids; whoever wants everything says so with a filter, such as state."}
            )
        return given


class JobAsked(JobPreviewAsked):
    """Do something to many, for one reason."""

    why = Text(max_length=500, help_text="Kept in the audit trail.")
    expected = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, allow_null=True, default=None, help_text="What the preview said, to compare."
    )
    example: Any = {"kind": "requeue", "attempts": [77, 78, 81], "why": "The ERP is back"}


class JobPreview(serializers.Serializer[Preview]):
    """What a job would do if it were asked for now."""

    total = serializers.IntegerField(help_text="What matches.")
    count = serializers.IntegerField(help_text="Of these, what would be done.")
    excluded = Anything(help_text="How many are left out, by reason.")
    repeats_sends = serializers.IntegerField(help_text="How many had reached the other side before a stage failed.")
    inexact = Anything(help_text="Of the first 1,000, how many cannot be sent exactly as they were, by reason.")
    seconds = serializers.FloatField(allow_null=True, help_text="About how long it takes.")
    example = {
        "total": 27,
        "count": 25,
        "excluded": {"delivered": 2},
        "repeats_sends": 3,
        "inexact": {},
        "seconds": 12.5,
    }


class JobItemRow(serializers.ModelSerializer[JobItem]):
    """One subject of a job, and what came of it."""

    external_id = Text(source="document.external_id")
    made = serializers.IntegerField(source="made_id", allow_null=True, help_text="The new attempt.")
    attempt = serializers.IntegerField(source="attempt_id", allow_null=True)
    document = serializers.IntegerField(source="document_id")

    class Meta:
        model = JobItem
        fields = ["position", "document", "external_id", "attempt", "outcome", "said", "made", "result"]

    example = {
        "position": 1, "document": 12, "external_id": "INV-1", "attempt": 77, "outcome": "done", "said": "",
        "made": 90, "result": "delivered",
    }  # fmt: skip
