"""What others were told of a purged document: messages to channels, and the reports of bulk jobs."""

from __future__ import annotations

import pytest

from exports import documents
from exports.bulk import results
from exports.models import Attempt, EventDelivery, EventTry, FailureGroup, Job, JobItem
from pipelines.models import Channel
from tests import builders
from tests.exports.test_purging import exported

pytestmark = pytest.mark.usefixtures("organization")


def test_what_channels_were_told_of_it_goes_and_that_they_were_told_stays():
    document = exported()
    attempt, other = Attempt.objects.get(), builders.document(builders.queue())
    group = FailureGroup.own(signature="s", reason="rejected", sample="Jane Doe is blocked")
    group.save()
    Attempt.objects.update(group=group)
    channel = Channel.own(name="ERP team", kind="webhook")
    channel.save()
    subjects = [f"document:{document.pk}", f"attempt:{attempt.pk}", f"failure_group:{group.pk}"]
    for subject in (*subjects, f"document:{other.pk}", "failure_group:999"):
        data = {"title": "Jane Doe", "message": "Jane Doe is blocked", "fields": {"iban": "DE02"}, "subject": subject}
        sent = EventDelivery.own(
            channel=channel, type="document.failed", subject=subject, happened_at=attempt.created_at,
            delivered_at=attempt.created_at, due_at=None,
            payload={"type": "document.failed", "timestamp": "2026-11-20T08:00:00Z", "data": data},
        )  # fmt: skip
        sent.save(force_insert=True)
        EventTry.own(delivery=sent, begun_at=attempt.created_at, status=500, headers=[["X-Name", "Jane Doe"]],
                     body="Jane Doe", error="500: Jane Doe").save()  # fmt: skip

    documents.purge(document, by=builders.owner(), why="asked for")

    purged = EventDelivery.objects.filter(subject__in=subjects)
    assert {row.subject: row.payload for row in purged} == {
        subject: {"type": "document.failed", "timestamp": "2026-11-20T08:00:00Z",
                  "data": {"subject": subject, "title": "Purged."}}
        for subject in subjects
    }  # fmt: skip
    tries = EventTry.objects.filter(delivery__in=purged)
    assert {(one.status, one.body, one.error, str(one.headers)) for one in tries} == {(500, "", "Purged.", "[]")}
    assert {row.delivered_at for row in purged} == {attempt.created_at}
    others = EventDelivery.objects.exclude(pk__in=purged)
    assert {row.payload["data"]["title"] for row in others} == {"Jane Doe"}
    assert set(EventTry.objects.filter(delivery__in=others).values_list("body", flat=True)) == {"Jane Doe"}


def test_why_bulk_work_was_refused_goes_and_its_figures_stay():
    document = exported()
    job = Job.own(kind="requeue", requested_by="user:olga", why="the ERP is back", token="t")
    job.save()
    for position, (outcome, said) in enumerate(
        (("refused", "Jane Doe is confirmed."), ("excluded", "Already delivered."))
    ):
        JobItem.own(job=job, position=position, document=document, outcome=outcome, said=said).save()

    documents.purge(document, by=builders.owner(), why="asked for")

    assert list(job.items.order_by("position").values_list("outcome", "said")) == [
        ("refused", "Purged."), ("excluded", "Already delivered."),
    ]  # fmt: skip
    assert results.report(job).json()["refused"] == {"Purged.": 1}
