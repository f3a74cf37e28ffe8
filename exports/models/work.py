"""Who works now, and what was asked for in bulk."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports.ids import uuid7


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
