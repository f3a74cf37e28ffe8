"""The models of channels: who is told of what, how far each has been told, and the secrets that open it."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.utils import timezone

from accounts.scope import Scoped
from pipelines import eventing

MOST_QUIET = 7 * 24 * 60
"""Minutes."""


class Channel(Scoped):
    """A way out for events: a receiver, what it is told of, and how it is doing."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=eventing.kind_choices, default=eventing.WEBHOOK)
    address = models.TextField(help_text="As it may be shown; of Slack and Teams only the host, the rest is sealed.")
    events = models.JSONField(default=list, help_text='Types, for example "document.exported", "document.*" or "*".')
    queues = models.JSONField(default=list, blank=True, help_text="Ids: only what concerns these; empty means all.")
    pipelines = models.JSONField(default=list, blank=True, help_text="Ids, likewise.")
    destinations = models.JSONField(default=list, blank=True, help_text="Ids, likewise.")
    quiet_minutes = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(MOST_QUIET)],
        help_text="At most one message of a type about the same subject in so many minutes; 0 sends each.",
    )
    with_fields = models.BooleanField(default=False, help_text="Messages carry the documents' captured fields.")
    allowed_hosts = models.JSONField(
        default=list, blank=True, help_text="Host names it may reach; empty allows every public host."
    )
    allowed_networks = models.JSONField(
        default=list, blank=True, help_text="Private networks that may be reached, for example 10.1.0.0/16."
    )
    active = models.BooleanField(default=True, help_text="Off: it is told of nothing that happens meanwhile.")

    since = models.DateTimeField(default=timezone.now, editable=False, help_text="Told of what happened from then on.")
    told = models.BigIntegerField(default=0, editable=False, help_text="The number of the last seal it was told of.")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="In a row, up to now.")
    failing_since = models.DateTimeField(null=True, editable=False)
    rests_until = models.DateTimeField(null=True, editable=False, help_text="Nothing is sent before.")
    disabled_at = models.DateTimeField(null=True, editable=False)
    disabled_why = models.TextField(blank=True, editable=False)
    owners_told_at = models.DateTimeField(null=True, editable=False, help_text="That it was disabled, by e-mail.")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "name"], name="one_channel_a_name")]
        permissions: ClassVar = [("test_channel", "Can send a test event to a channel")]

    def __str__(self) -> str:
        return self.name


class ChannelSecret(Scoped):
    """A sealed value of a channel: its signing secret, the former one while both hold, or its whole address."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=20, help_text="signing or address.")
    key = models.ForeignKey("pipelines.DataKey", on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, help_text="Of a former signing secret: until then both hold.")

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} of {self.channel}"
