"""Which messages a worker sends next, and what is written when it has tried: leases, fair between channels.

A claim moves `due_at` to the end of its lease, so that a worker that dies hands its messages back by falling silent:
each arrives at least once, under the same id. A channel that failed is tried with one message at a time and rests
between, so that a thousand waiting for a dead receiver cost the others nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from exports.events import schedule
from exports.events.sending import ASKS_TO_WAIT, Outcome, Parcel
from exports.ids import uuid7
from exports.models import EventDelivery, EventTry
from pipelines import channels, channelsecrets, destinations
from pipelines.errors import Misconfigured
from pipelines.models import Channel

LEASE = timedelta(seconds=120)
"""Longer than any one try takes."""
AT_ONCE = 2
"""Messages of one healthy channel that one claim takes; a failing one gets one at a time."""
IN_FLIGHT = 4
"""Messages of one channel under way in all processes."""
CHANNELS = 50
"""Channels that one claim looks at; the next goes on behind them."""


@dataclass(slots=True)
class Turn:
    """Whose turn it is next: each claim begins behind the last channel of the one before."""

    after: int = 0


def claim(room: int, turn: Turn) -> list[Parcel]:
    """Up to `room` due messages, taken in turn from every channel that has some, under one new lease."""
    now = timezone.now()
    names = _in_turn(now, turn)
    if not names or room < 1:
        return []
    lease = uuid7()
    with transaction.atomic():
        held = Channel.unscoped.filter(pk__in=names).select_for_update(skip_locked=True, no_key=True)
        by_id = {channel.pk: channel for channel in held}
        under_way = Counter(
            EventDelivery.unscoped.filter(channel__in=list(by_id), lease__isnull=False, due_at__gt=now).values_list(
                "channel_id", flat=True
            )
        )
        taken: list[EventDelivery] = []
        for pk in [pk for pk in names if pk in by_id]:
            most = 1 if by_id[pk].failures else IN_FLIGHT
            free = min(most - under_way[pk], AT_ONCE, room - len(taken))
            if free > 0:
                due = EventDelivery.unscoped.filter(channel=pk, due_at__lte=now).order_by("due_at", "pk")
                taken += due.select_for_update(skip_locked=True, of=("self",))[:free]
                turn.after = pk
        EventDelivery.unscoped.filter(pk__in=[row.pk for row in taken]).update(lease=lease, due_at=now + LEASE)
    return [parcel(row, by_id[row.channel_id], lease) for row in taken]


def claim_one(delivery: EventDelivery) -> Parcel:
    """This message now, whatever the state of its channel: for a person who tries it."""
    lease = uuid7()
    EventDelivery.unscoped.filter(pk=delivery.pk).update(lease=lease, due_at=timezone.now() + LEASE)
    return parcel(delivery, delivery.channel, lease)


def parcel(row: EventDelivery, channel: Channel, lease: UUID) -> Parcel:
    opened, trouble = None, ""
    try:
        opened = channelsecrets.opened(channel)
    except Misconfigured as error:
        trouble = error.message
    return Parcel(
        row.pk, lease, channel.pk, channel.organization_id, channel.kind, row.message_id, row.payload, row.tries,
        channel.failures, opened, destinations.egress_of(channel), trouble,
    )  # fmt: skip


def record(parcel: Parcel, outcome: Outcome) -> None:
    """What came of a try: the log, the message's next time or end, and how its channel is doing."""
    now = outcome.ended_at
    with transaction.atomic():
        row = EventDelivery.unscoped.select_for_update(of=("self",)).filter(pk=parcel.delivery_id).first()
        if row is None:  # deleted with its channel
            return
        EventTry(
            organization_id=parcel.organization_id,
            delivery_id=row.pk,
            begun_at=outcome.begun_at,
            ended_at=now,
            status=outcome.status,
            headers=list(outcome.headers),
            body=outcome.body,
            size=outcome.size,
            error=outcome.error,
        ).save(force_insert=True)
        if row.lease == parcel.lease:
            changes = _ended(row, outcome, now)
            EventDelivery.unscoped.filter(pk=row.pk).update(lease=None, **changes)
        _tend(parcel, outcome, now)


def _ended(row: EventDelivery, outcome: Outcome, now: datetime) -> dict[str, Any]:
    if outcome.delivered:
        return {"tries": row.tries + 1, "due_at": None, "delivered_at": now, "failed_at": None}
    asks = outcome.status in ASKS_TO_WAIT and outcome.retry_after is not None  # a queue, not a refusal: it costs no try
    tries = row.tries if asks else row.tries + 1
    wait = schedule.seconds(tries, retry_after=outcome.retry_after, random=lambda: outcome.jitter)
    too_old = now - row.asked_at > schedule.LONGEST
    if wait is None or too_old or outcome.gone or row.type == "test":
        return {"tries": tries, "due_at": None, "failed_at": now}
    return {"tries": tries, "due_at": now + timedelta(seconds=wait)}


def _tend(parcel: Parcel, outcome: Outcome, now: datetime) -> None:
    """How the channel is doing after this try."""
    here = Channel.unscoped.filter(pk=parcel.channel_id, organization_id=parcel.organization_id)
    if outcome.delivered:
        here.filter(Q(failures__gt=0) | Q(failing_since__isnull=False)).update(
            failures=0, failing_since=None, rests_until=None
        )
        return
    rest = timedelta(seconds=schedule.rest(parcel.failures + 1, retry_after=outcome.retry_after))
    here.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now), rests_until=now + rest)
    channel = here.first()
    if channel is None:
        return
    if outcome.gone:
        channels.disable(channel, why="Its receiver answered 410: it is gone for good.")
    elif channel.failing_since and now - channel.failing_since > schedule.GIVES_UP_CHANNEL:
        days = schedule.GIVES_UP_CHANNEL.days
        channels.disable(channel, why=f"Nothing was delivered for {days} days. The last answer: {outcome.error}")


def _in_turn(now: datetime, turn: Turn) -> Sequence[int]:
    """Channels with a message that is due, those behind the last one first."""
    due = EventDelivery.unscoped.filter(channel=OuterRef("pk"), due_at__lte=now)
    ready = Channel.unscoped.filter(Q(rests_until=None) | Q(rests_until__lte=now), active=True, disabled_at=None)
    waiting = ready.filter(Exists(due)).order_by("pk").values_list("pk", flat=True)
    later = list(waiting.filter(pk__gt=turn.after)[:CHANNELS])
    return later if len(later) == CHANNELS else [*later, *waiting.filter(pk__lte=turn.after)[: CHANNELS - len(later)]]
