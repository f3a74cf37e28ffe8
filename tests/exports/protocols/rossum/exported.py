"""Confirmed documents of one queue, and ways to ask for their export."""

from __future__ import annotations

import json

import pytest

from exports.models import Document
from tests import builders
from tests.exports.protocols.rossum.conftest import API

SCHEMA = [
    {"category": "datapoint", "id": "number", "type": "string", "label": "Invoice number"},
    {"category": "datapoint", "id": "total", "type": "number", "label": "Total"},
    {"category": "datapoint", "id": "secret", "type": "string", "label": "Secret", "can_export": False},
]


@pytest.fixture
def queue(organization):
    return builders.queue(schema=builders.schema(*SCHEMA))


def confirmed(queue, count, **values):
    return [
        builders.document(queue, {"number": f"INV-{at}", "total": f"{at}.50", "secret": "x"}, **values)
        for at in range(count)
    ]


def read(reply):
    body = b"".join(reply.streaming_content) if reply.streaming else reply.content
    return json.loads(body)


def cut(reply):
    """The robot leaves before the first byte. The server closes the reply then; the test keeps its database open."""
    for close in reply._resource_closers:
        close()


def ids_of(body):
    return [int(one["url"].rpartition("/")[2]) for one in body["results"]]


def export(robot, queue, method="get", **query):
    return getattr(robot, method)(f"{API}/queues/{queue.pk}/export", query_params=query)


def statuses():
    return sorted(Document.objects.values_list("status", flat=True))
