"""What search knows of documents and replies, and the lists that people keep for themselves and each other.

The rows of search are copies, made off the hot path by exports/searching.py: deleting them loses nothing."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from exports.models.attempts import Attempt
from exports.models.documents import Document


class FieldValue(Scoped):
    """A captured value of a document's newest fields, or the rest of one from one of its words on.

    The document's external id and file name stand here too, under the empty name."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="found_by")
    name = models.CharField(max_length=100, blank=True, help_text="The field's schema id.")
    text = models.CharField(max_length=200, help_text="Case-folded; the first 200 characters.")
    shown = models.CharField(max_length=200, blank=True, help_text="As it was captured, where that differs.")
    whole = models.BooleanField(default=True, help_text="The value from its beginning on.")
    number = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    date = models.DateField(null=True)

    class Meta:
        indexes: ClassVar = [
            # Prefixes by LIKE on PostgreSQL, whatever its collation; by a range on SQLite. The document stands in them
            # so that no row is read.
            models.Index(
                fields=["organization", "name", "text", "document"],
                name="value_by_name",
                opclasses=["int8_ops", "varchar_pattern_ops", "varchar_pattern_ops", "int8_ops"],
                condition=models.Q(whole=True),
            ),
            models.Index(
                fields=["organization", "text", "document"],
                name="value_by_text",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
            ),
            models.Index(
                fields=["organization", "name", "number"],
                name="value_by_number",
                condition=models.Q(number__isnull=False),
            ),
            models.Index(
                fields=["organization", "name", "date"], name="value_by_date", condition=models.Q(date__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.text}"


class ReplyText(Scoped):
    """An attempt's message and the beginning of the reply that decided it, for searching.

    Its words are in a full-text index: a GIN index on PostgreSQL, on SQLite the FTS5 table `exports_replytext_words`
    that triggers keep. A migration that rebuilds this table on SQLite drops the triggers and makes them again."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, primary_key=True, related_name="reply_text")
    text = models.TextField(blank=True, help_text="The reply, at most 2,048 characters; secrets already redacted.")
    words = models.TextField(help_text="Of message and reply, case-folded, one space between two.")

    def __str__(self) -> str:
        return self.text[:60]


class SearchMark(Scoped):
    """Up to which end of an attempt an organization's replies are in search."""

    replies_until = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization"], name="one_mark_an_organization")]

    def __str__(self) -> str:
        return f"replies until {self.replies_until}"


class SavedView(Scoped):
    """A list as somebody wants to see it again: what is in it, which columns, in which order."""

    page = models.CharField(max_length=40, help_text='The list: "documents" or "attempts".')
    name = models.CharField(max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    shared = models.BooleanField(default=False, help_text="Everybody of the organization sees it.")
    query = models.TextField(blank=True, help_text="The predicate, as an address has it.")
    columns = models.JSONField(default=list)
    sort = models.CharField(max_length=60, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "page", "owner", "name"], name="one_view_a_name")
        ]
        permissions: ClassVar = [
            ("share_savedview", "Can share a saved view with everybody"),
            ("download_list", "Can take a list away as a file"),
        ]

    def __str__(self) -> str:
        return self.name


class ListChoice(Scoped):
    """How one person has one list: which columns, and which view it opens with."""

    page = models.CharField(max_length=40)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    columns = models.JSONField(default=list, help_text="Names in their order; none: the usual ones.")
    view = models.ForeignKey(SavedView, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "page", "user"], name="one_choice_a_person")
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.page}"
