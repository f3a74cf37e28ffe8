"""The append-only trail: events as they happened, and the seals that chain them. Imports nothing of ours."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """Who did what to which subject, and why. Written in the transaction of the move it records; triggers on both
    databases refuse every UPDATE and DELETE (audit/barriers.py: a migration that alters the table must put them up)."""

    organization_id = models.BigIntegerField(db_index=True)
    at = models.DateTimeField(default=timezone.now)
    actor = models.CharField(max_length=200)
    verb = models.CharField(max_length=100)
    subject = models.CharField(max_length=100, help_text='By plain id, for example "attempt:12".')
    why = models.TextField(blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["organization_id", "subject"], name="event_by_subject"),
            models.Index(fields=["at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.verb} {self.subject}"


class Seal(models.Model):
    """One link of an organization's hash chain: covers one event and the seal before it."""

    organization_id = models.BigIntegerField()
    number = models.BigIntegerField(help_text="1, 2, 3, … within the organization.")
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="seal")
    digest = models.CharField(max_length=64, help_text="sha256 over the previous digest and the event, in hex.")
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization_id", "number"], name="one_seal_a_number")
        ]

    def __str__(self) -> str:
        return f"seal {self.number} of organization {self.organization_id}"


class Watermark(models.Model):
    """How far the sealer has come (audit/sealing.py). One row; no more than a note: without it the sealer begins at the
    first event again and finds every one sealed."""

    settled = models.BigIntegerField(default=0, help_text="Every event up to this id is sealed, and none can appear.")
    candidate = models.BigIntegerField(
        default=0, help_text="The next such id, once all that ran when it was seen ends."
    )
    candidate_xid = models.BigIntegerField(default=0, help_text="PostgreSQL: the first transaction id of after that.")
    candidate_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sealed up to event {self.settled}"
