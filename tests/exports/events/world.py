"""Channels, what they receive, and the sweep's part in it."""

from __future__ import annotations

import itertools
import json
from typing import Any

from standardwebhooks import Webhook

from accounts import scope
from audit import sealing, trail
from exports.events import fanout, post
from exports.models import EventDelivery
from pipelines import channels
from pipelines.models import Channel
from tests import builders

LOOPBACK = ["127.0.0.0/8"]
_numbers = itertools.count(1)


def channel(address: str = "https://erp.example/hook", *events: str, kind: str = "webhook", **values: Any) -> Channel:
    made, _ = channel_and_secret(address, *events, kind=kind, **values)
    return made


def channel_and_secret(address: str, *events: str, kind: str = "webhook", **values: Any) -> tuple[Channel, str]:
    made = Channel.own(
        name=values.pop("name", f"Channel {next(_numbers)}"),
        kind=kind,
        events=list(events) or ["*"],
        allowed_networks=values.pop("allowed_networks", LOOPBACK),
        **values,
    )
    secret = channels.save(made, by=builders.owner(), address=address)
    return made, secret


def tell() -> int:
    """What the sweep does with new events."""
    sealing.seal_all()
    return fanout.tell()


def tell_and_send() -> int:
    tell()
    return post.send_due()


def types(of: Channel | None = None) -> list[str]:
    rows = EventDelivery.objects.order_by("happened_at", "id")
    return list((rows.filter(channel=of) if of else rows).values_list("type", flat=True))


def verified(seen: Any, secret: str) -> dict[str, Any]:
    """The payload, read by somebody else's implementation of the specification. Raises where the signature is wrong."""
    headers = {name.lower(): value for name, value in seen.headers}
    Webhook(secret).verify(seen.body, headers)
    return json.loads(seen.body)


def happen(verb, subject="document:1", **detail):
    trail.record(verb, subject, organization_id=scope.current(), actor="user:olga", why="Because", detail=detail)
