"""What people do with channels: set one up, renew its signing secret, enable it again. Sending is in exports/events."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from audit import sealing, trail
from pipelines import channelrules, channelsecrets, configuration, eventing
from pipelines.channelrows import Channel
from pipelines.refusals import Refused


def save(channel: Channel, *, by: Principal, address: str = "") -> str:
    """Insert or change, with a new address if one is given. Returns the signing secret that was made for a new webhook,
    this once; else "". Raises Refused beginning with the column whose value cannot be, and PermissionDenied."""
    before = None if channel.pk is None else Channel.objects.filter(pk=channel.pk).first()
    if before is None and not address.strip():
        raise Refused("address: Give the address that messages are sent to.")
    if before is not None and before.kind != channel.kind:
        raise Refused("kind: A channel keeps its kind. Make another one.")
    whole = ""
    if address.strip():
        whole, channel.address = channelrules.checked(channel.kind, address)
    with transaction.atomic():
        configuration.save(channel, by=by)
        if whole and channel.kind in eventing.SEALED_ADDRESS:
            channelsecrets.keep_address(channel, whole)
            if before is not None:
                _record("change", channel, by, {"name": channel.name, "changed": ["address"]})
        if channel.active and (before is None or not before.active):
            _begin_now(channel)
        if before is None and channel.kind == eventing.WEBHOOK:
            return channelsecrets.new_signing(channel)
    return ""


def rotate(channel: Channel, *, by: Principal) -> str:
    """A new signing secret, returned this once. The one before signs too, for 24 hours."""
    require(by, "pipelines.change_channel", channel)
    if channel.kind != eventing.WEBHOOK:
        raise Refused("Only webhooks are signed.")
    with transaction.atomic():
        _held(channel)
        secret = channelsecrets.new_signing(channel)
        _record("rotate", channel, by)
    return secret


def enable(channel: Channel, *, by: Principal) -> Channel:
    """Send again through a channel that was disabled: what waits goes out; what happened meanwhile does not."""
    require(by, "pipelines.change_channel", channel)
    with transaction.atomic():
        rows = Channel.objects.filter(pk=channel.pk, disabled_at__isnull=False)
        if rows.update(
            disabled_at=None, disabled_why="", failures=0, failing_since=None, rests_until=None, owners_told_at=None
        ):
            _begin_now(channel)
            _record("enable", channel, by)
    channel.refresh_from_db()
    return channel


def disable(channel: Channel, *, why: str) -> bool:
    """Nothing goes there any more until a person enables it. False where somebody else did that first. In the caller's
    transaction."""
    now = timezone.now()
    rows = Channel.unscoped.filter(pk=channel.pk, organization_id=channel.organization_id, disabled_at=None)
    if not rows.update(disabled_at=now, disabled_why=why, rests_until=None):
        return False
    by = Principal.system("events", channel.organization_id)
    _record("disable", channel, by, {"name": channel.name}, why=why)
    return True


def _begin_now(channel: Channel) -> None:
    """Told of what happens from this moment on."""
    number, _ = sealing.head(channel.organization_id)
    channel.since, channel.told = timezone.now(), number
    Channel.objects.filter(pk=channel.pk).update(since=channel.since, told=number)


def _held(channel: Channel) -> None:
    if Channel.objects.select_for_update().filter(pk=channel.pk).first() is None:
        raise Refused(f'"{channel.name}" is gone: somebody deleted it.')


def _record(verb: str, channel: Channel, by: Principal, detail: dict[str, object] | None = None, why: str = "") -> None:
    trail.record(
        f"channel.{verb}",
        f"channel:{channel.pk}",
        organization_id=channel.organization_id,
        actor=by.name,
        why=why,
        detail=detail or {"name": channel.name},
    )
