"""Calls of Rossum's hooks at the extensions: what asked, which attempt came of it, and what was answered."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.scope import Scoped
from exports.models.attempts import Attempt
from exports.models.documents import Document


class ExtensionCall(Scoped):
    """One call, known by its request id: the same one again is answered from here, and nothing is sent twice.

    Neither the token nor a secret of the call is ever in it."""

    account = models.ForeignKey("pipelines.RossumAccount", on_delete=models.CASCADE, related_name="+")
    extension = models.CharField(max_length=60)
    hook = models.CharField(max_length=500, help_text="The hook's address at Rossum.")
    request_id = models.CharField(max_length=100)
    annotation = models.CharField(max_length=500, help_text="The annotation's address at Rossum.")
    fingerprint = models.CharField(max_length=64, help_text="sha256 of the annotation and the settings.")
    given = models.CharField(max_length=64, blank=True, help_text="sha256 of the fields and files that it came with.")
    document = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="+")
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.CASCADE, related_name="extension_calls")
    writes = models.BooleanField(default=False, help_text="Its files go back to Rossum before it is answered.")
    reply = models.JSONField(null=True, help_text="Messages and operations; none while it is being worked on.")
    failed = models.BooleanField(default=False, help_text="It was answered with an error message.")
    holder = models.UUIDField(null=True, help_text="Of the thread that works on it and has its token.")
    held_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "extension", "hook", "request_id"], name="one_extension_call_a_request"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["held_until"], name="extensioncall_open", condition=Q(finished_at=None)),
            models.Index(fields=["created_at"], name="extensioncall_by_age"),
            models.Index(fields=["organization", "-id"], name="extensioncall_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.extension} {self.request_id}"
