"""Bulk work done with care: canaries, thresholds, pace, order, pausing, and two workers at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Event
from exports.bulk import asking, results, working
from exports.models import Attempt, Document, Job, JobItem
from exports.states import JobState, Status
from pipelines import publishing
from pipelines.refusals import Refused
from tests import builders
from tests.exports.bulk.asked import ask, failed, mend, work

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def test_canaries_go_first_and_their_failure_stops_the_rest(queue):
    failed(queue, 6)

    job = work(ask(options={"canary": 2}))

    assert (job.state, job.done, job.todo) == (JobState.PAUSED, 2, 6)
    assert job.paused_why == "Stopped by itself: 2 of the 2 canaries failed again."
    assert Attempt.objects.filter(trigger="bulk").count() == 2


def test_canaries_that_are_delivered_let_the_rest_go(queue):
    failed(queue, 6)
    mend(queue)

    job = work(ask(options={"canary": 2, "newest": True}))

    assert (job.state, job.done) == (JobState.FINISHED, 6)
    assert results.report(job).results == {"delivered": 6}


def test_a_stopped_job_goes_on_when_a_person_says_so(queue):
    failed(queue, 4)
    job = work(ask(options={"canary": 1}))
    mend(queue)

    asking.go_on(job, by=builders.owner())
    work(job)

    assert job.state == JobState.FINISHED
    assert results.report(job).results == {"same_error": 4}, "a rejection is sent through the revision that it had"
    assert Event.objects.filter(verb="job.go_on", subject=f"job:{job.pk}").count() == 1


def test_too_many_failures_stop_it(queue):
    failed(queue, 70)

    job = work(ask(options={"stop_above": 20}))

    assert job.state == JobState.PAUSED
    assert "more than 20 %" in job.paused_why
    assert job.done <= working.AHEAD + working.SLICE, "not everything is sent before the first results are known"
    assert Attempt.objects.filter(trigger="bulk").count() == job.done


def test_a_rate_spreads_it_over_time(queue):
    failed(queue, 3)
    job = ask(options={"per_minute": 60})
    working.advance(1)
    working.advance(1)

    job.refresh_from_db()

    assert job.done == 1
    assert timedelta(0) < job.next_at - timezone.now() <= timedelta(seconds=1)


@pytest.mark.parametrize(("order", "expected"), [("oldest", [1, 2, 3]), ("newest", [3, 2, 1])])
def test_the_order_is_kept(queue, order, expected):
    numbers = {attempt.pk: number for number, attempt in enumerate(failed(queue, 3), start=1)}
    mend(queue)

    work(ask(options={"order": order, "in_turn": True, "newest": True}))

    again = Attempt.objects.filter(trigger="bulk").order_by("pk").values_list("repeats_id", flat=True)
    assert [numbers[pk] for pk in again] == expected


def test_in_turn_the_next_waits_for_the_one_before(queue):
    failed(queue, 2)
    job = ask(options={"in_turn": True})
    for _ in range(5):
        Job.objects.filter(pk=job.pk).update(next_at=None)
        working.advance(0.2)

    assert Attempt.objects.filter(trigger="bulk").count() == 1


def test_a_paused_job_begins_nothing_and_goes_on_where_it_was(queue):
    failed(queue, 3)
    job = ask()
    asking.pause(job, by=builders.owner(), why="wait for the supplier")
    working.advance(1)

    job.refresh_from_db()
    before = (job.state, job.paused_why, job.done)
    asking.go_on(job, by=builders.owner())
    work(job)

    assert before == (JobState.PAUSED, "wait for the supplier", 0)
    assert (job.state, job.done) == (JobState.FINISHED, 3)


def test_a_cancelled_job_leaves_the_rest_alone(queue):
    failed(queue, 3)
    job = ask(options={"per_minute": 60})
    working.advance(0.5)
    working.advance(0.5)

    asking.cancel(job, by=builders.owner())
    Job.objects.update(next_at=None)
    working.advance(1)

    report = results.report(job)
    assert (report.todo, report.awaited) == (2, 1)
    assert Attempt.objects.filter(trigger="bulk").count() == 1
    with pytest.raises(Refused, match="cancelled; it can no longer be paused"):
        asking.pause(job, by=builders.owner())


def test_a_refusal_is_a_line_of_the_report_and_stops_nobody(queue):
    first, _second = failed(queue, 2)
    job = ask()
    working.slice_of(job.pk)
    Document.objects.filter(pk=first.document_id).update(status=Status.DELETED)

    work(job)

    report = results.report(job)
    assert report.refused == {"The document is deleted; it must be put back first.": 1}
    assert report.results == {"same_error": 1}


@pytest.mark.django_db(transaction=True)
def test_two_loops_share_a_job_and_do_each_once(organization, kinds):
    draft = builders.pipeline({"name": "send", "kind": "act_and_send", "config": {"do": "reject"}})
    publishing.publish(draft, by=builders.owner())
    queue = builders.queue(pipeline=draft)
    failed(queue, 60)
    job = ask()

    def sweep():
        try:
            for _ in range(30):
                working.advance(0.3)
        finally:
            connection.close()

    loops = [threading.Thread(target=sweep) for _ in range(2)]
    for one in loops:
        one.start()
    for one in loops:
        one.join()

    job.refresh_from_db()
    assert (job.todo, job.done) == (60, 60)
    assert JobItem.objects.filter(job=job, outcome="done").count() == 60
    assert Attempt.objects.filter(trigger="bulk").count() == 60
