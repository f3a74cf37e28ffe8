"""Alerts: told once, for what a rule says, and acknowledged by a button and never by a link."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import scope
from audit.models import Event
from exports import alertrules, watching
from exports.models import Alert, AlertRule, Attempt, Breaker, FailureGroup, Loop, Round, Tally
from exports.states import GroupState
from pipelines.refusals import Refused
from tests import builders, desk

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def queue(organization):
    alertrules.ensure()
    return builders.queue("Invoices", pipeline=desk.pipeline())


def look(now=None):
    Round.objects.filter(name="alerts").delete()
    watching.run(now or timezone.now())


def told(kind=None):
    rows = Alert.objects.order_by("pk")
    return [alert.title for alert in (rows.filter(kind=kind) if kind else rows)]


def announced():
    return [event.detail["type"] for event in Event.objects.filter(verb="event.announce").order_by("pk")]


def kinds_told():
    return list(Alert.objects.order_by("pk").values_list("type", flat=True))


def set_to(kind, **values):
    AlertRule.objects.filter(kind=kind, destination=None, queue=None).update(**values)


def group(**values):
    made = FailureGroup.own(signature="a", reason="rejected", pattern="Supplier ‹text› is unknown.", **values)
    made.save()
    return made


def test_every_organization_begins_with_one_rule_of_each_kind(organization):
    look()

    assert sorted(AlertRule.objects.values_list("kind", "active")) == [
        (kind, True) for kind in sorted(alertrules.KINDS)
    ]


def test_four_hundred_failures_of_one_cause_are_one_alert(queue):
    cause = group()
    for number in range(30):
        desk.attempt(desk.document(queue, f"D-{number}"), "failed", "rejected", group=cause)

    look()
    look()

    alert = Alert.objects.get(kind="cause")
    assert alert.title == "New: Supplier ‹text› is unknown."
    assert ["Documents so far", "30"] in alert.facts
    assert announced() == []


def test_a_cause_that_comes_back_is_told_again_but_not_within_its_quiet_time(queue):
    cause = group(first_seen=timezone.now() - timedelta(days=3))
    look()
    FailureGroup.objects.update(state=GroupState.RESOLVED)
    look()
    FailureGroup.objects.update(state=GroupState.OPEN, opened_at=timezone.now())
    look()
    quiet = kinds_told()
    Alert.objects.update(raised_at=timezone.now() - timedelta(hours=2))
    look()

    assert quiet == ["failure_group.reopened"]
    assert kinds_told() == ["failure_group.reopened", "failure_group.reopened"]
    assert Alert.objects.filter(subject=f"failure_group:{cause.pk}").count() == 2


def test_a_rule_that_is_off_tells_nothing(queue):
    set_to("cause", active=False)
    group()

    look()

    assert told() == []


def history(lane, weeks, number, now=MONDAY):
    """So many exports in the hour before `now`, in each of the past weeks."""
    for week in weeks:
        Tally.own(
            minutes=5, at=now - timedelta(weeks=week, minutes=30), lane=lane, outcome="succeeded", attempts=number,
            timed=0, seconds=0, last_at=now,
        ).save()  # fmt: skip
    Round.objects.update_or_create(name="tallies", defaults={"begun_at": now, "upto": now})


@pytest.mark.parametrize(
    ("weeks", "number", "alarms"),
    [((1, 2, 3, 4), 6, True), ((1, 2, 4), 5, True), ((1, 2), 50, False), ((1, 2, 3, 4), 4, False), ((), 0, False)],
)
def test_silence_is_what_three_of_four_weeks_did_not_know(queue, weeks, number, alarms):
    there = builders.destination("ERP")
    history(f"{queue.organization_id}/{there.pk}", weeks, number)

    look(MONDAY)

    assert told("silence") == (["No export to ERP for 2 h"] if alarms else [])


def test_a_quiet_night_or_weekend_alarms_nobody(queue):
    there = builders.destination("ERP")
    history(f"{queue.organization_id}/{there.pk}", (1, 2, 3, 4), 60)
    sunday = MONDAY - timedelta(days=1)
    Round.objects.filter(name="tallies").update(upto=sunday)

    look(sunday)

    assert told("silence") == []


def test_what_waits_is_no_silence(queue):
    there = builders.destination("ERP")
    lane = f"{queue.organization_id}/{there.pk}"
    history(lane, (1, 2, 3, 4), 60)
    desk.attempt(builders.document(queue), "queued", lane=lane)

    look(MONDAY)

    assert told("silence") == []


def test_silence_ends_with_the_next_export(queue):
    there = builders.destination("ERP")
    lane = f"{queue.organization_id}/{there.pk}"
    history(lane, (1, 2, 3, 4), 60)
    set_to("digest", active=False)
    look(MONDAY)
    Alert.objects.update(raised_at=MONDAY)
    made = desk.attempt(builders.document(queue), "succeeded", lane=lane)
    Attempt.objects.filter(pk=made.pk).update(finished_at=MONDAY + timedelta(minutes=4))

    look(MONDAY + timedelta(minutes=5))

    assert announced() == ["exports.silent", "exports.resumed"]
    assert Alert.objects.get(kind="silence").ended_at is not None


def test_counts_that_are_behind_prove_no_silence(queue):
    there = builders.destination("ERP")
    history(f"{queue.organization_id}/{there.pk}", (1, 2, 3, 4), 60)
    Round.objects.filter(name="tallies").update(upto=MONDAY - timedelta(hours=1))

    look(MONDAY)

    assert told("silence") == []


def undelivered(queue, there, hours):
    made = desk.attempt(builders.document(queue), "failed", "rejected", lane=f"{queue.organization_id}/{there.pk}")
    Attempt.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(hours=hours))
    return made


def test_the_oldest_undelivered_is_told_once_and_is_over_when_it_is_delivered(queue):
    late = undelivered(queue, builders.destination("ERP"), 5)
    undelivered(queue, builders.destination("Archive"), 3)

    look()
    look()
    Attempt.objects.filter(pk=late.pk).update(resolution="delivered")
    look()

    assert told("overdue") == ["ERP: a document is undelivered for 5 h"]
    assert announced() == ["exports.overdue"]
    assert Alert.objects.get(kind="overdue").ended_at is not None


def test_a_rule_of_a_destination_or_queue_has_its_own_minutes(queue):
    erp = builders.destination("ERP")
    undelivered(queue, erp, 5)
    AlertRule.own(kind="overdue", destination=erp, minutes=600).save()
    AlertRule.own(kind="overdue", queue=queue, minutes=60).save()

    look()

    assert told("overdue") == ["Invoices: a document is undelivered for 5 h"]


def test_a_breaker_is_told_when_it_opens_and_when_it_closes(queue):
    there = builders.destination("ERP")
    now = timezone.now()
    row = Breaker.own(destination=there, why="Status 503.", first_at=now, opened_at=now, retry_at=now)
    row.save()

    look()
    look()
    row.delete()
    look()

    assert told("breaker") == ["ERP turns exports away"]
    assert kinds_told() == ["destination.breaker_opened"]
    assert Alert.objects.get().ended_at is not None
    assert announced() == []  # the trail has told it


def test_a_worker_that_fell_silent_is_told_once(queue):
    Loop(worker="here:1", seen_at=timezone.now() - timedelta(minutes=5)).save()
    Loop(worker="here:2").save()

    look()
    look()

    assert told("worker") == ["The worker here:1 is missing"]


def test_the_digest_is_sent_once_a_day_after_its_hour_also_after_a_restart(queue):
    set_to("digest", hour=7, zone="Europe/Vienna")
    Tally.own(
        minutes=5, at=MONDAY - timedelta(days=1), lane="1/1", outcome="succeeded", attempts=1200, timed=0, seconds=0,
        last_at=MONDAY,
    ).save()  # fmt: skip
    Tally.own(
        minutes=5, at=MONDAY - timedelta(days=1), lane="1/1", outcome="rejected", attempts=3, timed=0, seconds=0,
        last_at=MONDAY,
    ).save()  # fmt: skip

    look(datetime(2026, 11, 23, 5, 59, tzinfo=UTC))
    before = told("digest")
    for hour in (6, 7, 9):
        look(datetime(2026, 11, 23, hour, 1, tzinfo=UTC))

    assert before == []
    assert told("digest") == ["Sun 22 Nov: 1,200 exported, 3 failed"]
    assert ["Failed: the data is wrong", "3"] in Alert.objects.get().facts


def test_rules_of_another_organization_tell_nothing_here(queue):
    other = builders.organization("Other")
    group()
    look()

    with scope.to(other.pk):
        assert told() == []
        assert AlertRule.objects.count() == len(alertrules.KINDS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"zone": "Mars/Base"}, "zone: This is no time zone"),
        ({"minutes": 0}, "minutes: From 1 to"),
        ({"hour": 24}, "hour: From 0 to 23"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(queue, values, message):
    rule = AlertRule.objects.get(kind="digest" if "hour" in values else "silence")
    for name, value in values.items():
        setattr(rule, name, value)

    with pytest.raises(Refused, match=message):
        alertrules.save(rule, by=builders.owner())


def test_a_second_rule_of_the_same_place_is_refused(queue):
    with pytest.raises(Refused, match="There is such a rule already"):
        alertrules.save(AlertRule.own(kind="overdue"), by=builders.owner())
