"""Documents: their bytes, their fields as versions, their status.

Bytes live in `Content` and only there, so that no list ever reads a body.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports import states
from exports.ids import uuid7
from exports.states import Status


class Content(Scoped):
    """Bytes: inline while small, in storage when large (exports/contents.py reads and writes them).

    A purged one has neither; its size, its digest and when it went stay."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    inline = models.BinaryField(null=True)
    stored = models.CharField(max_length=300, blank=True, help_text="The name in storage, where not inline.")
    purged_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["purged_at"],
                name="content_to_erase",
                condition=models.Q(purged_at__isnull=False) & ~models.Q(stored=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.size} bytes {self.sha256[:8]}"


class Document(Scoped):
    """An original file, its captured fields and its status."""

    queue = models.ForeignKey("pipelines.Queue", on_delete=models.PROTECT, related_name="documents")
    external_id = models.CharField(max_length=200, help_text="The sender's id; a repeated one is the same document.")
    status = models.CharField(max_length=20, choices=states.status_choices, default=Status.TO_REVIEW)
    file_name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    original = models.ForeignKey(Content, null=True, on_delete=models.PROTECT, related_name="+")
    fields = models.ForeignKey("FieldsVersion", null=True, on_delete=models.PROTECT, related_name="+")
    metadata = models.JSONField(default=dict, blank=True)
    messages = models.JSONField(default=list, blank=True, help_text="Of the last attempt, as Rossum shows them.")
    automated = models.BooleanField(default=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    unindexed = models.BooleanField(default=True, help_text="Its field values are newer than what search knows.")
    reviewer = models.CharField(max_length=200, blank=True, help_text='Who has it in review: "user:anna".')
    review_began_at = models.DateTimeField(null=True)
    reviewed_from = models.CharField(
        max_length=20, blank=True, help_text="The status that leaving the review restores."
    )
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)
    exported_at = models.DateTimeField(null=True)
    export_failed_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "external_id"], name="one_document_an_external_id")
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "queue", "status"], name="document_by_status"),
            models.Index(fields=["organization", "status", "-id"], name="document_by_tab"),
            models.Index(fields=["id"], name="document_unindexed", condition=models.Q(unindexed=True)),
            models.Index(
                fields=["review_began_at"], name="document_in_review", condition=models.Q(status=Status.REVIEWING)
            ),
        ]
        permissions: ClassVar = [
            ("confirm_document", "Can confirm a document"),
            ("export_document", "Can ask for a document's export"),
            ("purge_document", "Can purge a deleted document"),
        ]

    def __str__(self) -> str:
        return self.external_id


class FieldsVersion(Scoped):
    """The captured fields as they stood from one change to the next. Never updated, but emptied by a purge."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="The sections, as pipelines.fields reads them.")
    by = models.CharField(max_length=200)
    why = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["document", "number"], name="one_version_a_number")]

    def __str__(self) -> str:
        return f"{self.document} v{self.number}"


class FormerOriginal(Scoped):
    """An original that a later one has replaced. Kept until its document is purged."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="former_originals")
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"former original of {self.document}"
