"""What others are told of what happened: one message a channel and event, and every try at sending it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.scope import Scoped
from exports.ids import uuid7

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"

STATES = {
    WAITING: Q(due_at__isnull=False),
    DELIVERED: Q(due_at=None, delivered_at__isnull=False),
    FAILED: Q(due_at=None, delivered_at=None),
}
"""What a message's times say of it, as a condition: no column of its own could contradict them."""


class EventDelivery(Scoped):
    """One message to one channel. Its id is the message's: every try, and every redelivery, carries the same."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    channel = models.ForeignKey("pipelines.Channel", on_delete=models.CASCADE, related_name="+")
    event_id = models.BigIntegerField(null=True, help_text="The audit event's; none for a test.")
    type = models.CharField(max_length=60)
    subject = models.CharField(max_length=100, help_text='What it is about, for example "document:12".')
    payload = models.JSONField(help_text="type, timestamp and data, as they are sent.")
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(default=timezone.now, help_text="Or asked for again: the schedule counts from it.")
    tries = models.PositiveIntegerField(default=0, help_text="Since it was asked for.")
    due_at = models.DateTimeField(null=True, help_text="The next try, or the end of the lease; none once it has ended.")
    lease = models.UUIDField(null=True, help_text="Of the worker that sends it now.")
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True, help_text="When it was given up.")
    held_back = models.PositiveIntegerField(
        default=0, help_text="Messages of this type about the same subject that its channel's quiet time swallowed."
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = "event delivery"
        verbose_name_plural = "event deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["channel", "event_id"], name="one_message_a_channel_and_event")
        ]
        indexes: ClassVar = [
            models.Index(fields=["channel", "due_at"], name="eventdelivery_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["channel"], name="eventdelivery_leased", condition=Q(lease__isnull=False)),
            models.Index(fields=["channel", "subject", "type"], name="eventdelivery_by_subject"),
            models.Index(fields=["created_at"], name="eventdelivery_by_age"),
            models.Index(fields=["asked_at"], name="eventdelivery_waiting", condition=Q(due_at__isnull=False)),
            models.Index(fields=["organization", "-id"], name="eventdelivery_newest"),
        ]
        permissions: ClassVar = [("redeliver_eventdelivery", "Can send an event again")]

    def __str__(self) -> str:
        return f"{self.type} to {self.channel}"

    @property
    def message_id(self) -> str:
        """The webhook-id."""
        return f"msg_{self.id.hex}"

    @property
    def state(self) -> str:
        if self.due_at is not None:
            return WAITING
        return DELIVERED if self.delivered_at is not None else FAILED


class EventTry(Scoped):
    """One try at sending a message, and what came back. Never updated."""

    delivery = models.ForeignKey(EventDelivery, on_delete=models.CASCADE, related_name="tried")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP's, or SMTP's; none where nobody answered.")
    headers = models.JSONField(default=list, help_text="The reply's, pairs; secrets redacted.")
    body = models.TextField(blank=True, help_text="The beginning of the reply's, secrets redacted.")
    size = models.PositiveBigIntegerField(default=0, help_text="Of the whole reply.")
    error = models.TextField(blank=True, help_text="Why it failed, in words.")

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name = "try of an event delivery"
        verbose_name_plural = "tries of event deliveries"

    def __str__(self) -> str:
        return f"try {self.pk} of {self.delivery_id}"
