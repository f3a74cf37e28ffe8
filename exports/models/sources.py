"""What sources did: how each is doing, and every thing that one took from the other side."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.models.documents import Document
from exports.states import ClaimState

OPEN = (ClaimState.CLAIMED, ClaimState.RUNNING, ClaimState.TO_REPORT, ClaimState.BLOCKED)
"""States in which the other side still waits for a word."""


class SourceState(Scoped):
    """How one source is doing, and which loop polls it now."""

    source = models.OneToOneField("pipelines.Source", on_delete=models.CASCADE, related_name="+")
    next_at = models.DateTimeField(default=timezone.now, help_text="Of the next poll.")
    last_at = models.DateTimeField(null=True, help_text="When the last poll that got through ended.")
    last_found = models.PositiveIntegerField(default=0, help_text="What the last poll saw waiting at the other side.")
    last_taken = models.PositiveIntegerField(default=0, help_text="Of these, what was new here.")
    lag_seconds = models.PositiveIntegerField(
        null=True, help_text="How long the oldest thing of the last poll had waited; none: nothing waited."
    )
    quiet = models.PositiveIntegerField(default=0, help_text="Polls in a row that took nothing.")
    errors = models.PositiveIntegerField(default=0, help_text="Turns in a row that failed.")
    error = models.TextField(blank=True, help_text="Of the last turn; secrets already redacted.")
    reason = models.CharField(max_length=20, blank=True, help_text="Of that error, as attempts have them.")
    error_at = models.DateTimeField(null=True)
    memo = models.JSONField(default=dict, help_text="What the kind remembers from poll to poll.")
    holder = models.CharField(max_length=100, blank=True, help_text="The loop that has its turn.")
    lease = models.UUIDField(null=True)
    held_until = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["next_at"], name="source_by_next_poll")]

    def __str__(self) -> str:
        return f"state of {self.source}"


class Claim(Scoped):
    """One thing of the other side, known by its key there: an annotation, a task, a file, a message."""

    source = models.ForeignKey("pipelines.Source", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=500, help_text="The other side's id; one key is one document here.")
    version = models.CharField(max_length=200, blank=True, help_text="Of the other side: another one is taken again.")
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=states.claim_choices, default=ClaimState.CLAIMED)
    outcome = models.CharField(
        max_length=20, blank=True, help_text="exported, failed, cancelled or unknown; empty: not ended."
    )
    reason = models.CharField(max_length=20, blank=True, help_text="Why it failed, as attempts have it.")
    message = models.TextField(blank=True, help_text="What the other side is told.")
    error = models.TextField(blank=True, help_text="Why the last step did not succeed; secrets already redacted.")
    rounds = models.PositiveIntegerField(default=1, help_text="How often it was taken.")
    tries = models.PositiveIntegerField(default=0, help_text="Of the step that it waits for.")
    not_before = models.DateTimeField(default=timezone.now, help_text="The next try of that step.")
    facts = models.JSONField(default=dict, help_text="What the kind remembers of it.")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "key"], name="one_claim_a_key")]
        indexes: ClassVar = [
            models.Index(
                fields=["source", "state", "not_before"],
                name="claim_open",
                condition=models.Q(state__in=sorted(OPEN)),
            ),
            models.Index(fields=["source", "-changed_at"], name="claim_newest"),
            models.Index(fields=["source", "state", "outcome"], name="claim_by_state"),
        ]

    def __str__(self) -> str:
        return self.key
