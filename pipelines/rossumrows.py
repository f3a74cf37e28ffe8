"""The models of connected Rossum accounts: whose calls are heard, where is written back, what runs for a hook."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.scope import Scoped


class RossumAccount(Scoped):
    """A Rossum account whose hooks call Waybill in the place of Rossum's own export extensions."""

    name = models.CharField(max_length=200)
    base_urls = models.JSONField(
        default=list,
        help_text='The addresses of its API as its hooks name them ("base_url"), for example https://acme.rossum.app.',
    )
    allowed_networks = models.JSONField(
        default=list, blank=True, help_text="Private networks where its API may be, for example 10.1.0.0/16."
    )
    queue = models.ForeignKey(
        "pipelines.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Where its documents land; empty makes a queue here for each of its queues.",
    )
    destination = models.ForeignKey(
        "pipelines.Destination",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What its exports may reach, and how fast; empty lets them reach every public address.",
    )
    active = models.BooleanField(default=True, help_text="Off: its calls are refused.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="one_rossum_account_a_name")
        ]
        verbose_name = "Rossum account"
        verbose_name_plural = "Rossum accounts"

    def __str__(self) -> str:
        return self.name


class RossumSecret(Scoped):
    """A sealed signing secret of an account: what one of its hooks, or all of them, sign their calls with."""

    account = models.ForeignKey(RossumAccount, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey("pipelines.DataKey", on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"signing secret of {self.account}"


class RossumHook(Scoped):
    """A hook that has called: the pipeline of one stage that stands for it here."""

    account = models.ForeignKey(RossumAccount, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=500, help_text="As Rossum names it.")
    extension = models.CharField(max_length=60)
    pipeline = models.ForeignKey("pipelines.Pipeline", on_delete=models.CASCADE, related_name="rossum_hooks")

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "url", "extension"], name="one_pipeline_a_rossum_hook")
        ]

    def __str__(self) -> str:
        return f"{self.extension} of {self.url}"
