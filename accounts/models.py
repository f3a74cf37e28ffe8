"""Organizations, the people in them and the keys of their robots."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from accounts import policy
from accounts.scope import Scoped


class Organization(models.Model):
    """A tenant. Every configuration and every record belongs to exactly one."""

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=80, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in. What they may do depends on their role in an organization (accounts/policy.py)."""

    time_zone = models.CharField(
        max_length=64, blank=True, help_text="For example Europe/Vienna; empty follows the browser."
    )


class Membership(models.Model):
    """A person's role in one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=policy.role_choices)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "user"], name="one_role_a_member")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.organization}"


class ApiKey(Scoped):
    """A robot's way in. Only the sha256 of the key is kept; the key itself is shown once, when it is made."""

    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    role = models.CharField(max_length=20, choices=policy.role_choices)
    verbs = models.JSONField(
        null=True, editable=False, help_text="Of the role's verbs, the only ones that it may use; null: all."
    )
    queues = models.JSONField(
        null=True, editable=False, help_text="Ids of the only queues whose documents it sees; null: all."
    )
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AccessToken(Scoped):
    """What a protocol's login is answered with, for some hours: of a person or of a key (accounts/accesstokens.py)."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    protocol = models.CharField(max_length=20)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.CASCADE, related_name="+")
    password_mark = models.CharField(
        max_length=64, blank=True, help_text="Of the person's password at that time: a changed one ends the token."
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(user=None, key__isnull=False) | models.Q(user__isnull=False, key=None),
                name="token_of_one_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"{self.protocol} token of {self.user or self.key}"


class FailedTries(models.Model):
    """How often one account, one address, or both together failed of late (accounts/signin.py)."""

    key = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField()
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} since {self.since:%H:%M}"


class Presence(Scoped):
    """One window of one person that has a page open (accounts/presence.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    place = models.CharField(max_length=100, help_text='What is open, for example "stage:12".')
    window = models.CharField(max_length=40, help_text="A name that the page made up for itself.")
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["place", "user", "window"], name="one_presence_a_window")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.place}"


class RequestCount(Scoped):
    """The requests of one caller in one minute, of which web processes take portions (accounts/rates.py)."""

    caller = models.CharField(max_length=200, help_text="As the audit trail writes it.")
    minute = models.BigIntegerField(help_text="Minutes since 1970.")
    taken = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "caller"], name="one_request_count_a_caller")
        ]
