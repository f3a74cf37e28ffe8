"""Destinations that turned the last attempts away."""

from __future__ import annotations

from django.db import models

from accounts.scope import Scoped


class Breaker(Scoped):
    """A destination that was unavailable to the last attempts. The row goes when one gets through: most have none."""

    destination = models.OneToOneField("pipelines.Destination", on_delete=models.CASCADE, related_name="breaker")
    attempts = models.JSONField(default=list, help_text="Ids of those that were turned away in a row, each once.")
    why = models.TextField(blank=True, help_text="What the last one was told; secrets already redacted.")
    first_at = models.DateTimeField(help_text="When the first of them was turned away.")
    opened_at = models.DateTimeField(null=True, help_text="Since then nothing is sent but probes; none: not broken.")
    retry_at = models.DateTimeField(null=True, help_text="When the next probe may be sent.")
    probes = models.PositiveIntegerField(default=0, help_text="That were turned away too.")
    probe_id = models.BigIntegerField(null=True, help_text="The attempt that is let through as a probe.")

    def __str__(self) -> str:
        return f"breaker of {self.destination}"
