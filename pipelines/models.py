"""What should happen: queues and their schemas, pipelines and their revisions, destinations and secrets."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from pipelines import sourcing, stages, triggering
from pipelines.channelrows import Channel as Channel
from pipelines.channelrows import ChannelSecret as ChannelSecret
from pipelines.rossumrows import RossumAccount as RossumAccount
from pipelines.rossumrows import RossumHook as RossumHook
from pipelines.rossumrows import RossumSecret as RossumSecret
from pipelines.subscriptionrows import Subscription as Subscription


class Schema(Scoped):
    """The fields that a queue's documents have: sections of datapoints and tables, in Rossum's form."""

    name = models.CharField(max_length=200)
    content = models.JSONField(default=list, help_text="A list of sections.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_schema_a_name")]

    def __str__(self) -> str:
        return self.name


class Queue(Scoped):
    """A stream of documents that share a schema and a pipeline."""

    name = models.CharField(max_length=200)
    schema = models.ForeignKey(Schema, null=True, blank=True, on_delete=models.PROTECT, related_name="queues")
    pipeline = models.ForeignKey("Pipeline", null=True, blank=True, on_delete=models.PROTECT, related_name="queues")
    use_confirmed_state = models.BooleanField(
        default=True, help_text="Confirmed documents wait until their export is asked for. Off: confirming exports."
    )
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_queue_a_name")]

    def __str__(self) -> str:
        return self.name


class Destination(Scoped):
    """A system that receives: whom its requests may reach, how fast, and the secrets that open it."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    credentials = models.JSONField(
        default=dict,
        blank=True,
        help_text='For file stores, as in a stage config: {"type": "sftp", "host": …}. No secrets.',
    )
    allowed_hosts = models.JSONField(
        default=list, blank=True, help_text="Host names that stages may reach here; empty allows every public host."
    )
    allowed_networks = models.JSONField(
        default=list, blank=True, help_text="Private networks that may be reached, for example 10.1.0.0/16."
    )
    concurrency = models.PositiveIntegerField(default=64, help_text="Sends that may be under way to it at once.")
    rate = models.FloatField(null=True, blank=True, help_text="Sends a second; empty is unlimited.")
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_why = models.TextField(blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="one_destination_a_name")
        ]
        permissions: ClassVar = [
            ("pause_destination", "Can pause and resume a destination"),
            ("test_destination", "Can test the connection to a destination"),
        ]

    def __str__(self) -> str:
        return self.name


class Pipeline(Scoped):
    """The draft that staff edit. Publishing freezes it as a Revision."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    every_status_counts = models.BooleanField(
        default=False,
        help_text="Rossum's rule: without a status_code_resolver every HTTP status is success. Off: 4xx and 5xx fail.",
    )
    max_tries = models.PositiveIntegerField(default=6, help_text="Automatic tries while the other side is unavailable.")
    published = models.ForeignKey("Revision", null=True, editable=False, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1, editable=False, help_text="Rises with every change of the draft.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_pipeline_a_name")]
        permissions: ClassVar = [("publish_pipeline", "Can publish a pipeline")]

    def __str__(self) -> str:
        return self.name


class Stage(Scoped):
    """One step of a pipeline's draft."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=40, choices=stages.choices)
    config = models.TextField(default="{}", help_text="JSON, kept as it was typed.")
    run_after = models.JSONField(default=list, blank=True, help_text="Names of the stages that must be done before.")
    destination = models.ForeignKey(Destination, null=True, blank=True, on_delete=models.PROTECT, related_name="stages")
    queues = models.ManyToManyField(Queue, blank=True, help_text="Only documents of these queues; none means all.")
    active = models.BooleanField(default=True)
    always_run = models.BooleanField(default=False, help_text="Run even if a stage before it failed.")
    position = models.PositiveIntegerField(default=0, help_text="Order on the page, and between parallel branches.")

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["pipeline", "name"], name="one_stage_a_name")]

    def __str__(self) -> str:
        return self.name


