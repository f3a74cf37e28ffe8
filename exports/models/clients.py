"""What is offered to outside clients: the tasks of parked client action stages, and their files."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.ids import uuid7
from exports.models.attempts import Attempt, StageRun
from exports.models.documents import Content
from exports.states import TaskState


class ClientTask(Scoped):
    """One client action of one attempt, from its offer until three days after its end."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="client_tasks")
    run = models.OneToOneField(StageRun, on_delete=models.CASCADE, related_name="client_task")
    collection = models.UUIDField(default=uuid.uuid4, unique=True, help_text="Its file collection, as clients know it.")
    name = models.CharField(max_length=255)
    action = models.CharField(max_length=20)
    documents_count = models.PositiveIntegerField()
    state = models.CharField(max_length=20, choices=states.task_choices, default=TaskState.OFFERED)
    timeout_minutes = models.PositiveIntegerField(help_text="How long whoever has taken it may be silent.")
    again = models.BooleanField(help_text="After a silence it is offered again; else its outcome is unknown.")
    created_at = models.DateTimeField(default=timezone.now)
    give_up_at = models.DateTimeField()

    starts = models.PositiveIntegerField(default=0)
    silences = models.PositiveIntegerField(default=0, help_text="Clients that took it and never reported.")
    started_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=200, blank=True)
    silent_at = models.DateTimeField(null=True, help_text="When whoever has it has been silent for too long.")
    holder = models.CharField(max_length=80, blank=True, help_text="The credential that took it.")
    idempotency_key = models.CharField(max_length=255, blank=True, help_text="Of the request that took it.")
    former_holders = models.JSONField(default=list, help_text="Credentials that fell silent with it.")

    outcome = models.CharField(max_length=20, blank=True, help_text="completed, failed or silent.")
    message = models.TextField(blank=True)
    reported_by = models.CharField(max_length=200, blank=True)
    answered = models.BooleanField(default=False, help_text="The attempt has been woken with the outcome.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "state", "created_at"], name="clienttask_by_state"),
            models.Index(
                fields=["silent_at"], name="clienttask_silent", condition=models.Q(state=TaskState.STARTED)
            ),
            models.Index(
                fields=["answered"], name="clienttask_reported", condition=models.Q(state=TaskState.REPORTED)
            ),
            models.Index(
                fields=["ended_at"], name="clienttask_ended", condition=models.Q(ended_at__isnull=False)
            ),
        ]  # fmt: skip
        permissions: ClassVar = [("act_clienttask", "Can take a client's task and report on it")]

    def __str__(self) -> str:
        return f"task {self.pk}"

    @property
    def is_live(self) -> bool:
        """Nobody has said yet what became of it."""
        return self.state in {TaskState.OFFERED, TaskState.STARTED}

    @property
    def queue_id(self) -> int | None:
        """Of its document: what a narrowed key may see is asked by it (accounts/policy.py)."""
        document = self.attempt.document
        return document.queue_id if document is not None else None


class ClientFile(Scoped):
    """One file of a task."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    task = models.ForeignKey(ClientTask, on_delete=models.CASCADE, related_name="files")
    position = models.PositiveIntegerField()
    document = models.PositiveIntegerField(help_text="In which document of the task it stands, from 1.")
    folder = models.TextField(blank=True)
    filename = models.CharField(max_length=255)
    inline = models.BooleanField(help_text="Its text stands in the specification.")
    media_type = models.CharField(max_length=100)
    content = models.ForeignKey(Content, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return self.filename
