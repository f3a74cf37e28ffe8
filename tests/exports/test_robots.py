"""What an outside robot did by itself is an attempt like any other: its history, its group, its way back."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import scope
from accounts.policy import Principal
from audit.models import Event
from exports import attempts, contents, documents, robots, tallies
from exports.models import Attempt, Document, Exchange, FailureGroup, StageRun, Tally
from exports.robots import RobotRequest
from exports.states import Reason, Resolution, State, Status
from pipelines import publishing
from pipelines.models import Pipeline
from pipelines.refusals import Refused
from tests import builders

pytestmark = pytest.mark.usefixtures("organization")

PATCH = RobotRequest(
    "PATCH",
    "https://waybill.example/rossum/api/v1/annotations/7",
    headers=[("Authorization", "Bearer s3cret"), ("User-Agent", "robot/1")],
    body=b'{"status": "failed_export"}',
    status=200,
    reply_headers=[("Content-Type", "application/json")],
    reply=b'{"id": 7}',
)


def robot(role="operator"):
    from accounts.policy import GRANTS

    return Principal("key:erp-robot", scope.current(), GRANTS[role])


def confirmed(**values):
    return builders.document(values.pop("queue", None) or builders.queue(), **values)


def verbs(subject):
    return list(Event.objects.filter(subject=subject).order_by("pk").values_list("verb", "actor"))


def test_what_a_robot_delivered_is_an_attempt_that_succeeded():
    document = confirmed()

    attempt = robots.delivered(document, by=robot(), protocol="Rossum", request=PATCH, reference="ERP 7")

    document.refresh_from_db()
    assert document.status == Status.EXPORTED
    assert document.exported_at is not None
    assert (attempt.state, attempt.reason, attempt.number, attempt.reference) == (State.SUCCEEDED, "", 1, "ERP 7")
    assert (attempt.trigger, attempt.requested_by) == ("outside", "key:erp-robot")
    assert attempt.finished_at is not None
    assert attempt.revision.pipeline.name == "Exported by a robot"
    run = StageRun.objects.get()
    assert (run.attempt_id, run.name, run.kind, run.state) == (attempt.pk, "Robot", "client_action", "finished")


def test_what_the_robot_sent_and_was_answered_is_kept_without_what_opens_doors():
    attempt = robots.refused(confirmed(), by=robot(), protocol="Rossum", request=PATCH, message="No such supplier.")

    exchange = Exchange.objects.get(attempt=attempt)
    assert (exchange.purpose, exchange.method, exchange.status) == ("robot", "PATCH", 200)
    assert exchange.request_headers == [["User-Agent", "robot/1"]]
    assert contents.blob(exchange.request_content).read() == PATCH.body
    assert contents.blob(exchange.reply_content).read() == b'{"id": 7}'
    assert (exchange.request_size, exchange.reply_size) == (27, 9)


def test_what_a_robot_refused_fails_as_rejected_with_its_message_in_a_group():
    document = confirmed()

    attempt = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No supplier 4711.")

    document.refresh_from_db()
    attempt.refresh_from_db()
    assert document.status == Status.FAILED_EXPORT
    assert document.messages == [
        {"type": "error", "content": "No supplier 4711.", "id": "all", "detail": {"stage": "Robot"}}
    ]
    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, Reason.REJECTED, "No supplier 4711.")
    group = FailureGroup.objects.get()
    assert (attempt.group, group.attempts_seen, group.stage, group.reason) == (group, 1, "Robot", "rejected")


def test_its_events_are_those_of_any_attempt_and_name_the_robot():
    document = confirmed()

    attempt = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")

    assert verbs(f"attempt:{attempt.pk}") == [("attempt.queue", "key:erp-robot"), ("attempt.fail", "key:erp-robot")]
    assert verbs(f"document:{document.pk}") == [("document.fail_export", "key:erp-robot")]


def test_it_is_counted_like_any_attempt():
    robots.delivered(confirmed(), by=robot(), protocol="Rossum", request=PATCH)
    now = timezone.now()

    tallies._count(tallies.Stretches(tallies.floor(now), tallies.floor(now) + tallies.STRETCH))

    assert list(Tally.objects.filter(minutes=tallies.FINE).values_list("outcome", "attempts")) == [("succeeded", 1)]


def test_saying_it_twice_makes_one_attempt():
    document = confirmed()

    once = robots.delivered(document, by=robot(), protocol="Rossum", request=PATCH)
    twice = robots.delivered(document, by=robot(), protocol="Rossum", request=PATCH)

    assert once.pk == twice.pk
    assert Attempt.objects.count() == 1


def test_refusing_twice_makes_one_attempt_and_one_failure():
    document = confirmed()

    once = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")
    twice = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")

    assert once.pk == twice.pk
    assert FailureGroup.objects.get().attempts_seen == 1


def test_the_arrow_leads_back_to_review_and_the_next_export_is_the_second_attempt():
    document = confirmed()
    first = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")

    documents.send_back(document, by=robot(), why="corrected")
    documents.confirm(document, by=robot())
    second = robots.delivered(document, by=robot(), protocol="Rossum", request=PATCH)

    first.refresh_from_db()
    assert (first.state, first.resolution) == (State.FAILED, Resolution.SENT_BACK)
    assert (second.number, second.lineage, second.state) == (2, first.pk, State.SUCCEEDED)


def test_a_failed_one_may_succeed_at_the_robots_next_try():
    document = confirmed()
    first = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")

    robots.delivered(document, by=robot(), protocol="Rossum", request=PATCH)

    first.refresh_from_db()
    document.refresh_from_db()
    assert (document.status, document.messages, first.resolution) == (Status.EXPORTED, [], Resolution.DELIVERED)


def test_a_requeue_is_refused_and_says_what_to_do():
    attempt = robots.refused(confirmed(), by=robot(), protocol="Rossum", request=PATCH, message="No.")

    with pytest.raises(Refused, match="A robot exports these documents by itself"):
        attempts.requeue(attempt, by=builders.owner(), why="again")

    assert Attempt.objects.count() == 1
    assert Document.objects.get().status == Status.FAILED_EXPORT


def test_a_requeue_takes_the_queues_own_pipeline_where_it_has_one():
    pipeline = builders.pipeline({"name": "clean", "kind": "purge", "config": {"keys": ["a"]}})
    published = publishing.publish(pipeline, by=builders.owner())
    document = confirmed(queue=builders.queue(pipeline=pipeline))
    attempt = robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")

    again = attempts.requeue(attempt, by=builders.owner(), why="by ourselves")

    assert (again.revision, again.repeats, again.state) == (published, attempt, State.QUEUED)


@pytest.mark.parametrize("status", ["to_review", "reviewing", "postponed", "rejected", "deleted", "exporting"])
def test_a_robot_reports_on_what_is_confirmed_only(status):
    document = confirmed(status=status)

    with pytest.raises(Refused, match="A robot reports on what is confirmed"):
        robots.delivered(document, by=robot(), protocol="Rossum", request=PATCH)
    with pytest.raises(Refused):
        robots.refused(document, by=robot(), protocol="Rossum", request=PATCH, message="No.")

    document.refresh_from_db()
    assert (document.status, Attempt.objects.count(), Event.objects.count()) == (status, 0, 0)


def test_a_viewer_may_not_report():
    document = confirmed()

    with pytest.raises(PermissionDenied):
        robots.delivered(document, by=robot("viewer"), protocol="Rossum", request=PATCH)

    assert Attempt.objects.count() == 0


def test_another_organizations_document_is_out_of_reach():
    other = builders.organization()
    document = confirmed()
    stranger = Principal("key:other", other.pk, robot().verbs)

    with scope.to(other.pk), pytest.raises(PermissionDenied):
        robots.delivered(document, by=stranger, protocol="Rossum", request=PATCH)

    document.refresh_from_db()
    assert document.status == Status.CONFIRMED


def test_many_cost_the_same_statements_as_few(django_assert_num_queries):
    queue = builders.queue()
    robots.revision(queue.organization_id)
    few = [confirmed(queue=queue) for _ in range(2)]
    many = [confirmed(queue=queue) for _ in range(40)]
    with CaptureQueriesContext(connection) as counted:
        robots.deliver(few, by=robot(), protocol="Rossum", request=PATCH)

    with django_assert_num_queries(len(counted)):
        made = robots.deliver(many, by=robot(), protocol="Rossum", request=PATCH)

    assert sorted(made) == sorted(document.pk for document in many)
    assert Document.objects.filter(status=Status.EXPORTED).count() == 42


def test_the_pipeline_is_made_once_and_a_taken_name_is_left_alone():
    taken = builders.pipeline({"name": "Other", "kind": "purge"}, name="Exported by a robot")
    queue = builders.queue()

    first = robots.revision(queue.organization_id)
    second = robots.revision(queue.organization_id)

    assert first == second
    assert Pipeline.objects.exclude(pk=taken.pk).get().name == "Exported by a robot 2"


def test_two_first_reports_at_once_share_the_pipeline(monkeypatch):
    queue = builders.queue()
    publish = robots._publish

    def too_late(name, by):
        publish(name, by)  # the other one, in its own transaction
        raise Refused("There is a pipeline called so already.")

    monkeypatch.setattr(robots, "_publish", too_late)

    revision = robots.revision(queue.organization_id)

    assert revision.pipeline == Pipeline.objects.get()


def test_what_is_to_review_is_confirmed_by_it_only_where_that_is_asked_for():
    document = confirmed(status="to_review")

    untouched = robots.deliver([document], by=robot(), protocol="Rossum", request=PATCH)
    moved = robots.deliver([document], by=robot(), protocol="Rossum", request=PATCH, sources={Status.TO_REVIEW})

    assert untouched == {}
    assert moved[document.pk].state == State.SUCCEEDED
    assert [verb for verb, _ in verbs(f"document:{document.pk}")] == ["document.confirm", "document.finish_export"]
