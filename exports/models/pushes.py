"""What a subscription pushes: one row an event, noted with it, and the document that was made of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.scope import Scoped
from exports.models.documents import Document, FieldsVersion


class Push(Scoped):
    """One event of one document, to be pushed as the document stood then."""

    subscription = models.ForeignKey("pipelines.Subscription", null=True, on_delete=models.SET_NULL, related_name="+")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="pushes")
    fields = models.ForeignKey(FieldsVersion, null=True, on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=60)
    happened_at = models.DateTimeField(default=timezone.now)
    made = models.ForeignKey(
        Document, null=True, on_delete=models.PROTECT, related_name="pushed_by", help_text="The document of its own."
    )
    begun_at = models.DateTimeField(null=True, help_text="When that was made, or refused.")
    refused = models.TextField(blank=True, help_text="Why no document could be made.")

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "pushes"
        indexes: ClassVar = [
            models.Index(fields=["id"], name="push_waiting", condition=Q(begun_at=None)),
            models.Index(fields=["document", "subscription", "id"], name="push_in_order"),
        ]
