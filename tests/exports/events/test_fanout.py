"""What the trail says becomes one message a channel and event: no fewer, no more, whoever crashes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import scope
from accounts.policy import Principal
from audit import sealing
from exports import attempts
from exports.events import fanout
from exports.models import EventDelivery
from pipelines import channels, destinations
from pipelines.models import Channel
from tests import builders
from tests.exports.events import world
from tests.exports.events.world import happen
from tests.exports.kinds import act, export, kinds  # noqa: F401  # one is a fixture


def test_each_channel_gets_what_it_subscribed_to(organization):
    exact = world.channel("https://a.example", "document.exported")
    family = world.channel("https://b.example", "document.*", "job.started")
    all_of_it = world.channel("https://c.example", "*")

    for verb in ("document.receive", "document.finish_export", "job.start", "attempt.claim", "queue.add"):
        happen(verb)
    world.tell()

    assert world.types(exact) == ["document.exported"]
    assert world.types(family) == ["document.received", "document.exported", "job.started"]
    assert [type_ for type_ in world.types(all_of_it) if not type_.startswith("channel")] == [
        "document.received",
        "document.exported",
        "job.started",
    ]


def test_a_channel_is_not_told_of_what_happened_before_it_was_made_or_while_it_was_off(organization):
    happen("document.receive", "document:1")
    channel = world.channel("https://a.example", "document.*")
    happen("document.receive", "document:2")
    world.tell()
    channel.refresh_from_db()
    channel.active = False
    channels.save(channel, by=builders.owner())
    happen("document.receive", "document:3")
    world.tell()
    channel.active = True
    channels.save(channel, by=builders.owner())
    happen("document.receive", "document:4")

    world.tell()

    assert list(EventDelivery.objects.order_by("event_id").values_list("subject", flat=True)) == [
        "document:2",
        "document:4",
    ]


def test_only_what_is_sealed_is_told(organization):
    world.channel("https://a.example", "document.*")
    happen("document.receive")

    assert fanout.tell() == 0
    sealing.seal_all()
    assert fanout.tell() == 1
    assert fanout.tell() == 0


def test_a_crash_after_the_messages_and_before_the_mark_doubles_nothing(organization):
    channel = world.channel("https://a.example", "document.*")
    happen("document.receive")
    world.tell()
    first = list(EventDelivery.objects.values_list("id", flat=True))
    Channel.objects.filter(pk=channel.pk).update(told=0)  # as if only the messages had been kept

    world.tell()

    assert list(EventDelivery.objects.values_list("id", flat=True)) == first


def test_a_worker_that_was_too_late_makes_nothing(organization, monkeypatch):
    channel = world.channel("https://a.example", "document.*")
    happen("document.receive")
    sealing.seal_all()
    read = fanout.Batch

    def slow(events):
        Channel.objects.filter(pk=channel.pk).update(told=10_000)  # meanwhile another one told it
        return read(events)

    monkeypatch.setattr(fanout, "Batch", slow)

    assert fanout.tell() == 0
    assert EventDelivery.objects.count() == 0


def test_a_backlog_is_worked_off_in_batches_and_completely(organization, monkeypatch):
    monkeypatch.setattr(fanout, "BATCH", 7)
    world.channel("https://a.example", "document.received")
    for number in range(50):
        happen("document.receive", f"document:{number}")
    sealing.seal_all()

    rounds = [fanout.tell() for _ in range(3)]

    assert sum(rounds) == 50
    assert rounds[0] <= 7 * fanout.ROUNDS
    assert EventDelivery.objects.values("event_id").distinct().count() == 50


def test_an_organization_without_channels_costs_one_query(organization):
    for number in range(20):
        happen("document.receive", f"document:{number}")
    sealing.seal_all()

    with CaptureQueriesContext(
        connection,
    ) as asked:
        fanout.tell()

    assert len(asked) == 1


def test_nothing_of_one_organization_is_told_to_another(organization):
    mine = world.channel("https://a.example", "*")
    with scope.to(builders.organization("Other").pk):
        theirs = world.channel("https://b.example", "*")
        happen("document.receive", "document:77")

    world.tell()

    assert "document.received" not in world.types(mine)
    with scope.to(theirs.organization_id):
        assert world.types(theirs) == ["document.received"]


def test_a_channel_limited_to_queues_hears_of_those_and_of_what_has_no_queue(organization):
    mine, other = builders.queue("Mine"), builders.queue("Other")
    channel = world.channel("https://a.example", "*", queues=[mine.pk])
    of_mine, of_other = builders.document(mine), builders.document(other)
    destination = builders.destination("ERP")

    happen("document.receive", f"document:{of_mine.pk}")
    happen("document.receive", f"document:{of_other.pk}")
    destinations.pause(destination, by=builders.owner(), why="Maintenance")
    world.tell()

    subjects = EventDelivery.objects.filter(channel=channel).exclude(type__startswith="channel")
    assert set(subjects.values_list("subject", flat=True)) == {
        f"document:{of_mine.pk}",
        f"destination:{destination.pk}",
    }


def test_a_channel_limited_to_a_destination_hears_of_attempts_that_send_there(organization):
    erp, sftp = builders.destination("ERP"), builders.destination("SFTP")
    stage = {"name": "Send", "kind": "purge", "config": {"keys": ["x"]}}
    there, elsewhere = builders.attempt(stage), builders.attempt(stage)
    for attempt, destination in ((there, erp), (elsewhere, sftp)):
        type(attempt).objects.filter(pk=attempt.pk).update(lane=f"{organization.pk}/{destination.pk}")
    channel = world.channel("https://a.example", "attempt.cancelled", destinations=[erp.pk])

    for attempt in (there, elsewhere):
        attempts.cancel(attempt, by=builders.owner(), why="No")
    world.tell()

    assert list(EventDelivery.objects.filter(channel=channel).values_list("subject", flat=True)) == [
        f"attempt:{there.pk}"
    ]


@pytest.mark.usefixtures("kinds")
def test_a_failure_is_told_to_the_team_of_the_destination_where_it_happened(organization):
    first, second = builders.destination("ERP"), builders.destination("SFTP")
    of_first = world.channel("https://a.example", "attempt.failed", destinations=[first.pk])
    of_second = world.channel("https://b.example", "attempt.failed", destinations=[second.pk])

    failed = export({**act("one"), "destination": first}, {**act("two", "reject"), "destination": second})
    world.tell()

    assert list(EventDelivery.objects.filter(channel=of_first)) == []
    told = EventDelivery.objects.get(channel=of_second)
    assert (told.subject, told.payload["data"]["destination"]) == (
        f"attempt:{failed.pk}", {"id": second.pk, "name": "SFTP"},
    )  # fmt: skip


def test_a_channel_is_not_told_of_its_own_end_but_the_others_are(organization):
    dead, alive = world.channel("https://a.example", "channel.*"), world.channel("https://b.example", "channel.*")

    channels.disable(dead, why="Nothing was delivered for 5 days.")
    channels.enable(dead, by=Principal.system("test", organization.pk))
    world.tell()

    assert world.types(dead) == []
    assert world.types(alive) == ["channel.disabled", "channel.enabled"]
