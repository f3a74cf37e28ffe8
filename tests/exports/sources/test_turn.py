"""The machinery of sources: what is claimed is brought, exported and told, once, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import attempts, documents
from exports.models import Attempt, Claim, Document, SourceState
from exports.sources import acts, leases, poller
from exports.sources.contract import Outcome
from exports.states import ClaimState, Status
from pipelines.errors import Misconfigured, Rejected, Unavailable
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources import pretend
from tests.exports.sources.pretend import act, claim, claims, other, source, turn

pytestmark = pytest.mark.usefixtures("organization", "kinds")

other = other  # noqa: PLW0127  # a fixture


def test_a_thing_becomes_a_document_is_exported_and_reported(other):
    made = source()
    other.things = {"a-1": "1"}

    state = turn(made)

    assert claims(made) == {"a-1": "running"}
    assert (state.last_found, state.last_taken, state.lag_seconds, state.errors) == (1, 1, 7, 0)
    assert Document.objects.get().status == "exported"

    turn(made)

    assert claims(made) == {"a-1": "reported"}
    assert other.told == [("a-1", "exported")]


def test_what_was_reported_is_neither_taken_nor_told_again(other):
    made = source()
    other.things = {"a-1": "1"}
    for _ in range(4):
        turn(made)

    assert other.told == [("a-1", "exported")]
    assert other.fetched == ["a-1"]
    assert Attempt.objects.count() == 1


def test_a_thing_that_came_again_changed_is_the_same_document_exported_once_more(other):
    made = source()
    other.things = {"a-1": "1"}
    turn(made), turn(made)

    other.things, other.fields = {"a-1": "2"}, {"a-1": {"number": "corrected"}}
    turn(made), turn(made)

    assert other.told == [("a-1", "exported"), ("a-1", "exported")]
    assert Document.objects.count() == 1
    assert [one.number for one in Attempt.objects.order_by("number")] == [1, 2]
    assert claim(made, "a-1").rounds == 2


def test_a_failed_export_is_told_with_its_reason_and_a_later_success_too(other):
    made = source(act("send", "reject", message="Supplier is blocked", times=1))
    other.things = {"a-1": "1"}
    turn(made), turn(made)
    told = claim(made, "a-1")
    assert (told.state, told.outcome, told.reason, told.message) == (
        "reported", "failed", "rejected", "Supplier is blocked"
    )  # fmt: skip

    attempts.requeue(Attempt.objects.get(), by=builders.owner(), why="The supplier is open again.")
    turn(made), turn(made)

    assert other.told == [("a-1", "failed"), ("a-1", "exported")]


def test_an_unknown_outcome_tells_nothing_until_a_person_settles_it(other):
    made = source(act("send", "unconfirmed", kind="act_and_send"))
    other.things = {"a-1": "1"}
    turn(made), turn(made), turn(made)
    assert (claims(made), other.told) == ({"a-1": "blocked"}, [])

    attempts.settle(Attempt.objects.get(), by=builders.owner(), delivered=True, reference="ERP 7", why="I looked.")
    turn(made)

    assert (claims(made), other.told) == ({"a-1": "reported"}, [("a-1", "exported")])


def test_an_unknown_outcome_that_did_not_arrive_is_told_by_what_became_of_the_next_attempt(other):
    made = source(act("send", "unconfirmed", kind="act_and_send", times=1))
    other.things = {"a-1": "1"}
    turn(made), turn(made)

    attempts.settle(Attempt.objects.get(), by=builders.owner(), delivered=False, why="It is not there.")
    turn(made), turn(made)

    assert (claims(made), other.told) == ({"a-1": "reported"}, [("a-1", "exported")])
    assert Attempt.objects.count() == 2


def test_a_cancelled_attempt_waits_for_what_becomes_of_the_document(other):
    made = source()
    other.things = {"a-1": "1"}
    turn(made, exports=False)
    attempts.cancel(Attempt.objects.get(), by=builders.owner())
    turn(made)
    assert (claims(made), other.told) == ({"a-1": "running"}, [])

    documents.ask_export(Document.objects.get(), by=builders.owner())
    turn(made), turn(made)

    assert other.told == [("a-1", "exported")]


def test_a_kind_that_asks_for_it_is_told_of_a_cancelled_attempt_and_may_take_the_thing_again(monkeypatch):
    other = pretend.Other({"a-1": "1"})
    pretend.register(monkeypatch, pretend.kind(other, reports=frozenset(Outcome)))
    made = source()
    turn(made, exports=False)
    attempts.cancel(Attempt.objects.get(), by=builders.owner())
    turn(made)

    assert (claims(made), other.told) == ({"a-1": "released"}, [("a-1", "cancelled")])


def test_a_document_that_a_person_rejects_is_told_as_failed(other):
    made = source(arrives="review")
    other.things = {"a-1": "1"}
    turn(made)
    documents.reject(Document.objects.get(), by=builders.owner())
    turn(made)

    told = claim(made, "a-1")
    assert (told.outcome, told.message) == ("failed", "The document was rejected by a person.")
    assert Attempt.objects.count() == 0


def test_what_cannot_be_brought_is_told_and_stops_no_other(other):
    made = source()
    other.things = {"a-1": "1", "a-2": "1"}
    other.fields = {"a-1": {"number": "\0"}}
    turn(made), turn(made)

    assert sorted(other.told) == [("a-1", "failed"), ("a-2", "exported")]
    assert Document.objects.count() == 1


@pytest.mark.parametrize("step", ["poll", "fetch", "report"])
def test_an_other_side_that_is_down_costs_nothing_and_is_asked_again(other, step):
    made = source()
    other.things = {"a-1": "1"}
    if step == "report":
        turn(made)
    other.wrong = {step: Unavailable("They are down.", retry_after=120)}

    state = turn(made)

    assert (state.errors, state.error, state.reason) == (1, "They are down.", "exhausted")
    assert 119 < (state.next_at - timezone.now()).total_seconds() < 133
    other.wrong = {}
    turn(made)
    state = turn(made)
    assert (state.errors, other.told) == (0, [("a-1", "exported")])


def test_a_queue_without_a_pipeline_leaves_the_thing_there_and_says_so(other):
    made = source()
    made.queue.pipeline = None
    made.queue.save()
    other.things = {"a-1": "1"}

    state = turn(made)

    assert state.reason == Misconfigured.reason
    assert "no pipeline" in state.error
    assert (claims(made), Document.objects.count(), other.told) == ({"a-1": "claimed"}, 0, [])


def test_looks_become_rarer_while_nothing_comes_and_are_frequent_again_when_something_does(other):
    made = source(every_seconds=10, slowest_seconds=40)
    waits = []
    for _ in range(6):
        state = turn(made)
        waits.append(round((state.next_at - timezone.now()).total_seconds()))
    assert waits == [10, 15, 22, 34, 40, 40]

    other.things = {"a-1": "1"}
    state = turn(made)

    assert round((state.next_at - timezone.now()).total_seconds()) == 10


def test_one_loop_at_a_time_has_a_source_and_a_loop_that_lost_it_does_nothing_more(other):
    made = source()
    leases.adopt()
    (held,) = leases.hold(5, "first")

    assert leases.hold(5, "second") == []
    assert not poller.poll_now(made)

    SourceState.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    (taken_over,) = leases.hold(5, "second")
    with pytest.raises(leases.LostError):
        leases.renew(held.pk, held.lease)
    assert not leases.release(held.pk, held.lease, was=held.next_at, errors=99)
    assert leases.release(taken_over.pk, taken_over.lease, was=taken_over.next_at)
    assert SourceState.objects.get().errors == 0


def test_a_source_whose_claims_are_lost_exports_nothing_twice(other):
    made = source()
    other.things = {"a-1": "1"}
    turn(made)
    Claim.objects.all().delete()

    turn(made), turn(made)

    assert Attempt.objects.count() == 1
    assert other.told == [("a-1", "exported")]


def test_a_paused_source_or_destination_is_left_alone(other):
    made = source(destination=builders.destination())
    acts.pause(made, by=builders.owner(), why="They move house.")
    leases.adopt()
    assert leases.hold(5, "loop") == []

    acts.resume(made, by=builders.owner())
    made.destination.paused_at = timezone.now()
    made.destination.save()

    assert leases.hold(5, "loop") == []


def test_what_ended_is_due_at_once_whenever_the_next_poll_is(other):
    made = source(every_seconds=3600, slowest_seconds=3600)
    other.things = {"a-1": "1"}
    turn(made)

    (held,) = leases.hold(5, "loop")

    assert held.source_id == made.pk
    assert held.next_at > timezone.now()


def test_a_person_lets_a_thing_go_and_it_is_not_taken_again(other):
    made = source()
    other.things = {"a-1": "1"}
    other.wrong = {"report": Rejected("They do not know it.")}
    turn(made), turn(made)
    assert claims(made) == {"a-1": "to_report"}

    acts.let_go(claim(made, "a-1"), by=builders.owner(), why="I told them by telephone.")
    turn(made)

    assert (claims(made), other.told) == ({"a-1": "released"}, [])


def test_a_source_that_others_wait_for_is_not_deleted(other):
    from pipelines.refusals import InUse

    made = source()
    other.things = {"a-1": "1"}
    turn(made)

    with pytest.raises(InUse, match="waits for a word about one document"):
        acts.delete(made, by=builders.owner())


def test_a_config_is_refused_naming_the_place():
    from pipelines.refusals import Refused

    made = source(kind="nothing")

    with pytest.raises(Refused, match="kind: Choose one of"):
        acts.save(made, by=builders.owner())


def test_states_are_as_the_table_has_them(other):
    made = source()
    other.things = {"a-1": "1"}
    turn(made)

    assert claim(made, "a-1").state == ClaimState.RUNNING
    assert Document.objects.get().status == Status.EXPORTED
