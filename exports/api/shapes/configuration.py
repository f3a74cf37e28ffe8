"""Configuration: queues, schemas, triggers, pipelines with stages and revisions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from exports.api.shapes.members import TEXT_COLUMNS, TIME, Anything, Text, Texts
from pipelines import configuration, stages, triggering
from pipelines.definition import StageDraft
from pipelines.models import Destination, Pipeline, Queue, Revision, Schema, Stage, Trigger


class Own(serializers.PrimaryKeyRelatedField[Any]):
    """A row of this organization, by id; one of another is as unknown as one that never was."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, int) or isinstance(data, bool) or not 0 <= data < 2**63:
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)


def unique_name(shape: Any, name: str, **within: Any) -> str:
    """`name`, unless another row of the same kind has it already."""
    others = shape.Meta.model.objects.filter(name=name, **within)
    if shape.instance is not None:
        others = others.exclude(pk=shape.instance.pk)
    if others.exists():
        message = f'There is already a {shape.Meta.model._meta.verbose_name} named "{name}".'
        raise serializers.ValidationError(message)
    return name


class ConfiguredShape(serializers.ModelSerializer[Any]):
    """Of configuration that is one row: what pipelines.configuration would refuse is told beside its member."""

    serializer_field_mapping = TEXT_COLUMNS

    def validate_name(self, name: str) -> str:
        return unique_name(self, name)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wrong: dict[str, list[str]] = {}
        for problem in configuration.problems(filled(self, attrs)):
            column, _, message = problem.partition(": ")
            wrong.setdefault(column, []).append(message)
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


def filled(shape: Any, values: dict[str, Any] | None = None) -> Any:
    """The row with these values, or with those that were validated; not saved."""
    row = shape.instance if shape.instance is not None else shape.Meta.model.own()
    for column, value in (shape.validated_data if values is None else values).items():
        setattr(row, column, value)
    return row


class SchemaShape(ConfiguredShape):
    """The fields that a queue's documents have."""

    content = serializers.ListField(child=Anything(), default=list, help_text="Sections, in Rossum's form.")

    class Meta:
        model = Schema
        fields = ["id", "name", "content"]

    example = {
        "id": 1,
        "name": "Invoices",
        "content": [
            {
                "category": "section",
                "id": "header",
                "label": "Header",
                "children": [{"category": "datapoint", "id": "amount_total", "label": "Total", "type": "number"}],
            }
        ],
    }


class QueueShape(ConfiguredShape):
    """A stream of documents that share a schema and a pipeline."""

    schema = Own(queryset=Schema.objects, allow_null=True, required=False)
    pipeline = Own(queryset=Pipeline.objects, allow_null=True, required=False)
    metadata = Anything(required=False)

    class Meta:
        model = Queue
        fields = ["id", "name", "schema", "pipeline", "use_confirmed_state", "metadata"]

    example = {
        "id": 3, "name": "AP invoices", "schema": 1, "pipeline": 5, "use_confirmed_state": True, "metadata": {},
    }  # fmt: skip


class TriggerShape(ConfiguredShape):
    """What begins exports without a person, for the confirmed documents of one queue."""

    queue = Own(queryset=Queue.objects)
    on = serializers.ChoiceField(choices=triggering.choices(), required=False, help_text="What fires it.")

    class Meta:
        model = Trigger
        fields = ["id", "name", "queue", "on", "every_minutes", "active", "next_at", "last_at", "last_count"]
        extra_kwargs = {"every_minutes": {"min_value": 1, "max_value": 527_040}}
        read_only_fields = ["next_at", "last_at", "last_count"]

    example: dict[str, Any] = {
        "id": 6, "name": "Every night", "queue": 3, "on": "schedule", "every_minutes": 1440, "active": True,
        "next_at": TIME, "last_at": TIME, "last_count": 12,
    }  # fmt: skip


class StageShape(serializers.ModelSerializer[Stage]):
    """One step of a pipeline's draft. `config` is JSON text, kept as it was typed."""

    serializer_field_mapping = TEXT_COLUMNS
    pipeline = serializers.IntegerField(source="pipeline_id", read_only=True)
    kind = serializers.ChoiceField(choices=stages.choices())
    config = Text(default="{}", trim_whitespace=False, max_length=1_000_000, help_text="JSON text.")
    run_after = Texts(required=False, help_text="Names of the stages that must be done before.")
    destination = Own(queryset=Destination.objects, allow_null=True, required=False)
    queues = Own(queryset=Queue.objects, many=True, required=False, help_text="Only these queues; none means all.")

    class Meta:
        model = Stage
        fields = [
            "id", "pipeline", "name", "kind", "config", "run_after", "destination", "queues", "active", "always_run",
            "position",
        ]  # fmt: skip
        extra_kwargs = {"position": {"max_value": 10_000}}

    example: dict[str, Any] = {
        "id": 9, "pipeline": 5, "name": "Keep only the newest reply", "kind": "purge",
        "config": '{"keys": ["erp_reply"]}', "run_after": [], "destination": None, "queues": [],
        "active": True, "always_run": False, "position": 0,
    }  # fmt: skip

    def draft(self) -> StageDraft:
        """The whole stage as pipelines.drafts takes it: what was given, else what was there."""
        given, row = self.validated_data, self.instance if isinstance(self.instance, Stage) else None
        destination = given.get("destination", row.destination if row else None)
        queues = given.get("queues", row.queues.all() if row else ())
        return StageDraft(
            name=given.get("name", row.name if row else ""),
            kind=given.get("kind", row.kind if row else ""),
            config=given.get("config", row.config if row else "{}"),
            run_after=tuple(given.get("run_after", row.run_after if row else ())),
            active=given.get("active", row.active if row else True),
            always_run=given.get("always_run", row.always_run if row else False),
            queues=frozenset(queue.pk for queue in queues),
            destination_id=destination.pk if destination else None,
            destination_name=destination.name if destination else "",
        )

    def validate_name(self, name: str) -> str:
        pipeline = self.instance.pipeline if isinstance(self.instance, Stage) else self.context["pipeline"]
        return unique_name(self, name, pipeline=pipeline)


