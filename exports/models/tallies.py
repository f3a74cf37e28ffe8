"""Counts of ended attempts, kept off the hot path, and whose turn it is to keep them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.scope import Scoped


class Round(models.Model):
    """Work that one of many sweeps does for all of them, at most every so often. One row for each kind of work."""

    name = models.CharField(max_length=40, unique=True)
    begun_at = models.DateTimeField(help_text="The last time that a sweep took it.")
    upto = models.DateTimeField(null=True, help_text="How far the work has come, where it goes along time.")

    def __str__(self) -> str:
        return self.name


class Tally(Scoped):
    """How many attempts ended in one stretch of time, in one lane, in one way. Made from the attempts and made again
    at will: no more than a note of what counting them would give."""

    minutes = models.PositiveSmallIntegerField(help_text="How long the stretch is: 5 or 60.")
    at = models.DateTimeField(help_text="Its beginning.")
    lane = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20, help_text="succeeded, cancelled, or the reason of the failure.")
    attempts = models.PositiveIntegerField()
    timed = models.PositiveIntegerField(help_text="Those that needed one try: what they took is in `seconds`.")
    seconds = models.FloatField()
    last_at = models.DateTimeField(help_text="When the last of them ended.")
    stale = models.BooleanField(default=False, help_text="One of them was settled since: to be counted again.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "minutes", "at", "lane", "outcome"], name="one_tally")
        ]
        indexes: ClassVar = [
            models.Index(fields=["minutes", "at"], name="tally_by_time"),
            models.Index(fields=["at"], name="tally_stale", condition=models.Q(stale=True)),
        ]

    def __str__(self) -> str:
        return f"{self.attempts} {self.outcome} from {self.at:%Y-%m-%d %H:%M}"
