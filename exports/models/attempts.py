"""The attempts at exporting documents, and everything that was sent and came back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.ids import uuid7
from exports.models.documents import Content, Document
from exports.models.failures import FailureGroup
from exports.states import RunState, State


class Attempt(Scoped):
    """One try at exporting one document through one revision. A re-queue makes a new one; this stays as it ended."""

    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="attempts")
    revision = models.ForeignKey("pipelines.Revision", on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField(help_text="1, 2, 3, … within the document.")
    repeats = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="repeated_by")
    lineage = models.PositiveBigIntegerField(
        null=True, help_text="The id of the first attempt of this chain of repeats."
    )
    trigger = models.CharField(max_length=20, help_text="automatic, person, robot, bulk or resume.")
    requested_by = models.CharField(max_length=200)
    why = models.TextField(blank=True)
    resume_from = models.CharField(max_length=100, blank=True, help_text="Earlier stages' results are taken over.")
    frozen = models.BooleanField(
        default=False, help_text="It sends what the attempt that it repeats sent, to the byte."
    )

    state = models.CharField(max_length=20, choices=states.attempt_choices, default=State.QUEUED)
    reason = models.CharField(max_length=20, choices=states.reason_choices, blank=True)
    stage = models.CharField(max_length=100, blank=True, help_text="The stage that failed, waits or parks it.")
    message = models.TextField(blank=True, help_text="For the person who must act; secrets already redacted.")
    http_status = models.PositiveSmallIntegerField(null=True)
    group = models.ForeignKey(
        FailureGroup,
        null=True,
        on_delete=models.SET_NULL,
        related_name="attempts",
        db_index=False,
        help_text="The cause that its failure shares with others.",
    )
    resolution = models.CharField(
        max_length=20, choices=states.resolution_choices, blank=True, help_text="What became of a failure; empty: open."
    )
    resolved_at = models.DateTimeField(null=True)
    reference = models.CharField(max_length=200, blank=True, help_text="The other side's, as a person gave it.")

    lane = models.CharField(max_length=40, help_text="organization/destination: work is shared fairly between lanes.")
    due_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveIntegerField(default=0, help_text="Claims that ended in waiting.")
    lapses = models.PositiveIntegerField(default=0, help_text="Leases that ended without a word from their worker.")
    lease = models.UUIDField(null=True)
    lease_ends_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    parked_on = models.CharField(max_length=200, blank=True)
    deadline = models.DateTimeField(null=True)
    answer = models.JSONField(null=True)

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "number"], name="one_attempt_a_number"),
            models.UniqueConstraint(
                fields=["document"],
                condition=models.Q(state__in=sorted(states.ACTIVE)),
                name="one_active_attempt_a_document",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "lane", "due_at"], name="attempt_work_list"),
            models.Index(fields=["lease_ends_at"], name="attempt_by_lease", condition=models.Q(state=State.RUNNING)),
            models.Index(
                fields=["due_at"], name="attempt_suspects", condition=models.Q(state=State.QUEUED, lapses__gte=2)
            ),
            models.Index(fields=["organization", "state", "-id"], name="attempt_by_state"),
            models.Index(
                fields=["organization", "group", "-id"],
                name="attempt_unresolved",
                condition=models.Q(state=State.FAILED, resolution=""),
            ),
            models.Index(
                fields=["organization", "lane", "group", "reason", "lineage", "id"],
                name="attempt_open_failures",
                condition=models.Q(state=State.FAILED, resolution=""),
            ),
            models.Index(fields=["group", "-id"], name="attempt_by_group", condition=models.Q(group__isnull=False)),
            models.Index(
                fields=["organization", "finished_at"],
                name="attempt_by_finish",
                condition=models.Q(finished_at__isnull=False),
            ),
            models.Index(
                fields=["organization", "created_at"],
                name="attempt_unfinished",
                condition=models.Q(finished_at__isnull=True),
            ),
            # What lists are filtered by and counted from, without reading a row: few distinct values, so that
            # PostgreSQL keeps it at 8 bytes an attempt.
            models.Index(
                fields=[
                    "organization",
                    "state",
                    "resolution",
                    "reason",
                    "http_status",
                    "group",
                    "stage",
                    "revision",
                    "lane",
                    "trigger",
                ],
                name="attempt_facets",
            ),
        ]
        permissions: ClassVar = [
            ("requeue_attempt", "Can re-queue a failed attempt"),
            ("settle_attempt", "Can settle an unconfirmed attempt"),
            ("cancel_attempt", "Can cancel an attempt"),
            ("ignore_attempt", "Can set a failed attempt aside"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class StageRun(Scoped):
    """One run of one stage inside an attempt, tries included."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=40)
    position = models.PositiveIntegerField(help_text="The order in which the attempt ran its stages.")
    state = models.CharField(max_length=20, choices=states.run_choices, default=RunState.BEGUN)
    tries = models.PositiveIntegerField(default=1)
    marked_at = models.DateTimeField(null=True, help_text="A send has begun whose end is not recorded yet.")
    begun_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    note = models.TextField(blank=True, help_text="Why it failed, was skipped or blocked; secrets already redacted.")
    place = models.CharField(max_length=300, blank=True, help_text="Where in the config or document the error lies.")
    traceback = models.TextField(blank=True)
    messages = models.JSONField(default=list)
    operations = models.JSONField(default=list)
    detached = models.JSONField(default=list)
    checkpoint = models.JSONField(null=True)
    deadline = models.DateTimeField(null=True, help_text="Until when a parked one is waited for.")
    progress = models.JSONField(null=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["attempt", "name"], name="one_run_a_stage")]

    def __str__(self) -> str:
        return f"{self.name} of attempt {self.attempt_id}"


