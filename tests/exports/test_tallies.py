"""Counts of ended attempts: equal to counting the attempts, whatever is late, repeated, settled or caught up with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import scope
from exports import attempts, tallies, throughput
from exports.models import Attempt, Round, Tally
from exports.predicate import Predicate
from exports.states import Reason
from tests import builders, desk

NOW = datetime(2026, 11, 23, 12, 2, 30, tzinfo=UTC)
OUTCOMES = ["succeeded", "cancelled", *(reason.value for reason in Reason)]


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def ended(queue, at, outcome="succeeded", *, lane="1/1", took=2.0, tries=0):
    state = outcome if outcome in {"succeeded", "cancelled"} else "failed"
    made = desk.attempt(builders.document(queue), state, outcome if state == "failed" else "", tries=tries)
    Attempt.objects.filter(pk=made.pk).update(finished_at=at, started_at=at - timedelta(seconds=took), lane=lane)
    made.refresh_from_db()
    return made


def rolled(now=NOW, times=1):
    for _ in range(times):
        Round.objects.update(begun_at=now - timedelta(hours=1))
        tallies.roll_up(now)


def kept(minutes=5):
    rows = Tally.objects.filter(minutes=minutes).order_by("at", "lane", "outcome")
    return [(f"{row.at:%H:%M}", row.lane, row.outcome, row.attempts) for row in rows]


def read(now=NOW, days=31):
    return throughput.read(
        since=tallies.floor(now - timedelta(days=days), 60),
        usual_since=tallies.floor(now - timedelta(days=7), 60),
        fine_since=tallies.floor(now - timedelta(hours=3)),
    )


def test_ended_attempts_are_counted_by_five_minutes_lane_and_outcome(queue):
    ended(queue, NOW - timedelta(minutes=10), took=2)
    ended(queue, NOW - timedelta(minutes=10), took=4, tries=3)
    ended(queue, NOW - timedelta(minutes=10), "rejected")
    ended(queue, NOW - timedelta(minutes=65), lane="1/2")

    rolled()

    assert kept() == [
        ("10:55", "1/2", "succeeded", 1),
        ("11:50", "1/1", "rejected", 1),
        ("11:50", "1/1", "succeeded", 2),
    ]
    assert kept(60) == [
        ("10:00", "1/2", "succeeded", 1),
        ("11:00", "1/1", "rejected", 1),
        ("11:00", "1/1", "succeeded", 2),
    ]
    sent = Tally.objects.get(minutes=5, outcome="succeeded", lane="1/1")
    assert (sent.timed, round(sent.seconds, 3)) == (1, 2.0)


def test_counting_twice_changes_nothing(queue):
    ended(queue, NOW - timedelta(minutes=10))

    rolled()
    before = list(Tally.objects.values_list("pk", "attempts"))
    rolled(times=3)

    assert list(Tally.objects.values_list("pk", "attempts")) == before


def test_an_end_that_was_committed_late_is_counted_with_the_next_stretch(queue):
    rolled()
    ended(queue, datetime(2026, 11, 23, 11, 52, tzinfo=UTC), "rejected")

    rolled(NOW + timedelta(minutes=5))

    assert kept() == [("11:50", "1/1", "rejected", 1)]


def test_a_round_is_taken_by_one_of_many(queue):
    ended(queue, NOW - timedelta(minutes=10))
    tallies.roll_up(NOW)
    Tally.objects.all().delete()

    tallies.roll_up(NOW + timedelta(seconds=14))

    assert kept() == []


def test_a_settled_attempt_moves_to_the_delivered(queue):
    attempt = ended(queue, NOW - timedelta(minutes=30), "unconfirmed")
    rolled()

    attempts.settle(attempt, by=builders.owner(), delivered=True, reference="4711", why="looked")
    rolled()

    assert kept() == [("11:30", "1/1", "succeeded", 1)]
    assert kept(60) == [("11:00", "1/1", "succeeded", 1)]


def test_what_lies_weeks_back_is_caught_up_with_a_day_a_round(queue):
    for days in (0.1, 2, 20):
        ended(queue, NOW - timedelta(days=days))

    rolled(times=1)
    partly = len(kept())
    reading = read()
    rolled(times=30)

    assert partly == 1
    assert sum(row.attempts for row in (*reading.hours, *reading.live)) == 3
    assert len(kept()) == 3
    assert Round.objects.get().upto == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_old_counts_go(queue, settings):
    settings.TALLIES_KEPT = timedelta(days=40)
    for days in (36, 41):
        for minutes in (5, 60):
            Tally.own(
                minutes=minutes, at=NOW - timedelta(days=days), lane="1/1", outcome="succeeded",
                attempts=1, timed=0, seconds=0, last_at=NOW,
            ).save()  # fmt: skip
    ended(queue, NOW - timedelta(minutes=10))

    rolled()

    assert [row.minutes for row in Tally.objects.filter(at__lt=NOW - timedelta(days=1))] == [60]


def test_another_organizations_ends_are_not_counted_here(queue):
    other = builders.organization("Other")
    with scope.to(other.pk):
        ended(builders.queue(pipeline=desk.pipeline()), NOW - timedelta(minutes=10))
        ended(builders.queue(pipeline=desk.pipeline("Two")), NOW)
    rolled()

    reading = read()

    assert kept() == []
    assert (reading.fine, reading.hours, reading.usual, reading.live) == ((), (), (), ())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ends=st.lists(st.tuples(st.integers(0, 60 * 60 * 50), st.sampled_from(OUTCOMES)), max_size=25),
    rounds=st.integers(0, 3),
    late=st.lists(st.tuples(st.integers(0, 800), st.sampled_from(OUTCOMES)), max_size=5),
)
def test_what_is_read_is_what_the_predicate_counts(queue, ends, rounds, late):
    Attempt.objects.all().delete()
    Tally.objects.all().delete()
    Round.objects.all().delete()
    for ago, outcome in ends:
        ended(queue, NOW - timedelta(seconds=ago), outcome)
    rolled(times=rounds)
    for ago, outcome in late:  # ends that were stamped earlier than they were committed
        ended(queue, NOW - timedelta(seconds=ago), outcome)
    rolled(NOW + timedelta(minutes=6), times=min(rounds, 1))

    reading = read(NOW + timedelta(minutes=6))
    parts = (*reading.hours, *reading.live)

    for state, outcomes in (("succeeded", {"succeeded"}), ("failed", set(Reason)), ("cancelled", {"cancelled"})):
        told = {
            "state": state,
            "since": (NOW - timedelta(days=5)).isoformat(),
            "until": (NOW + timedelta(hours=1)).isoformat(),
        }
        listed = Predicate.read(told).attempts().count()
        assert sum(row.attempts for row in parts if row.outcome in outcomes) == listed
    for hour in {row.at.replace(minute=0) for row in parts}:
        told = {"state": "succeeded", "since": hour.isoformat(), "until": (hour + timedelta(hours=1)).isoformat()}
        drawn = sum(row.attempts for row in parts if row.outcome == "succeeded" and row.at.replace(minute=0) == hour)
        assert drawn == Predicate.read(told).attempts().count()
