"""What robots that speak Rossum leave here: files of their own, relations between files and documents, uploads, and
the result sets of exports that are still being read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports.models.documents import Content, Document


class RobotFile(Scoped):
    """A file that a robot brought beside the originals. Its id on the wire is 10¹² more (docs/protocols)."""

    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=255, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    parent = models.BigIntegerField(null=True, help_text="The wire id of the document that it came out of.")
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.file_name or f"file {self.pk}"


class FileRelation(Scoped):
    """Files that belong to a document under a key: what Rossum calls a document relation."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="file_relations")
    kind = models.CharField(max_length=20, help_text="export or einvoice.")
    key = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["document", "kind", "key"], name="one_file_relation_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.document}"


class RelatedFile(Scoped):
    """One file of a relation: a robot's, or another document's original."""

    relation = models.ForeignKey(FileRelation, on_delete=models.CASCADE, related_name="files")
    file = models.ForeignKey(RobotFile, null=True, on_delete=models.CASCADE, related_name="related")
    original = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(file=None, original__isnull=False) | models.Q(file__isnull=False, original=None),
                name="a_related_file_is_one",
            )
        ]

    def __str__(self) -> str:
        return f"file of {self.relation}"


class DocumentRelation(Scoped):
    """Documents that belong together, as robots say: edited from one, attached to one, or the same file."""

    kind = models.CharField(max_length=20, help_text="edit, attachment or duplicate.")
    key = models.CharField(max_length=255, blank=True)
    parent = models.ForeignKey(Document, null=True, on_delete=models.CASCADE, related_name="+")
    documents = models.ManyToManyField(Document, related_name="relations")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class RobotUpload(Scoped):
    """Documents that a robot brought in with one request."""

    queue = models.ForeignKey("pipelines.Queue", on_delete=models.CASCADE, related_name="+")
    documents = models.ManyToManyField(Document, related_name="+")
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class ExportSet(Scoped):
    """The documents that one run of a robot's export is about, frozen at its first page: moving them takes them out of
    what the robot asked for, and its later pages must not skip as many."""

    queue = models.ForeignKey("pipelines.Queue", on_delete=models.CASCADE, related_name="+")
    caller = models.CharField(max_length=100, help_text="The token that asked.")
    query = models.CharField(max_length=64, help_text="sha256 of what was asked, but for the page.")
    key = models.CharField(max_length=255, blank=True, help_text="The robot's Idempotency-Key, if it sent one.")
    ids = models.JSONField(default=list, help_text="Of the documents, in their order.")
    there = models.JSONField(default=list, help_text="Those that were exporting or exported before.")
    moved = models.JSONField(default=list, help_text="Those that this run has moved.")
    handed = models.JSONField(default=list, help_text="Those of them that its robot has got to know of.")
    begun_at = models.DateTimeField(default=timezone.now, db_index=True)
    touched_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, help_text="Its last reply was written to the end.")
    paged = models.BooleanField(default=False, help_text="A later page was asked for: the first one arrived.")
    repeats = models.PositiveIntegerField(default=0, help_text="Runs in a row that were taken for this one again.")

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["queue", "caller", "query", "-id"], name="export_set_of_a_run")]

    def __str__(self) -> str:
        return f"{len(self.ids)} documents for {self.caller}"
