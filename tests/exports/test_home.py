"""The home page: every figure is what the list behind it counts, in a bounded number of statements."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from audit import sealing
from exports import health, tallies, throughput
from exports.admin import homecharts
from exports.admin.charts import Bin, Panel, Series, columns, scale
from exports.models import Attempt, Breaker, Document, FailureGroup, Loop, Round, Tally
from exports.predicate import Predicate
from exports.states import Reason, State
from tests import builders, desk

MOST = 21


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


@pytest.fixture
def client(organization):
    client = Client()
    client.force_login(builders.user("anna", role="owner", organization=organization, time_zone="Europe/Vienna"))
    return client


def home(client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return response.content.decode()


def ended(queue, state, reason="", *, ago=timedelta(), **values):
    made = desk.attempt(builders.document(queue), state, reason, **values)
    at = timezone.now() - ago
    Attempt.objects.filter(pk=made.pk).update(finished_at=at, started_at=at - timedelta(seconds=2))
    return made


def everything(queue, times=1):
    """One of each kind of trouble, so many times."""
    there = builders.destination(f"ERP {times}")
    Breaker.own(
        destination=there, why="503", first_at=timezone.now(), opened_at=timezone.now(), retry_at=timezone.now()
    ).save()
    builders.destination(f"Archive {times}", paused_at=timezone.now(), paused_why="month end")
    for number in range(times):
        group = FailureGroup.own(
            signature=f"{times}-{number}", reason="rejected", pattern=f"Supplier ‹text› {number}", destination=there
        )
        group.save()
        lane = f"{queue.organization_id}/{there.pk}"
        for reason in Reason:
            ended(queue, "failed", reason, lane=lane, group=group, ago=timedelta(hours=number % 30))
        ended(queue, "succeeded", lane=lane)
        for state in (State.WAITING, State.PARKED, State.PAUSED, State.QUEUED, State.RUNNING):
            desk.attempt(builders.document(queue), state, lane=lane, due_at=timezone.now() + timedelta(minutes=5))


def links(page):
    """Every link of a chart's column, with the number that the column stands for."""
    for href, said in re.findall(r'<a class="chart-column" href="([^"]+)" aria-label="([^"]+)"', page):
        numbers = [int(number.replace(",", "")) for number in re.findall(r"(?:: |, )([\d,]+) [a-z]", said)]
        yield dict(parse_qsl(urlsplit(unescape(href)).query)), sum(numbers)


def test_home_asks_no_more_for_much_than_for_little(client, queue, django_assert_max_num_queries):
    everything(queue)
    with django_assert_max_num_queries(MOST):
        home(client)

    everything(queue, times=8)

    with django_assert_max_num_queries(MOST):
        page = home(client)
    assert "ERP 8" in page


def test_each_column_counts_what_its_list_shows(client, queue):
    for ago in (0, 4, 7, 40, 130, 60 * 20, 60 * 24 * 3, 60 * 24 * 25):
        for state, reason in (("succeeded", ""), ("failed", "rejected"), ("failed", "exhausted"), ("cancelled", "")):
            ended(queue, state, reason, ago=timedelta(minutes=ago))
    for _ in range(30):
        Round.objects.update(begun_at=timezone.now() - timedelta(hours=1))
        tallies.roll_up(timezone.now())
    ended(queue, "failed", "unconfirmed")

    found = list(links(home(client)))

    assert len(found) > 20
    for query, number in found:
        assert Predicate.read(query).attempts().count() == number
    assert Tally.objects.exists()


def test_the_strip_says_how_each_destination_does(client, queue):
    live, slow, _idle = (builders.destination(name) for name in ("Live one", "Slow one", "Idle one"))
    failing, paused = builders.destination("Failing one"), builders.destination("Paused one")
    paused.paused_at, paused.paused_why = timezone.now(), "month end"
    paused.save()
    owner = queue.organization_id
    for there, seconds, ago in ((live, 2, 1), (slow, 9, 1), (slow, 1, 60 * 24)):
        for _ in range(25):
            made = ended(queue, "succeeded", lane=f"{owner}/{there.pk}")
            at = timezone.now() - timedelta(minutes=ago)
            Attempt.objects.filter(pk=made.pk).update(finished_at=at, started_at=at - timedelta(seconds=seconds))
    ended(queue, "failed", "rejected", lane=f"{owner}/{failing.pk}")
    now = timezone.now()
    for _ in range(40):
        Round.objects.update(begun_at=now - timedelta(hours=1))
        tallies.roll_up(now)

    month, _, recent = homecharts.beginnings(now, ZoneInfo("UTC"))
    reading = throughput.read(since=month, usual_since=now - health.USUALLY, fine_since=recent)
    lines = {line.name: line for line in health.lines(health.destinations(), health.undone(now), reading, now)}

    assert {name: line.word for name, line in lines.items()} == {
        "Live one": "Live", "Slow one": "Slow", "Idle one": "Quiet", "Failing one": "Failing", "Paused one": "Paused"
    }  # fmt: skip
    assert lines["Slow one"].why == "9.0 s an export in the last 15 minutes, usually 1.0 s"
    assert lines["Failing one"].standing.failed == 1
    assert lines["Failing one"].standing.undelivered_since is not None
    assert lines["Idle one"].last_success is None


def test_the_oldest_undelivered_is_as_old_as_the_first_attempt_of_its_chain(queue):
    there = builders.destination("ERP")
    lane = f"{queue.organization_id}/{there.pk}"
    document = builders.document(queue)
    first = desk.attempt(document, "failed", "rejected", lane=lane, resolution="sent_again")
    Attempt.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(days=2))
    desk.attempt(document, "queued", number=2, lane=lane, lineage=first.pk)
    ended(queue, "failed", "rejected", lane=lane)

    place = health.undone(timezone.now()).places[there.pk]

    assert place.undelivered_since < timezone.now() - timedelta(days=1)
    assert (place.failed, place.queued) == (1, 1)


