"""What people and robots ask of messages: try a channel, send one again, send all again that failed since a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.policy import Principal, require
from audit import trail
from exports.events import claims, schedule, sending, titles
from exports.models import EventDelivery
from exports.models.events import FAILED, STATES
from pipelines import eventing
from pipelines.models import Channel
from pipelines.refusals import Refused
from pipelines.transports.http import Client

MOST = 10_000
"""Messages that one request sends again."""


def test(channel: Channel, *, by: Principal) -> EventDelivery:
    """Send a test event now and once, whatever the channel is subscribed to and even while it is disabled. Takes its
    time; no transaction may be open."""
    require(by, "pipelines.test_channel", channel)
    now = timezone.now()
    url = settings.PUBLIC_URL + reverse("admin:pipelines_channel_change", args=[channel.pk])
    data: dict[str, Any] = {
        "channel": {"id": channel.pk, "name": channel.name},
        "subject": f"channel:{channel.pk}",
        "by": by.name,
        "message": f"{by.name.partition(':')[2]} asked for it. Nothing happened that you need to look at.",
        "url": url,
    }
    data["title"] = titles.title(eventing.TEST, data)
    delivery = EventDelivery(
        organization_id=channel.organization_id,
        channel=channel,
        type=eventing.TEST,
        subject=f"channel:{channel.pk}",
        payload={"type": eventing.TEST, "timestamp": now.isoformat(), "data": data},
        happened_at=now,
        due_at=now + claims.LEASE,  # this request sends it; where it dies, a worker does
    )
    with transaction.atomic():
        delivery.save(force_insert=True)
        _record("channel.test", f"channel:{channel.pk}", channel.organization_id, by, {"delivery": str(delivery.pk)})
    parcel = claims.claim_one(delivery)
    client = Client()
    try:
        claims.record(parcel, sending.send(parcel, client))
    finally:
        client.close()
    delivery.refresh_from_db()
    return delivery


def redeliver(delivery: EventDelivery, *, by: Principal, why: str = "") -> EventDelivery:
    """Send one message again, with the same id, whether it was delivered or given up. One that waits is sent now."""
    require(by, "exports.redeliver_eventdelivery", delivery)
    _sendable(delivery.channel)
    now = timezone.now()
    with transaction.atomic():
        if not _again(Q(pk=delivery.pk, organization_id=by.organization_id), now):
            raise Refused("It is being sent at this moment.")
        subject = f"eventdelivery:{delivery.pk}"
        _record("eventdelivery.redeliver", subject, delivery.organization_id, by, {"type": delivery.type}, why)
    delivery.refresh_from_db()
    return delivery


def redeliver_failed(channel: Channel, since: datetime, *, by: Principal, why: str = "") -> int:
    """Send every message of the channel again that happened since then and was given up, the oldest first. Returns how
    many; where that is `MOST`, ask again."""
    require(by, "exports.redeliver_eventdelivery", channel)
    _sendable(channel)
    now = timezone.now()
    with transaction.atomic():
        failed = EventDelivery.objects.filter(STATES[FAILED], channel=channel, happened_at__gte=since)
        ids = list(failed.exclude(type=eventing.TEST).order_by("happened_at", "pk").values_list("pk", flat=True)[:MOST])
        number = sum(_again(Q(pk__in=ids[at : at + 500]), now) for at in range(0, len(ids), 500))
        if number:
            detail = {"messages": number, "since": since.isoformat()}
            _record("channel.redeliver", f"channel:{channel.pk}", channel.organization_id, by, detail, why)
    return number


def give_up_old(now: datetime) -> int:
    """End messages that waited too long, because their channel rests, is off or disabled; part of the sweep."""
    late = EventDelivery.unscoped.filter(due_at__lte=now, asked_at__lt=now - schedule.LONGEST)
    ids = list(late.values_list("pk", flat=True)[:1000])
    return EventDelivery.unscoped.filter(pk__in=ids, due_at__lte=now).update(due_at=None, lease=None, failed_at=now)


def forget(now: datetime) -> int:
    """Delete messages whose time is over (WAYBILL_EVENT_DAYS), the oldest first; part of the sweep."""
    over = EventDelivery.unscoped.filter(created_at__lt=now - settings.EVENTS_KEPT, due_at=None).order_by("created_at")
    ids = list(over.values_list("pk", flat=True)[:500])
    return EventDelivery.unscoped.filter(pk__in=ids).delete()[0] if ids else 0


def _again(which: Q, now: datetime) -> int:
    free = EventDelivery.unscoped.filter(which).filter(Q(lease=None) | Q(due_at__lte=now))
    return free.update(due_at=now, asked_at=now, tries=0, lease=None, delivered_at=None, failed_at=None)


def _sendable(channel: Channel) -> None:
    if channel.disabled_at is not None:
        raise Refused(f'The channel "{channel.name}" is disabled: {channel.disabled_why} Enable it first.')
    if not channel.active:
        raise Refused(f'The channel "{channel.name}" is off. Make it active first.')


def _record(
    verb: str, subject: str, organization_id: int, by: Principal, detail: dict[str, Any], why: str = ""
) -> None:
    trail.record(verb, subject, organization_id=organization_id, actor=by.name, why=why, detail=detail)
