"""How Aluma's tasks end there: completed, given back for a while, left, failed, or blocked until somebody knows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import attempts, watching
from exports.models import Alert, AlertRule, Attempt, Claim, Document
from exports.sources import acts
from pipelines import publishing
from tests import builders
from tests.exports.kinds import done
from tests.exports.kinds import kinds as kinds
from tests.exports.sources import alumasource
from tests.exports.sources.alumasource import account, of, turn, until_quiet, wait_over
from tests.exports.sources.pretend import act, claim, claims

pytestmark = pytest.mark.usefixtures("organization", "kinds")

account = account  # noqa: PLW0127  # a fixture


def test_a_transient_failure_waits_here_first_and_is_then_cancelled(account):
    task = account.add()
    made = of(account, act("send", "unavailable", times=1), first_delay_seconds=60)
    publishing_max_tries(made, 1)
    turn(made)
    assert Document.objects.get().status == "failed_export"

    turn(made)
    held = claim(made, task.id)
    assert (task.acts, held.state) == (["start", "cancel"], "released")
    assert 50 < (held.not_before - timezone.now()).total_seconds() <= 60

    turn(made)
    assert account.calls["start"] == 1, "it waits in the retry cache"

    until_quiet(made, 3)
    assert task.acts == ["start", "cancel", "start", "complete"]
    assert [one.number for one in Attempt.objects.order_by("number")] == [1, 2]


def publishing_max_tries(made, tries):
    pipeline = made.queue.pipeline
    pipeline.max_tries = tries
    pipeline.save()
    publishing.publish(pipeline, by=builders.owner())


def test_waits_grow_and_after_the_last_try_the_task_is_left_and_blocked(account):
    task = account.add()
    made = of(account, act("send", "unavailable"), first_delay_seconds=60, longest_delay_seconds=200, max_tries=4)
    publishing_max_tries(made, 1)

    waits = []
    for _ in range(3):
        wait_over(made)
        turn(made), turn(made)
        waits.append(round((claim(made, task.id).not_before - timezone.now()).total_seconds(), -1))
    assert waits == [60, 120, 200]
    wait_over(made)
    turn(made), turn(made)

    left = claim(made, task.id)
    assert (left.state, task.state, account.hanging()) == ("blocked", "pending:start_client_action", [])
    assert "after 4 tries" in left.error
    until_quiet(made, 2)
    assert account.calls["start"] == 4

    acts.try_again(left, by=builders.owner())
    until_quiet(made, 2)
    assert account.calls["start"] >= 5


def test_a_refusal_fails_the_task_with_its_message(account):
    task = account.add()
    made = of(account, act("send", "reject", message="Supplier 77 is blocked"))

    turn(made), turn(made)

    assert (task.state, task.message, task.acts) == ("failed", "Supplier 77 is blocked", ["start", "fail"])
    assert claims(made) == {task.id: "reported"}


def test_a_task_that_nothing_would_help_is_left_where_that_is_wanted(account):
    task = account.add()
    made = of(account, act("send", "reject", message="Supplier 77 is blocked"), on_fatal="leave")

    turn(made), turn(made), turn(made)

    assert (task.acts, task.state) == (["start", "cancel"], "pending:start_client_action")
    assert (claims(made), claim(made, task.id).error) == (
        {task.id: "blocked"}, "No further try would help: Supplier 77 is blocked"
    )  # fmt: skip


def test_a_failed_task_whose_document_is_exported_later_ends_quietly(account):
    task = account.add()
    made = of(account, act("send", "reject", times=1))
    turn(made), turn(made)

    attempts.requeue(Attempt.objects.get(), by=builders.owner(), why="Corrected.")
    alumasource.export()
    until_quiet(made, 3)

    assert (task.state, claims(made)) == ("failed", {task.id: "reported"})
    assert Document.objects.get().status == "exported"


def test_an_unknown_outcome_cancels_the_task_and_blocks_it_until_a_person_knows(account):
    task = account.add()
    made = of(account, act("send", "unconfirmed", kind="act_and_send"))
    turn(made), turn(made)
    until_quiet(made, 3)
    assert (task.acts, claims(made)) == (["start", "cancel"], {task.id: "blocked"})
    assert account.calls["start"] == 1

    attempts.settle(Attempt.objects.get(), by=builders.owner(), delivered=True, reference="ERP 7", why="I looked.")
    until_quiet(made, 3)

    assert (task.acts, claims(made)) == (["start", "cancel", "start", "complete"], {task.id: "reported"})
    assert done == ["send"]


def test_an_unknown_outcome_that_did_not_arrive_is_exported_once_more_and_completed(account):
    task = account.add()
    made = of(account, act("send", "unconfirmed", kind="act_and_send", times=1))
    turn(made), turn(made)

    attempts.settle(Attempt.objects.get(), by=builders.owner(), delivered=False, why="It is not there.")
    until_quiet(made, 3)

    assert (task.acts, claims(made)) == (["start", "cancel", "start", "complete"], {task.id: "reported"})
    assert done == ["send", "send"]


def test_what_is_not_exported_in_time_is_given_back_before_aluma_takes_it(account):
    task = account.add()
    made = of(account, act("send", "park", minutes=600))
    turn(made)
    assert Attempt.objects.get().state == "parked"

    late = claim(made, task.id)
    late.facts["started_at"] = (timezone.now() - timedelta(minutes=26)).isoformat()
    late.save()
    turn(made, exports=False), turn(made, exports=False)

    assert (task.acts, claims(made)) == (["start", "cancel"], {task.id: "released"})
    assert Attempt.objects.get().state == "cancelled"
    assert claim(made, task.id).facts["failures"] == 1


def test_a_person_who_cancels_the_export_has_time_to_go_on(account):
    task = account.add()
    made = of(account, longest_delay_seconds=3600)
    turn(made, exports=False)

    attempts.cancel(Attempt.objects.get(), by=builders.owner(), why="Not now.")
    turn(made)

    held = claim(made, task.id)
    assert (task.acts, held.state) == (["start", "cancel"], "released")
    assert (held.not_before - timezone.now()).total_seconds() > 3500


def test_what_is_left_for_a_person_is_told_once_and_ends_when_nothing_is(account):
    account.add()
    made = of(account, act("send", "reject"), on_fatal="leave")
    turn(made), turn(made)
    for _ in range(2):
        watching.sources([AlertRule.own(kind="source")], timezone.now())

    alert = Alert.objects.get()
    assert (alert.kind, alert.title, alert.ended_at) == ("source", "Aluma waits for a person", None)
    assert "No further try would help" in alert.said

    acts.let_go(Claim.objects.get(), by=builders.owner(), why="Told Aluma by hand.")
    watching.sources([AlertRule.own(kind="source")], timezone.now())
    alert.refresh_from_db()
    assert alert.ended_at is not None
