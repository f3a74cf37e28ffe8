"""Start, re-queue, cancel, settle: what a person may ask of attempts, and what they are told."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts.policy import Principal
from audit.models import Event
from exports import attempts, loop, worklist
from exports.models import Attempt, StageRun
from exports.states import Reason, State, Status
from pipelines.refusals import Refused
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def failed(do="reject", *after, **config):
    attempt = builders.attempt(
        {"name": "a", "kind": "act"}, {"name": "b", "kind": "act", "config": {"do": do, **config}}, *after
    )
    return loop.run_now(attempt.pk)


def test_a_requeue_is_a_new_attempt_and_the_old_one_stays_as_it_ended():
    first = failed()

    second = attempts.requeue(first, by=builders.owner(), why="supplier unblocked")

    first.refresh_from_db()
    assert (first.state, first.reason) == (State.FAILED, Reason.REJECTED)
    assert (second.number, second.repeats, second.lineage, second.why) == (2, first, first.pk, "supplier unblocked")
    assert second.document.attempts.count() == 2


def test_a_double_click_makes_one_new_attempt():
    first = failed()

    once = attempts.requeue(first, by=builders.owner(), why="again")
    twice = attempts.requeue(first, by=builders.owner(), why="again")

    assert once.pk == twice.pk
    assert Attempt.objects.count() == 2


def test_a_requeue_needs_a_reason():
    first = failed()

    with pytest.raises(Refused, match="Say why"):
        attempts.requeue(first, by=builders.owner(), why="  ")

    assert Attempt.objects.count() == 1


def test_a_viewer_may_not_requeue():
    first = failed()
    viewer = Principal.of_user(builders.user(role="viewer", organization=first.organization), first.organization_id)

    with pytest.raises(PermissionDenied):
        attempts.requeue(first, by=viewer, why="please")

    assert Attempt.objects.count() == 1


def test_an_unknown_outcome_is_not_requeued_before_somebody_looked():
    first = failed("unconfirmed")

    with pytest.raises(Refused, match="may book it twice"):
        attempts.requeue(first, by=builders.owner(), why="again")

    assert Attempt.objects.count() == 1


def test_an_unknown_outcome_that_arrived_is_settled_with_its_reference():
    first = failed("unconfirmed")

    settled = attempts.settle(first, by=builders.owner(), delivered=True, reference="ERP 4711", why="seen in the ERP")

    assert (settled.state, settled.document.status) == (State.SUCCEEDED, Status.EXPORTED)
    event = Event.objects.get(verb="attempt.settle")
    assert (event.detail["reference"], event.why) == ("ERP 4711", "seen in the ERP")


def test_an_unknown_outcome_that_did_not_arrive_is_sent_again():
    first = failed("unconfirmed", times=1)

    again = attempts.settle(first, by=builders.owner(), delivered=False, why="not in the ERP")

    assert again.repeats == first
    assert loop.run_now(again.pk).state == State.SUCCEEDED


def test_a_resume_takes_over_what_came_before(kinds):
    first = failed("reject", times=1)

    again = attempts.requeue(first, by=builders.owner(), why="fixed", resume_from="b")
    again = loop.run_now(again.pk)

    assert again.state == State.SUCCEEDED
    assert kinds == ["a", "b", "b"]
    assert StageRun.objects.get(attempt=again, name="a").note.startswith("Taken over from attempt 1")


def test_a_misconfigured_pipeline_is_repeated_with_its_newest_revision():
    first = failed("misconfigure")
    stage = first.revision.pipeline.stages.get(name="b")
    stage.config = "{}"
    stage.save()
    from pipelines import publishing

    newest = publishing.publish(first.revision.pipeline, by=builders.owner())

    again = attempts.requeue(first, by=builders.owner(), why="template corrected")

    assert again.revision == newest
    assert loop.run_now(again.pk).state == State.SUCCEEDED


def test_a_queued_attempt_is_cancelled_and_its_document_goes_back():
    attempt = builders.attempt({"name": "a", "kind": "act"})

    attempts.cancel(attempt, by=builders.owner(), why="wrong month")

    attempt.refresh_from_db()
    assert attempt.state == State.CANCELLED
    assert attempt.document.status == Status.CONFIRMED


def test_a_send_under_way_is_not_cancelled():
    from django.utils import timezone

    attempt = builders.attempt({"name": "a", "kind": "act"})
    worklist.claim("w", 1)
    StageRun.own(
        attempt=attempt, name="a", kind="act", position=1, begun_at=timezone.now(), marked_at=timezone.now()
    ).save()

    with pytest.raises(Refused, match="under way"):
        attempts.cancel(attempt, by=builders.owner())

    attempt.refresh_from_db()
    assert attempt.state == State.RUNNING


def test_a_queue_without_a_published_pipeline_says_what_to_do():
    document = builders.document(builders.queue("Inbox"))

    with pytest.raises(Refused, match='"Inbox" has no pipeline'):
        attempts.start(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.CONFIRMED


def test_every_move_left_its_event():
    failed()

    verbs = list(Event.objects.filter(subject__startswith="attempt:").order_by("id").values_list("verb", flat=True))
    assert verbs == ["attempt.queue", "attempt.claim", "attempt.fail"]


def test_a_document_sent_back_does_not_slip_past_an_unknown_outcome():
    first = failed("unconfirmed")
    from exports import documents

    documents.send_back(first.document, by=builders.owner())
    documents.confirm(first.document, by=builders.owner())

    with pytest.raises(Refused, match="settle that attempt"):
        documents.ask_export(first.document, by=builders.owner())

    assert Attempt.objects.count() == 1


def test_a_document_exported_again_keeps_its_lineage():
    first = failed()
    from exports import documents

    documents.send_back(first.document, by=builders.owner())
    documents.confirm(first.document, by=builders.owner())
    second = documents.ask_export(first.document, by=builders.owner())

    assert (second.number, second.lineage, second.repeats) == (2, first.pk, None)


def test_what_was_delivered_is_sent_once_more_only_when_that_is_said():
    attempt = loop.run_now(builders.attempt({"name": "a", "kind": "act"}).pk)

    with pytest.raises(Refused, match="may book it twice"):
        attempts.requeue(attempt, by=builders.owner(), why="lost over there")
    again = attempts.requeue(attempt, by=builders.owner(), why="lost over there", although_delivered=True)

    assert again.number == 2
    assert loop.run_now(again.pk).state == State.SUCCEEDED
