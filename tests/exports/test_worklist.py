"""Who gets what is due: fair between lanes, within each destination's limit, never twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import scope
from exports import worklist
from exports.models import Attempt
from exports.states import State
from pipelines.models import Destination
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def sending_to(name, number, **limits):
    destination = Destination.own(name=name, **limits)
    destination.save()
    first = builders.attempt({"name": "send", "kind": "act_and_send", "destination": destination})
    queue = first.document.queue
    from exports import attempts

    return [first, *(attempts.start(builders.document(queue), by=builders.owner()) for _ in range(number - 1))]


def test_lanes_take_turns():
    sending_to("busy", 6)
    quiet = sending_to("quiet", 2)

    _, claimed = worklist.claim("w", 4)

    lanes = list(Attempt.objects.filter(pk__in=claimed).values_list("lane", flat=True))
    assert sorted(lanes.count(lane) for lane in set(lanes)) == [2, 2]
    assert {attempt.pk for attempt in quiet} <= set(claimed)


def test_a_destination_is_claimed_for_no_more_than_twice_what_it_may_be_sent_at_once():
    sending_to("narrow", 5, concurrency=1)

    _, first = worklist.claim("w", 10)
    _, second = worklist.claim("w", 10)

    assert (len(first), len(second)) == (2, 0)


def test_a_paused_destination_keeps_its_attempts_queued():
    sending_to("paused", 2)
    Destination.objects.update(paused_at=timezone.now())

    assert worklist.claim("w", 10) == (None, [])

    assert Attempt.objects.filter(state=State.QUEUED).count() == 2


def test_what_is_not_due_is_not_claimed():
    (attempt,) = sending_to("later", 1)
    Attempt.objects.update(due_at=timezone.now() + timedelta(minutes=1))

    assert worklist.claim("w", 10) == (None, [])

    attempt.refresh_from_db()
    assert attempt.state == State.QUEUED


def test_two_claims_share_nothing():
    sending_to("shared", 9)

    lease, first = worklist.claim("one", 5)
    other, second = worklist.claim("two", 5)

    assert (len(first), len(second)) == (5, 4)
    assert not set(first) & set(second)
    assert lease != other
    assert Attempt.objects.filter(lease=lease, worker="one").count() == 5


def test_a_lease_is_renewed_only_while_it_is_held():
    sending_to("held", 2)
    lease, ids = worklist.claim("w", 1)
    Attempt.objects.filter(pk__in=ids).update(lease_ends_at=timezone.now())

    worklist.renew([lease])

    assert Attempt.objects.get(pk=ids[0]).lease_ends_at > timezone.now() + timedelta(seconds=10)


def test_work_of_every_organization_is_found_and_only_its_own_rows_are_seen(django_assert_max_num_queries):
    sending_to("ours", 1)
    other = builders.organization("Other")
    with scope.to(other.pk):
        sending_to("theirs", 1)

    with django_assert_max_num_queries(12):
        _, claimed = worklist.claim("w", 10)

    assert len(claimed) == 2
    assert Attempt.objects.count() == 1


def test_what_has_taken_its_worker_down_runs_alone():
    suspect, innocent = sending_to("odd", 2)
    Attempt.objects.filter(pk=suspect.pk).update(lapses=2)

    _, together = worklist.claim("w", 10)
    assert worklist.suspects()
    _, alone = worklist.claim_suspect("w")

    assert (together, alone) == ([innocent.pk], [suspect.pk])
    assert not worklist.suspects()


def test_what_runs_alone_waits_for_a_paused_destination_too():
    (suspect,) = sending_to("paused", 1)
    Attempt.objects.update(lapses=2)
    Destination.objects.update(paused_at=timezone.now())

    assert not worklist.suspects()
    assert worklist.claim_suspect("w") == (None, [])

    Destination.objects.update(paused_at=None)
    assert worklist.claim_suspect("w")[1] == [suspect.pk]
