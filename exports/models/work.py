"""Who works now, and what was asked for in bulk."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.ids import uuid7
from exports.models.attempts import Attempt
from exports.models.documents import Document
from exports.states import JobState


class Loop(models.Model):
    """A drain loop that lives now: one a worker process. Tells the doorbell whether anybody is listening."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    worker = models.CharField(max_length=100)
    began_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.worker


class Job(Scoped):
    """One bulk request, stored and resumable: what to do to whatever matched, how far it is, what came of it."""

    kind = models.CharField(max_length=40, help_text='The act, for example "requeue" (exports/bulk/acts.py).')
    of = models.CharField(max_length=20, default="attempts", help_text="What the predicate lists.")
    predicate = models.JSONField(default=dict, help_text="Of the list it was asked from (exports/predicate.py).")
    options = models.JSONField(default=dict, help_text="As exports.bulk.options reads them.")
    requested_by = models.CharField(max_length=200)
    why = models.TextField()
    token = models.CharField(max_length=64, help_text="Of the form that asked: asking twice does it once.")

    state = models.CharField(max_length=20, choices=states.job_choices, default=JobState.GATHERING)
    expected = models.PositiveIntegerField(null=True, help_text="How many the preview said would be done.")
    upto = models.PositiveBigIntegerField(default=0, help_text="What came after it was asked has higher ids.")
    cursor = models.PositiveBigIntegerField(default=0, help_text="The last id that was gathered.")
    total = models.PositiveIntegerField(default=0, help_text="What matched, exclusions counted.")
    todo = models.PositiveIntegerField(default=0, help_text="Of these, what is to be done.")
    done = models.PositiveIntegerField(default=0)
    canary_passed = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, help_text="Not before this: its rate says so.")
    paused_why = models.CharField(max_length=300, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    begun_at = models.DateTimeField(null=True, help_text="When everything was gathered.")
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "token"], name="one_job_a_token")]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="job_under_way", condition=models.Q(finished_at=None, cancelled_at=None))
        ]

    def __str__(self) -> str:
        return f"Job {self.pk}"


class JobItem(Scoped):
    """One subject of a job: whether it was done, and what came of it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField(help_text="From the oldest on.")
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+", db_index=False)
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    outcome = models.CharField(max_length=20, blank=True, help_text="Empty: to do; done, refused or excluded.")
    said = models.CharField(max_length=300, blank=True, help_text="Why it was refused or excluded.")
    made = models.ForeignKey(Attempt, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    result = models.CharField(
        max_length=20, blank=True, help_text="Of the new attempt: delivered, same_error, new_error, unknown, cancelled."
    )

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "position"], name="one_item_a_position")]
        indexes: ClassVar = [models.Index(fields=["job", "outcome", "result", "position"], name="job_item_by_outcome")]

    def __str__(self) -> str:
        return f"{self.position} of job {self.job_id}"
