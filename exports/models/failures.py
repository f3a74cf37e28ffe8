"""Failures grouped by their cause, and the advice that staff keep for them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.states import GroupState


class FailureGroup(Scoped):
    """One cause: the failures that share destination, stage, reason, code and normalised message.

    A failure finds its group when its attempt fails. A group that was merged into another keeps its signature and its
    own failures, so that the merge can be taken back; whoever lists the other one lists these too."""

    signature = models.CharField(max_length=64, help_text="Hex sha256 of what its failures share.")
    destination = models.ForeignKey("pipelines.Destination", null=True, on_delete=models.SET_NULL, related_name="+")
    pipeline = models.ForeignKey("pipelines.Pipeline", null=True, on_delete=models.SET_NULL, related_name="+")
    stage = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=20, choices=states.reason_choices)
    code = models.PositiveSmallIntegerField(null=True, help_text="The status of the reply, where one came.")
    pattern = models.CharField(max_length=500, help_text="The message; ids, amounts, dates and quoted values masked.")
    sample = models.TextField(blank=True, help_text="The newest message as it was said; secrets already redacted.")
    revision = models.ForeignKey(
        "pipelines.Revision", null=True, on_delete=models.SET_NULL, related_name="+", help_text="Of the newest failure."
    )
    title = models.CharField(max_length=200, blank=True, help_text="What staff call it; else the pattern is shown.")

    state = models.CharField(max_length=20, choices=states.group_choices, default=GroupState.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    snoozed_until = models.DateTimeField(null=True)
    note = models.TextField(blank=True, help_text="Why it was acknowledged, snoozed or ignored.")
    merged_into = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="merged")
    split_from = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="splits")
    split_text = models.CharField(max_length=200, blank=True, help_text="What a failure's message contains to be here.")

    attempts_seen = models.PositiveIntegerField(default=0, help_text="Failures since the beginning.")
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(default=timezone.now, help_text="When it was new, or came back.")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-last_seen"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "signature"], name="one_group_a_signature")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "state", "-last_seen"], name="group_by_state"),
            models.Index(fields=["state", "snoozed_until"], name="group_to_tend"),
        ]

    def __str__(self) -> str:
        return self.title or self.pattern


class FailureHour(Scoped):
    """How many failures of a group fell into one hour: its sparkline."""

    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="hours")
    hour = models.DateTimeField(help_text="The hour's beginning, UTC.")
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["group", "hour"], name="one_count_an_hour")]

    def __str__(self) -> str:
        return f"{self.attempts} at {self.hour:%Y-%m-%d %H}"


class Hint(Scoped):
    """Advice for failures that look alike: staff's own rule table. The first rule that fits, by position, is shown."""

    position = models.PositiveIntegerField(default=0)
    pattern = models.CharField(max_length=200, blank=True, help_text="Words of the message; * stands for anything.")
    reason = models.CharField(max_length=20, choices=states.reason_choices, blank=True)
    code = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The status of the reply.")
    destination = models.ForeignKey(
        "pipelines.Destination", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    advice = models.TextField(help_text="What to do, in one or two sentences.")
    link = models.URLField(blank=True, max_length=500, help_text="Where it is explained: http or https.")
    active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.advice[:60]
