"""The rules by which people are told of something by itself, and what they were told."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone

from accounts.scope import Scoped


class AlertRule(Scoped):
    """When people are told, by itself. Every organization has one of each kind to begin with."""

    kind = models.CharField(max_length=20, help_text="Of exports/alertrules.py.")
    active = models.BooleanField(default=True)
    destination = models.ForeignKey(
        "pipelines.Destination", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    queue = models.ForeignKey("pipelines.Queue", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    minutes = models.PositiveIntegerField(default=60, validators=[MaxValueValidator(60 * 24 * 90)])
    least = models.PositiveIntegerField(
        default=5, help_text="Exports in those hours of past weeks that count as usual."
    )
    hour = models.PositiveSmallIntegerField(default=7, validators=[MaxValueValidator(23)])
    zone = models.CharField(max_length=64, default="UTC", help_text="For example Europe/Vienna.")

    class Meta:
        ordering: ClassVar = ["kind", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organization", "kind"],
                condition=models.Q(destination=None, queue=None),
                name="one_general_rule_a_kind",
            ),
            models.UniqueConstraint(
                fields=["organization", "kind", "destination"],
                condition=models.Q(destination__isnull=False),
                name="one_rule_a_kind_and_destination",
            ),
            models.UniqueConstraint(
                fields=["organization", "kind", "queue"],
                condition=models.Q(queue__isnull=False),
                name="one_rule_a_kind_and_queue",
            ),
            models.CheckConstraint(
                condition=models.Q(destination=None) | models.Q(queue=None), name="a_rule_is_for_one_place"
            ),
        ]

    def __str__(self) -> str:
        from exports import alertrules

        return alertrules.title(self)


class Alert(Scoped):
    """One thing that people were told of by a rule. `key` is what makes it one thing: it is told once."""

    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    type = models.CharField(max_length=60, help_text="Of the event that channels subscribe to.")
    subject = models.CharField(max_length=100, help_text='What it is about, for example "failure_group:12".')
    title = models.CharField(max_length=200)
    said = models.TextField(blank=True)
    facts = models.JSONField(default=list, help_text="Pairs of label and text.")
    link = models.CharField(max_length=300, blank=True, help_text="A path of the desk.")
    raised_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, help_text="When it was over by itself.")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "key"], name="one_alert_a_key")]
        indexes: ClassVar = [
            models.Index(fields=["organization", "kind"], name="alert_going_on", condition=models.Q(ended_at=None)),
            models.Index(fields=["organization", "subject", "-raised_at"], name="alert_by_subject"),
        ]

    def __str__(self) -> str:
        return self.title
