"""A source with one thing that it took, and a message that was sent: for the world of the API's tests."""

from __future__ import annotations

from django.utils import timezone

from exports.models import Claim, EventDelivery, EventTry
from pipelines.models import Source

ROSSUM = {"base_url": "https://127.0.0.1:9/api/v1", "queues": [205], "username": "waybill"}
"""Closed to it: nothing is asked."""


def taken(queue, document, number):
    source = Source.own(name=f"Confirmed tab {number}", kind="rossum", queue=queue, config=ROSSUM)
    source.save()
    claim = Claim.own(source=source, key="https://127.0.0.1:9/api/v1/annotations/1", document=document, state="blocked")
    claim.save()
    return source, claim


def sent(channel, document):
    message = EventDelivery.own(
        channel=channel, type="document.exported", subject=f"document:{document.pk}", happened_at=timezone.now(),
        payload={"type": "document.exported", "timestamp": "2026-03-02T09:10:00Z", "data": {"title": "It was exported"}},
        failed_at=timezone.now(),
    )  # fmt: skip
    message.save(force_insert=True)
    EventTry.own(delivery=message, begun_at=timezone.now(), status=500, headers=[["A", "b"]], error="500").save()
    return message