class PipelineRow(serializers.ModelSerializer[Pipeline]):
    """A pipeline: the draft that people edit, and the number of the revision that documents go through."""

    serializer_field_mapping = TEXT_COLUMNS
    published = serializers.IntegerField(source="published.number", read_only=True, default=None, allow_null=True)
    version = serializers.IntegerField(read_only=True, help_text="Rises with every change of the draft; its ETag.")

    class Meta:
        model = Pipeline
        fields = ["id", "name", "description", "every_status_counts", "max_tries", "published", "version"]
        extra_kwargs = {"max_tries": {"max_value": 100}}

    example: dict[str, Any] = {
        "id": 5, "name": "Simple API", "description": "", "every_status_counts": False, "max_tries": 6,
        "published": 2, "version": 14,
    }  # fmt: skip

    def validate_name(self, name: str) -> str:
        return unique_name(self, name)


class PipelineShown(PipelineRow):
    """A pipeline with the stages of its draft, in the order of the page."""

    stages = StageShape(many=True, read_only=True)

    class Meta(PipelineRow.Meta):
        fields = [*PipelineRow.Meta.fields, "stages"]

    example = {**PipelineRow.example, "stages": [StageShape.example]}


class DraftProblem(serializers.Serializer[Any]):
    """What is wrong with a draft, and where."""

    stage = Text(allow_blank=True)
    path = Text(allow_blank=True)
    message = Text()
    severity = serializers.ChoiceField(choices=[("error", "Blocks publication"), ("warning", "Does not block")])
    line = serializers.IntegerField(help_text="Of the config's text, from 1; 0 where there is none to name.")
    example = {
        "stage": "Create draft", "path": "config.request.url", "message": "There is no secret named erp_token.",
        "severity": "error", "line": 4,
    }  # fmt: skip


class Checked(serializers.Serializer[Any]):
    """Whether the draft could be published now, and what is wrong with it."""

    publishable = serializers.BooleanField()
    problems = DraftProblem(many=True)
    example = {"publishable": False, "problems": [DraftProblem.example]}


class Publish(serializers.Serializer[Any]):
    """What changed, for those who read the list of revisions."""

    note = Text(max_length=2000, required=False, default="", allow_blank=True)
    example = {"note": "Sends the purchase order number too"}


class ReturnTo(serializers.Serializer[Any]):
    """The revision whose stages the draft shall have again."""

    revision = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="Its number in the pipeline.")
    example = {"revision": 1}


class Returned(serializers.Serializer[Any]):
    """The draft as it is now, and what could not be brought back."""

    pipeline = PipelineRow()
    lost = Texts(help_text="Destinations and queues that are gone since.")
    example = {"pipeline": PipelineRow.example, "lost": []}


class RevisionRow(serializers.ModelSerializer[Revision]):
    """A pipeline as it was published."""

    pipeline = serializers.IntegerField(source="pipeline_id")

    class Meta:
        model = Revision
        fields = ["id", "pipeline", "number", "digest", "note", "published_by", "published_at"]

    example: dict[str, Any] = {
        "id": 8, "pipeline": 5, "number": 2, "digest": "9f86d081…", "note": "Sends the purchase order number too",
        "published_by": "user:anna", "published_at": TIME,
    }  # fmt: skip


class RevisionShown(RevisionRow):
    """A published pipeline with its frozen definition."""

    definition = Anything()

    class Meta(RevisionRow.Meta):
        fields = [*RevisionRow.Meta.fields, "definition"]

    example = {**RevisionRow.example, "definition": {"steps": []}}


class DifferenceShape(serializers.Serializer[Any]):
    """One thing in which the draft differs from what is published."""

    stage = Text(allow_blank=True, help_text="Empty where it is the pipeline's own.")
    what = serializers.ChoiceField(choices=[(what, what) for what in ("added", "removed", "changed")])
    path = Text(allow_blank=True, help_text="Empty where a whole stage came or went.")
    old = Text(allow_blank=True)
    new = Text(allow_blank=True)
    example = {"stage": "Create draft", "what": "changed", "path": "run_after", "old": "Render", "new": "Render, Check"}


class Differences(serializers.Serializer[Any]):
    """What publishing would change."""

    differences = DifferenceShape(many=True)
    example = {"differences": [DifferenceShape.example]}