def test_what_stands_still_is_named_with_its_reason(client, queue):
    there = builders.destination("ERP")
    Breaker.own(
        destination=there, why="Status 503.", first_at=timezone.now(), opened_at=timezone.now(), retry_at=timezone.now()
    ).save()
    lane = f"{queue.organization_id}/{there.pk}"
    lost = desk.attempt(builders.document(queue), "running", lane=lane)
    Attempt.objects.filter(pk=lost.pk).update(lease_ends_at=timezone.now() - timedelta(minutes=5))
    for state in ("paused", "parked", "queued"):
        desk.attempt(builders.document(queue), state, lane=lane)
    Document.objects.update(unindexed=True, modified_at=timezone.now() - timedelta(hours=1))

    page = home(client)

    for told in (
        "ERP: breaker open, 1 held", "Status 503.", "No worker is running", "1 attempt runs without a worker",
        "1 attempt is paused", "1 attempt waits for an answer", "Search does not know 4 documents yet",
    ):  # fmt: skip
        assert told in page


def test_an_unsealed_trail_is_named(client, queue):
    from audit import trail

    desk.attempt(builders.document(queue), "succeeded")
    sealing.seal_new()
    trail.record("destination.test", "destination:1", organization_id=queue.organization_id, actor="user:anna")

    fresh = "The audit trail is not sealed" in home(client)

    assert not fresh


def test_a_worker_that_listens_is_enough(client, queue):
    desk.attempt(builders.document(queue), "queued")
    Loop(worker="here:1").save()

    assert "No worker is running" not in home(client)


def test_tries_ahead_are_drawn_by_the_minute(client, queue):
    for minutes in (5, 5, 30, 90):
        desk.attempt(builders.document(queue), "waiting", due_at=timezone.now() + timedelta(minutes=minutes))

    page = home(client)

    assert "; 1 later" in page
    assert sorted(number for query, number in links(page) if query == {"state": "waiting"}) == [1, 2]


def test_an_empty_organization_is_told_its_first_steps(client, organization):
    page = home(client)

    assert "Nothing to export yet" in page
    assert "data-home" not in page


def test_another_organizations_failures_do_not_show(client, queue):
    from accounts import scope

    other = builders.organization("Other")
    with scope.to(other.pk):
        theirs = builders.queue("Theirs", pipeline=desk.pipeline("Theirs"))
        everything(theirs)
    desk.attempt(builders.document(queue), "succeeded")

    page = home(client)

    assert "ERP 1" not in page
    assert list(links(page)) != []
    assert all(query["state"] == "succeeded" for query, _ in links(page))


# Charts


@pytest.mark.parametrize(
    ("largest", "top"), [(0, 1), (1, 1), (3, 5), (7, 10), (11, 20), (1_999, 2_000), (2_001, 5_000)]
)
def test_a_scale_ends_at_a_round_number(largest, top):
    assert scale(largest) == top


def test_a_chart_says_in_words_what_it_draws():
    panel = Panel("failed", "Failed", (Series("data", "the data is wrong"), Series("theirs", "they are down")))
    bins = [
        Bin("Mon, 14:00–15:00", "14:00", {"data": 1200, "theirs": 3}, {"failed": "/list?a=1&b=2"}),
        Bin("Mon, 15:00–16:00", "", {}, {"failed": "/list"}),
    ]

    drawn = columns("day", "Ended <attempts>", "1,203 failed.", [panel], bins)

    assert '<title id="day-title">Ended &lt;attempts&gt;</title>' in drawn
    assert 'href="/list?a=1&amp;b=2" aria-label="Mon, 14:00–15:00: 1,200 the data is wrong, 3 they are down"' in drawn
    assert drawn.count("<a ") == 1
    assert '<th scope="row">Mon, 14:00–15:00</th><td class="is-number">1,200</td>' in drawn
    assert drawn.count("<tr>") == 2
    assert 'height="2.0"' in drawn


def bounds(now, zone):
    return homecharts._days(now, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "now", "short"),
    [
        ("Europe/Vienna", datetime(2026, 10, 25, 12, tzinfo=UTC), 25),
        ("Europe/Vienna", datetime(2026, 3, 29, 12, tzinfo=UTC), 23),
        ("Asia/Kolkata", datetime(2026, 3, 29, 12, tzinfo=UTC), 24),
    ],
)
def test_the_day_of_a_clock_change_is_an_hour_longer_or_shorter(zone, now, short):
    days = bounds(now, zone)

    assert len(days) == 32
    assert days[-1] - days[-2] == timedelta(hours=short)
    assert days[-1].astimezone(ZoneInfo(zone)).hour == 0


def test_days_that_begin_between_two_hours_are_counted_exactly(queue):
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    midnight = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)  # in India
    for seconds in (-60, -1, 0, 60):
        made = ended(queue, "succeeded")
        Attempt.objects.filter(pk=made.pk).update(finished_at=midnight + timedelta(seconds=seconds))
    for _ in range(3):
        Round.objects.update(begun_at=now - timedelta(hours=1))
        tallies.roll_up(now)
    zone = ZoneInfo("Asia/Kolkata")
    month, _, recent = homecharts.beginnings(now, zone)

    charts = homecharts.ended(throughput.read(since=month, usual_since=month, fine_since=recent), now, zone)

    drawn = str(next(chart for chart in charts if chart.key == "month").drawn)
    assert "Sun 22 Nov 2026: 2 succeeded" in drawn
    assert "Mon 23 Nov 2026: 2 succeeded" in drawn
