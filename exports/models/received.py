"""Files that came with a document beside its original: each with the folder and the name that the sender wants."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.scope import Scoped
from exports.models.documents import Content, Document


class ReceivedFile(Scoped):
    """One such file, kept as it came (exports/received.py)."""

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="received")
    key = models.CharField(max_length=200, help_text="received.1.2: the second file of the delivery's first part.")
    position = models.PositiveIntegerField(help_text="Among the files of its document, from 1.")
    folder = models.CharField(max_length=1000, blank=True)
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=100)
    text = models.BooleanField(default=False, help_text="UTF-8, lines ended by a line feed.")
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    replaced_at = models.DateTimeField(null=True, help_text="It came again, changed; kept until a purge.")

    class Meta:
        ordering: ClassVar = ["document", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["document", "key"],
                condition=models.Q(replaced_at__isnull=True),
                name="one_received_file_a_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.folder}/{self.name}" if self.folder else self.name
