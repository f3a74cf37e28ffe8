"""The API's kept replies: what a POST with an Idempotency-Key was answered, so that asking twice does it once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped

KEPT = timedelta(hours=24)
"""How long a key is remembered; docs/api/README.md promises it."""


class ApiReply(Scoped):
    """One key of one caller. Without a status the request is still being answered."""

    actor = models.CharField(max_length=300, help_text="The principal: a key is one caller's own.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="sha256 of method, path and content of the request.")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict, help_text="Those that belong to the reply: ETag, Location.")
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "actor", "key"], name="one_reply_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.actor}"


def forget(now: datetime, *, most: int = 1000) -> int:
    """Delete replies whose time is over, the oldest first; part of the sweep. Returns how many."""
    over = ApiReply.unscoped.filter(created_at__lt=now - KEPT).order_by("created_at")
    return ApiReply.unscoped.filter(pk__in=list(over.values_list("pk", flat=True)[:most])).delete()[0]
