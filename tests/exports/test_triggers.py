"""Exports that begin without a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import documents, triggers
from exports.models import Attempt
from exports.states import Status
from pipelines import publishing, triggering
from pipelines.models import Trigger
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def queue_with(on, **values):
    draft = builders.pipeline({"name": "a", "kind": "act"})
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    queue = builders.queue(pipeline=draft)
    Trigger.own(name="T", queue=queue, on=on, **values).save()
    return queue


def test_a_confirmed_document_leaves_at_once():
    document = builders.document(queue_with(triggering.CONFIRMED), status=Status.TO_REVIEW)

    documents.confirm(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.EXPORTING
    assert Attempt.objects.get().requested_by == "waybill:trigger T"


def test_an_inactive_trigger_lets_it_wait():
    document = builders.document(queue_with(triggering.CONFIRMED, active=False), status=Status.TO_REVIEW)

    documents.confirm(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.CONFIRMED


def test_a_schedule_takes_all_that_wait_and_then_rests():
    queue = queue_with(triggering.SCHEDULE, every_minutes=10)
    for _ in range(3):
        builders.document(queue)
    builders.document(queue, status=Status.TO_REVIEW)
    now = timezone.now()

    first = triggers.run_due(now)
    builders.document(queue)
    too_early = triggers.run_due(now + timedelta(minutes=9))
    later = triggers.run_due(now + timedelta(minutes=11))

    assert (first, too_early, later) == (3, 0, 1)
    assert Trigger.objects.get().last_count == 1


def test_an_unpublished_pipeline_is_refused_and_breaks_nothing():
    queue = builders.queue()
    Trigger.own(name="T", queue=queue, on=triggering.SCHEDULE).save()
    document = builders.document(queue)

    assert triggers.run_due(timezone.now()) == 0

    document.refresh_from_db()
    assert document.status == Status.CONFIRMED