class Exchange(Scoped):
    """One request and its reply. The request's side is committed before the socket opens."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    run = models.ForeignKey(StageRun, on_delete=models.CASCADE, related_name="exchanges")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="exchanges")
    purpose = models.CharField(max_length=20, help_text="request, auth, probe or file.")
    method = models.CharField(max_length=10)
    url = models.TextField()
    request_headers = models.JSONField(default=list, help_text="Pairs, secrets redacted.")
    request_content = models.ForeignKey(Content, null=True, on_delete=models.PROTECT, related_name="+")
    request_size = models.PositiveBigIntegerField(default=0)
    request_sha256 = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=64, blank=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="The reply's; null while or where none came.")
    reply_headers = models.JSONField(default=list, help_text="Pairs as received, secrets redacted.")
    reply_content = models.ForeignKey(Content, null=True, on_delete=models.PROTECT, related_name="+")
    reply_size = models.PositiveBigIntegerField(default=0, help_text="As received; what is kept may be less.")
    reply_truncated = models.BooleanField(default=False)
    timings = models.JSONField(default=dict, help_text="Milliseconds: dns, connect, tls, first_byte, total.")
    error = models.TextField(blank=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class Artifact(Scoped):
    """Bytes under a reference key, made by a stage run. Stays with its attempt when the key is detached."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="artifacts")
    run = models.ForeignKey(StageRun, on_delete=models.CASCADE, related_name="artifacts")
    key = models.CharField(max_length=200)
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.key


class Attachment(Scoped):
    """A document's reference key, now: which artifact a stage reads under it. Purge deletes these rows only."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="attachments")
    key = models.CharField(max_length=200)
    artifact = models.ForeignKey(Artifact, on_delete=models.CASCADE, related_name="attachments")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "key"], name="one_artifact_a_key")]

    def __str__(self) -> str:
        return f"{self.key} of {self.document}"


class Delivery(Scoped):
    """The receipt: this artifact is at that place, proven by that."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="deliveries")
    run = models.ForeignKey(StageRun, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=200, help_text="The artifact's reference key, or original, or content.csv.")
    place = models.TextField()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    how = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    delivered_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.place
