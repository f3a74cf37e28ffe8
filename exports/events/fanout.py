"""Makes messages of what the trail says: one row a channel and event, behind the sealer, in the order of its chain.

Each channel keeps the number of the last seal it was told of. That number moves in the transaction that makes the
messages, and the pair of channel and event is unique: a crash, or two workers at once, neither doubles nor loses any.
An organization without channels costs nothing. See docs/decisions/0019.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from accounts import scope
from audit import rows
from audit.models import Event, Seal
from exports.events.catalogue import type_of
from exports.events.facts import MOST_FIELDS, Batch, Facts
from exports.models import EventDelivery
from pipelines import eventing, keepable
from pipelines.models import Channel

BATCH = 500
"""Seals that are read at a time."""
ROUNDS = 4
"""Batches of one organization in one round of the sweep: catching up must not hold up the rest."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the catalogue knows it."""

    event: Event
    type: str


def tell() -> int:
    """Make the messages that are missing; part of the sweep. Returns how many were made."""
    newest = Seal.objects.filter(organization_id=OuterRef("organization_id")).order_by("-number").values("number")[:1]
    behind = Channel.unscoped.filter(active=True, disabled_at=None).alias(newest=Subquery(newest))
    behind = behind.filter(told__lt=F("newest")).order_by("organization_id", "told", "pk")
    made = 0
    for (organization_id, told), channels in groupby(list(behind), lambda row: (row.organization_id, row.told)):
        with scope.to(organization_id):
            made += _tell(list(channels), told)
    return made


def _tell(channels: Sequence[Channel], told: int) -> int:
    """The channels of one organization that have been told equally much."""
    made = 0
    for _ in range(ROUNDS):
        seals = Seal.objects.filter(organization_id=channels[0].organization_id, number__gt=told)
        batch = list(seals.order_by("number").select_related("event")[:BATCH])
        if not batch:
            break
        known = [Told(seal.event, type_of(seal.event.verb, seal.event.detail)) for seal in batch]
        wanted = [one for one in known if any(_subscribes(channel, one) for channel in channels)]
        facts = Batch([one.event for one in wanted]) if wanted else None
        about = {one.event.pk: facts.of(one.type, one.event) for one in wanted} if facts else {}
        for channel in channels:
            mine = [one for one in wanted if _subscribes(channel, one) and _concerns(channel, about[one.event.pk])]
            made += _make(channel, mine, about, facts, told, batch[-1].number)
        told = batch[-1].number
        if len(batch) < BATCH:
            break
    return made


def _subscribes(channel: Channel, one: Told) -> bool:
    if not one.type or one.event.at < channel.since or not eventing.matches(one.type, channel.events):
        return False
    return one.event.subject != f"channel:{channel.pk}"  # that it was disabled is for the others


def _concerns(channel: Channel, facts: Facts) -> bool:
    """Whether it is of the queues, pipelines and destinations that the channel is limited to. What has none of a kind
    (a job has no queue) is not held back by that kind."""
    limits: dict[str, list[int]] = {
        "queues": channel.queues, "pipelines": channel.pipelines, "destinations": channel.destinations
    }  # fmt: skip
    return all(not only or facts.places.get(column, only[0]) in only for column, only in limits.items())


def _make(
    channel: Channel, mine: Sequence[Told], about: dict[int, Facts], batch: Batch | None, told: int, upto: int
) -> int:
    """One channel's messages and its new place in the chain, in one transaction; 0 where another worker was first."""
    with transaction.atomic():
        here = Channel.unscoped.filter(pk=channel.pk, told=told, active=True, disabled_at=None)
        if not here.update(told=upto):
            return 0
        made: list[EventDelivery] = []
        latest: dict[tuple[str, str], EventDelivery] = {}
        for one in mine:
            before = _before(channel, one, latest) if channel.quiet_minutes else None
            if before is not None and one.event.at < before.happened_at + timedelta(minutes=channel.quiet_minutes):
                before.held_back += 1
                if before not in made:
                    EventDelivery.unscoped.filter(pk=before.pk).update(held_back=F("held_back") + 1)
                continue
            facts = about[one.event.pk]
            fields = batch.fields_of(facts) if channel.with_fields and batch else {}
            message = _message(channel, one, facts, fields, before.held_back if before else 0)
            latest[one.type, one.event.subject] = message
            made.append(message)
        rows.insert(EventDelivery, made)
    return len(made)


def _before(channel: Channel, one: Told, latest: dict[tuple[str, str], EventDelivery]) -> EventDelivery | None:
    """The last message of the type about the subject."""
    key = one.type, one.event.subject
    if key not in latest:
        same = EventDelivery.unscoped.filter(channel=channel, subject=one.event.subject, type=one.type)
        found = same.defer("payload").order_by("-happened_at", "-pk").first()
        if found is None:
            return None
        latest[key] = found
    return latest[key]


def _message(channel: Channel, one: Told, facts: Facts, fields: dict[str, Any], held_back: int) -> EventDelivery:
    data = {**facts.data, **({"held_back": held_back} if held_back else {})}
    if fields:
        fits = len(json.dumps(fields, default=str)) <= MOST_FIELDS
        data |= fields if fits else {"fields": None, "fields_left_out": "They are too large for a message."}
    row = EventDelivery(
        organization_id=channel.organization_id,
        channel_id=channel.pk,
        event_id=one.event.pk,
        type=one.type,
        subject=one.event.subject,
        payload=keepable.json({"type": one.type, "timestamp": one.event.at.isoformat(), "data": data}),
        happened_at=one.event.at,
    )
    row.due_at = row.created_at
    return row