class Revision(Scoped):
    """A pipeline frozen at publication. Never changed; attempts point at it."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    definition = models.JSONField(help_text="As pipelines.definition.Definition.dump() gives it.")
    digest = models.CharField(max_length=64, help_text="sha256 of the definition's canonical JSON.")
    note = models.TextField(blank=True)
    published_by = models.CharField(max_length=200)
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["pipeline", "number"], name="one_revision_a_number")]

    def __str__(self) -> str:
        return f"{self.pipeline} r{self.number}"


class Trigger(Scoped):
    """What asks for exports without a person: confirmed documents of a queue leave on an event or on a schedule."""

    name = models.CharField(max_length=200)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="triggers")
    on = models.CharField(max_length=20, choices=triggering.choices, default=triggering.SCHEDULE)
    every_minutes = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1)], help_text="For a schedule: minutes between two looks."
    )
    active = models.BooleanField(default=True)
    next_at = models.DateTimeField(default=timezone.now, editable=False)
    last_at = models.DateTimeField(null=True, editable=False)
    last_count = models.PositiveIntegerField(default=0, editable=False, help_text="Exports begun the last time.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_trigger_a_name")]

    def __str__(self) -> str:
        return self.name


class Source(Scoped):
    """Where documents come from by themselves: another system that is asked, a folder that is watched, a webhook."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40, choices=sourcing.choices, help_text="Set once.")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="sources")
    destination = models.ForeignKey(
        Destination,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sources",
        help_text="The system that is asked: its secrets, its allowed hosts and networks. None: any public host, and "
        "the organization's secrets.",
    )
    config = models.JSONField(default=dict, blank=True, help_text="By the kind. No secrets: it names them.")
    arrives = models.CharField(
        max_length=20,
        choices=sourcing.arrival_choices,
        default=sourcing.EXPORT,
        help_text="What happens to a document that came in.",
    )
    every_seconds = models.PositiveIntegerField(
        default=30, validators=[MinValueValidator(1)], help_text="Between two looks, while something comes."
    )
    slowest_seconds = models.PositiveIntegerField(
        default=300, validators=[MinValueValidator(1)], help_text="While nothing comes, looks become rarer up to this."
    )
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_why = models.TextField(blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_source_a_name")]
        permissions: ClassVar = [
            ("test_source", "Can test the connection to a source"),
            ("poll_source", "Can have a source look now"),
            ("pause_source", "Can pause and resume a source"),
        ]

    def __str__(self) -> str:
        return self.name


class DataKey(Scoped):
    """The key that seals an organization's secrets, itself sealed by a key of the environment (WAYBILL_KEYS)."""

    wrapped = models.BinaryField()
    wrapped_by = models.CharField(max_length=16, help_text="The id of the environment's key that seals it.")
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"data key {self.pk}"


class Secret(Scoped):
    """A write-only value, sealed. Looked up at the stage's destination, then its pipeline, then the organization."""

    destination = models.ForeignKey(
        Destination, null=True, blank=True, on_delete=models.CASCADE, related_name="secrets"
    )
    pipeline = models.ForeignKey(Pipeline, null=True, blank=True, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=100)
    key = models.ForeignKey(DataKey, on_delete=models.PROTECT, related_name="+", editable=False)
    sealed = models.BinaryField(editable=False)
    changed_by = models.CharField(max_length=200, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            # One for each place: SQLite cannot count two empty places as the same.
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(destination=None, pipeline=None),
                name="one_secret_an_organization",
            ),
            models.UniqueConstraint(
                fields=["destination", "name"],
                condition=models.Q(destination__isnull=False),
                name="one_secret_a_destination",
            ),
            models.UniqueConstraint(
                fields=["pipeline", "name"], condition=models.Q(pipeline__isnull=False), name="one_secret_a_pipeline"
            ),
            models.CheckConstraint(
                condition=models.Q(destination=None) | models.Q(pipeline=None), name="a_secret_in_one_place"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Token(Scoped):
    """An OAuth2 access token, sealed, shared by every worker."""

    name = models.CharField(max_length=64, help_text="sha256 of the auth settings that fetched it.")
    key = models.ForeignKey(DataKey, on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_token_a_name")]

    def __str__(self) -> str:
        return f"token {self.name[:8]}"
