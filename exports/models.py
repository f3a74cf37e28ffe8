"""What did happen: documents, the attempts at exporting them, and everything that was sent and came back.

Bytes live in `Content` and only there, so that no list ever reads a body.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.ids import uuid7
from exports.replies import ApiReply as ApiReply
from exports.states import RunState, State, Status


class Content(Scoped):
    """Bytes: inline while small, in storage when large (exports/contents.py reads and writes them)."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    inline = models.BinaryField(null=True)
    stored = models.CharField(max_length=300, blank=True, help_text="The name in storage, where not inline.")

    def __str__(self) -> str:
        return f"{self.size} bytes {self.sha256[:8]}"


class Document(Scoped):
    """An original file, its captured fields and its status."""

    queue = models.ForeignKey("pipelines.Queue", on_delete=models.PROTECT, related_name="documents")
    external_id = models.CharField(max_length=200, help_text="The sender's id; a repeated one is the same document.")
    status = models.CharField(max_length=20, choices=states.status_choices, default=Status.TO_REVIEW)
    file_name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    original = models.ForeignKey(Content, null=True, on_delete=models.PROTECT, related_name="+")
    fields = models.ForeignKey("FieldsVersion", null=True, on_delete=models.PROTECT, related_name="+")
    metadata = models.JSONField(default=dict, blank=True)
    messages = models.JSONField(default=list, blank=True, help_text="Of the last attempt, as Rossum shows them.")
    automated = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    exported_at = models.DateTimeField(null=True)
    export_failed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "external_id"], name="one_document_an_external_id")
        ]
        indexes: ClassVar = [models.Index(fields=["organization", "queue", "status"], name="document_by_status")]
        permissions: ClassVar = [
            ("confirm_document", "Can confirm a document"),
            ("export_document", "Can ask for a document's export"),
        ]

    def __str__(self) -> str:
        return self.external_id


class FieldsVersion(Scoped):
    """The captured fields as they stood from one change to the next. Never updated."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="The sections, as pipelines.fields reads them.")
    by = models.CharField(max_length=200)
    why = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.document} v{self.number}"


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

    state = models.CharField(max_length=20, choices=states.attempt_choices, default=State.QUEUED)
    reason = models.CharField(max_length=20, choices=states.reason_choices, blank=True)
    stage = models.CharField(max_length=100, blank=True, help_text="The stage that failed, waits or parks it.")
    message = models.TextField(blank=True, help_text="For the person who must act; secrets already redacted.")
    http_status = models.PositiveSmallIntegerField(null=True)

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
        ]
        permissions: ClassVar = [
            ("requeue_attempt", "Can re-queue a failed attempt"),
            ("settle_attempt", "Can settle an unconfirmed attempt"),
            ("cancel_attempt", "Can cancel an attempt"),
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


class Loop(models.Model):
    """A drain loop that lives now: one a worker process. Tells the doorbell whether anybody is listening."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    worker = models.CharField(max_length=100)
    began_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.worker


class Job(Scoped):
    """One bulk request, stored and resumable: what to do to which subjects, how far it is, what came of it."""

    kind = models.CharField(max_length=40, help_text='For example "requeue".')
    subjects = models.JSONField(help_text="Ids, in the order in which they are done.")
    options = models.JSONField(default=dict)
    requested_by = models.CharField(max_length=200)
    why = models.TextField()
    token = models.CharField(max_length=64, help_text="Of the form that asked: asking twice does it once.")
    done = models.PositiveIntegerField(default=0)
    outcomes = models.JSONField(default=dict, help_text='Counts, for example {"queued": 20, "already delivered": 5}.')
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "token"], name="one_job_a_token")]

    def __str__(self) -> str:
        return f"{self.kind} of {len(self.subjects)}"
