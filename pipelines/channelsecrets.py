"""What is sealed of a channel: its address where that is a secret, and the secrets that sign its messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from pipelines import signing, vault
from pipelines.channelrows import Channel, ChannelSecret

ADDRESS, SIGNING = "address", "signing"
OVERLAP = timedelta(hours=24)
"""How long the former signing secret holds beside a new one."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a sender needs. Never shown, never logged."""

    address: str = field(repr=False)
    signing: tuple[str, ...] = field(default=(), repr=False)
    """Signing secrets that hold now, the newest first."""

    @property
    def hidden(self) -> dict[str, str]:
        """What a reply may not show, by the name that stands for it."""
        values = {f"signing_{number}": secret for number, secret in enumerate(self.signing, 1)}
        bare = {f"{name}_bare": secret.removeprefix(signing.PREFIX) for name, secret in values.items()}
        return {**values, **bare}


def opened(channel: Channel, now: datetime | None = None) -> Opened:
    """The address and signing secrets of a channel. Raises Misconfigured where a key is missing."""
    now = now or timezone.now()
    address, secrets = channel.address, []
    rows = ChannelSecret.unscoped.filter(channel=channel, organization_id=channel.organization_id)
    for row in rows.select_related("key").order_by("-id"):
        if row.ends_at is not None and row.ends_at <= now:
            continue
        plain = vault.unseal(row.key, bytes(row.sealed), context_of(row)).decode()
        if row.name == ADDRESS:
            address = plain
        else:
            secrets.append(plain)
    return Opened(address, tuple(secrets))


def keep_address(channel: Channel, address: str) -> None:
    """Seal the whole address in place of the one before. In the caller's transaction."""
    ChannelSecret.unscoped.filter(channel=channel, name=ADDRESS).delete()
    _keep(channel, ADDRESS, address)


def new_signing(channel: Channel) -> str:
    """A new signing secret, returned this once; the one before holds for `OVERLAP` longer, older ones no more. In the
    caller's transaction."""
    now = timezone.now()
    former = ChannelSecret.unscoped.filter(channel=channel, name=SIGNING)
    former.exclude(ends_at=None).delete()
    former.update(ends_at=now + OVERLAP)
    secret = signing.new_secret()
    _keep(channel, SIGNING, secret)
    return secret


def context_of(secret: ChannelSecret) -> str:
    """What a sealed value is bound to, besides its organization."""
    return f"channel/{secret.channel_id}/{secret.name}"


def _keep(channel: Channel, name: str, plain: str) -> None:
    row = ChannelSecret(organization_id=channel.organization_id, channel=channel, name=name)
    row.key, row.sealed = vault.seal(channel.organization_id, plain.encode(), context_of(row))
    row.save(force_insert=True)
