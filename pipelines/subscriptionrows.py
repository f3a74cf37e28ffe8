"""The model of subscriptions: which events of documents are pushed, through which queue's pipeline."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped


class Subscription(Scoped):
    """Pushes a document's data when something happens to it: as a document of its own, in a queue made for that."""

    name = models.CharField(max_length=200)
    events = models.JSONField(default=list, help_text='Types, for example "document.corrected", or "document.*".')
    queues = models.JSONField(
        default=list, blank=True, help_text="Ids: only documents of these; empty means of all that are not pushed into."
    )
    into = models.ForeignKey(
        "pipelines.Queue",
        on_delete=models.PROTECT,
        related_name="subscriptions",
        help_text="Where each push becomes a document, exported at once through this queue's pipeline.",
    )
    with_original = models.BooleanField(default=False, help_text="Push the original file too.")
    active = models.BooleanField(default=True, help_text="Off: what happens meanwhile is not pushed.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="one_subscription_a_name")
        ]

    def __str__(self) -> str:
        return self.name
