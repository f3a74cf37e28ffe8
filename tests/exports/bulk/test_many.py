"""Thousands at once: each is done once, in slices of a bounded number of queries, and the figures add up.
`python -m benchmarks.bulk` does the same with 100,000."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from exports.bulk import asking, results, working
from exports.bulk.options import Options
from exports.models import Attempt, Document, Job, JobItem
from exports.predicate import Predicate
from exports.states import JobState, State
from pipelines import publishing
from tests import builders

pytestmark = pytest.mark.usefixtures("organization", "kinds")

MANY = 5_000


@pytest.fixture
def five_thousand(organization, kinds):
    draft = builders.pipeline({"name": "send", "kind": "act_and_send", "config": {}})
    publishing.publish(draft, by=builders.owner())
    queue, now = builders.queue(pipeline=draft), timezone.now()
    documents = Document.objects.bulk_create(
        (Document.own(queue=queue, external_id=f"d{n}", status="failed_export") for n in range(MANY)), batch_size=500
    )
    Attempt.objects.bulk_create(
        (
            Attempt.own(
                document=document, revision=draft.published, number=1, trigger="automatic", requested_by="t",
                state=State.FAILED, reason="exhausted" if number % 10 else "unconfirmed", stage="send", lane="1/0",
                message="down", finished_at=now,
            )
            for number, document in enumerate(documents)
        ),
        batch_size=500,
    )  # fmt: skip


@pytest.mark.usefixtures("five_thousand")
def test_five_thousand_are_sent_again_each_once():
    by, predicate = builders.owner(), Predicate.read({"open": "1"})

    seen = asking.preview("requeue", predicate, by=by, options=Options())
    job = asking.ask("requeue", predicate, by=by, why="it is back", token="t", expected=seen.count)
    slices = []

    def count(execute, *asked):
        slices[-1] += 1
        return execute(*asked)

    while Job.objects.get(pk=job.pk).state in {JobState.GATHERING, JobState.RUNNING}:
        slices.append(0)
        with connection.execute_wrapper(count):
            working.slice_of(job.pk)

    job.refresh_from_db()
    report = results.report(job)
    assert (seen.total, seen.count, seen.excluded) == (MANY, MANY * 9 // 10, {"unknown": MANY // 10})
    assert (job.state, job.total, job.todo, job.done) == (JobState.SETTLING, MANY, seen.count, seen.count)
    assert (report.awaited, sum(report.excluded.values()), report.todo) == (seen.count, MANY // 10, 0)
    again = Attempt.objects.filter(trigger="bulk")
    assert again.count() == again.values("repeats").distinct().count() == seen.count
    assert JobItem.objects.filter(job=job, outcome="done").count() == seen.count
    assert max(slices) <= working.SLICE * 30, "a slice asks no more, however many there are"
