"""Telling the owners of an organization, by mail, that a channel of theirs was disabled."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from exports.events import mail, messages
from exports.events.sending import SECONDS
from pipelines.errors import StageError
from pipelines.models import Channel

log = logging.getLogger(__name__)

AGAIN = timedelta(minutes=10)


def tell() -> int:
    """Write to the owners of channels that were disabled and nobody was told of; none where no mail is set up or no
    owner has an address. Returns how many channels were told of."""
    if not settings.SMTP:
        return 0
    now = timezone.now()
    quiet = Channel.unscoped.filter(Q(rests_until=None) | Q(rests_until__lte=now), owners_told_at=None)
    told = 0
    for channel in quiet.filter(disabled_at__isnull=False).order_by("pk")[:20]:
        mine = quiet.filter(pk=channel.pk)  # whoever moves the time first writes; a crash before the end writes again
        if mine.update(rests_until=now + AGAIN) and _written(channel):
            Channel.unscoped.filter(pk=channel.pk).update(owners_told_at=timezone.now(), rests_until=None)
            told += 1
    return told


def _written(channel: Channel) -> bool:
    owners = Membership.objects.filter(
        organization_id=channel.organization_id, role="owner", user__is_active=True
    ).exclude(user__email="")
    to = sorted(set(owners.values_list("user__email", flat=True)))
    if not to:
        return True
    payload = {
        "type": "channel.disabled",
        "timestamp": (channel.disabled_at or timezone.now()).isoformat(),
        "data": {
            "title": f"Channel {channel.name} was disabled",
            "message": f"{channel.disabled_why}\n\nNothing more is sent there until somebody enables it again.",
            "url": settings.PUBLIC_URL + reverse("admin:pipelines_channel_change", args=[channel.pk]),
        },
    }
    made = messages.dressed(
        messages.mail(payload),
        sender=settings.MAIL_FROM,
        to=to,
        message_id=f"channel-{channel.pk}-{int((channel.disabled_at or timezone.now()).timestamp())}",
        host=urlsplit(settings.PUBLIC_URL).hostname or "localhost",
        at=datetime.now(UTC),
    )
    try:
        mail.send(made, to, timeout=SECONDS)
    except StageError as error:
        log.warning("the owners of a disabled channel were not told", extra={"channel": channel.pk, "why": str(error)})
        return False
    return True
