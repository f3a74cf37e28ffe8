"""Bulk work: what is previewed, what is done, how it stops, and that the figures are the same everywhere."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts import scope
from accounts.policy import Principal
from exports import attempts, documents, remedies
from exports.bulk import asking, results
from exports.bulk.options import Options
from exports.models import Attempt, Document, Job
from exports.predicate import Predicate
from exports.states import JobState, State, Status
from pipelines import publishing
from pipelines.refusals import Refused
from tests import builders
from tests.exports.bulk.asked import OPEN, ask, failed, mend, preview, work

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def test_all_that_match_are_sent_again_and_the_report_says_what_came_of_them(queue):
    failed(queue, 3)
    mend(queue)

    job = work(ask(options={"newest": True}))

    assert (job.state, job.total, job.todo, job.done) == (JobState.FINISHED, 3, 3, 3)
    assert results.report(job).json() == {
        "total": 3, "todo": 0, "done": 0, "awaited": 0, "results": {"delivered": 3}, "refused": {}, "excluded": {},
    }  # fmt: skip
    assert set(Document.objects.values_list("status", flat=True)) == {Status.EXPORTED}
    assert not Attempt.objects.filter(state=State.FAILED, resolution="").exists()


def test_the_preview_says_what_is_left_out_and_why_and_the_job_agrees(queue):
    first, second, third, fourth, fifth = failed(queue, 5)
    documents.send_back(first.document, by=builders.owner(), why="a typo")
    attempts.requeue(second, by=builders.owner(), why="one by one")
    remedies.delivered_elsewhere(third, by=builders.owner(), reference="4711", why="by mail")
    documents.delete(fourth.document, by=builders.owner())

    seen = preview(state="failed,queued")
    job = work(ask(state="failed,queued"))

    assert (seen.total, seen.count) == (6, 1)
    assert seen.excluded == {"active": 1, "newer": 1, "resolved": 2, "gone": 1}
    assert results.report(job).excluded == dict(seen.left_out)
    assert (job.total, job.todo) == (seen.total, seen.count)
    assert Attempt.objects.filter(trigger="bulk").values_list("repeats_id", flat=True).get() == fifth.pk


def test_an_outcome_that_is_unknown_is_never_sent_again_in_bulk(queue):
    mend(queue, "unconfirmed")
    failed(queue, 2)

    seen = preview()
    job = work(ask())

    assert (seen.count, seen.excluded) == (0, {"unknown": 2})
    assert (job.state, job.total, job.todo) == (JobState.FINISHED, 2, 0)
    assert not Attempt.objects.filter(trigger="bulk").exists()


def test_asking_twice_does_it_once(queue):
    failed(queue, 2)

    first, second = ask(token="of-this-page"), ask(token="of-this-page")
    work(first)

    assert first.pk == second.pk
    assert Attempt.objects.filter(trigger="bulk").count() == 2


def test_what_fails_after_it_was_asked_is_no_part_of_it(queue):
    failed(queue, 1)
    job = ask()
    failed(queue, 1)

    work(job)

    assert (job.refresh_from_db(), job.total)[1] == 1


def test_each_resumes_from_the_stage_that_failed(organization):
    draft = builders.pipeline(
        {"name": "draft", "kind": "act_and_send", "config": {}},
        {"name": "submit", "kind": "act_and_send", "config": {"do": "reject"}},
    )
    publishing.publish(draft, by=builders.owner())
    queue = builders.queue(pipeline=draft)
    failed(queue, 1)
    from tests.exports import kinds as acted

    acted.done.clear()
    job = work(ask(options={"resume": True}))

    assert acted.done == ["submit"]
    assert results.report(job).results == {"same_error": 1}


def test_documents_are_the_subject_too_and_what_was_never_exported_is_said(queue):
    failed(queue, 2)
    builders.document(queue, status="to_review")

    seen = preview(of="documents", queue=str(queue.pk))
    job = work(ask(of="documents", queue=str(queue.pk)))

    assert (seen.total, seen.count, seen.excluded) == (3, 2, {"never": 1})
    assert (job.total, job.todo) == (3, 2)


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [
        ("confirm", "to_review", Status.EXPORTING),
        ("postpone", "to_review", Status.POSTPONED),
        ("reject", "to_review", Status.REJECTED),
        ("delete", "to_review", Status.DELETED),
        ("send_back", "postponed", Status.TO_REVIEW),
    ],
)
def test_documents_are_moved_in_bulk(queue, kind, status, after):
    for _ in range(2):
        builders.document(queue, status=status)

    job = work(ask(kind, of="documents", queue=str(queue.pk)))

    assert set(Document.objects.values_list("status", flat=True)) == {after} or kind == "confirm"
    assert (job.todo, job.done) == (2, 2)


def test_failures_are_ignored_in_bulk(queue):
    failed(queue, 2)

    job = work(ask("ignore"))

    assert set(Attempt.objects.values_list("resolution", flat=True)) == {"ignored"}
    assert results.report(job).plain == 2


def test_a_viewer_asks_for_nothing(queue):
    failed(queue, 1)
    viewer = Principal("user:vera", scope.current(), frozenset({"exports.view_attempt", "exports.add_job"}))

    with pytest.raises(PermissionDenied, match="requeue_attempt"):
        ask(by=viewer)

    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"canary": "many"}, "canary is a whole number from 0 to 10,000, not 'many'."),
        ({"stop_above": 101}, "stop_above is a whole number from 0 to 100, not '101'."),
        ({"order": "best"}, 'order is "oldest" or "newest", not "best".'),
        ({"speed": 1}, 'There is no option "speed".'),
        ({"in_turn": "perhaps"}, "in_turn is true or false, not 'perhaps'."),
        ({"assignee": 5}, 'The option "assignee" means nothing for "Send again".'),
    ],
)
def test_an_option_that_is_wrong_is_named(queue, options, said):
    with pytest.raises(Refused) as refused:
        ask(options=options)

    assert said in refused.value.message
    assert Job.objects.count() == 0


def test_it_needs_a_reason_and_a_known_act(queue):
    with pytest.raises(Refused, match="Say why"):
        ask(why="  ")
    with pytest.raises(Refused, match='Nothing is called "explode" in bulk'):
        ask("explode")


def test_the_report_as_lines_has_one_a_subject(queue):
    failed(queue, 3)
    job = work(ask())

    lines = list(results.lines(job))

    assert lines[0][:4] == ("position", "document", "attempt", "outcome")
    assert [line[3] for line in lines[1:]] == ["done"] * 3
    assert {line[6] for line in lines[1:]} == {"Failed with the same error"}


def test_a_preview_asks_few_questions_whatever_matches(queue, django_assert_max_num_queries):
    failed(queue, 12)
    by = builders.owner()
    predicate = Predicate.read(OPEN)

    with django_assert_max_num_queries(12):
        seen = asking.preview("requeue", predicate, by=by, options=Options())

    assert seen.count == 12
