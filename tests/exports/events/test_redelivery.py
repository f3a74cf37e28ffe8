"""Sending again, testing a channel, and what is given up or forgotten in its time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import scope
from accounts.policy import Principal
from audit.models import Event
from exports.events import claims, post, redelivery
from exports.events.claims import Turn
from exports.models import EventDelivery
from pipelines import channels
from pipelines.refusals import Refused
from tests import builders
from tests.exports.events import world
from tests.exports.events.world import happen
from tests.servers.http import reply


class TestRedelivery:
    """People and robots ask for a message again."""

    @pytest.fixture
    def given_up(self, organization, receiver):
        channel = world.channel(receiver.url, "document.received")
        for number in range(3):
            happen("document.receive", f"document:{number}")
        world.tell()
        EventDelivery.objects.update(due_at=None, failed_at=timezone.now(), tries=10)
        return channel

    def test_one_is_sent_again_under_the_same_id(self, given_up, receiver):
        row = EventDelivery.objects.first()

        redelivery.redeliver(row, by=builders.owner(), why="The receiver is mended")
        post.send_due()

        row.refresh_from_db()
        assert (row.state, row.tries, row.failed_at) == ("delivered", 1, None)
        assert [seen.header("webhook-id") for seen in receiver.seen] == [row.message_id]
        event = Event.objects.get(verb="eventdelivery.redeliver")
        assert (event.subject, event.why) == (f"eventdelivery:{row.pk}", "The receiver is mended")

    def test_all_that_failed_since_a_time_are_sent_again_and_no_others(self, given_up, receiver):
        old = EventDelivery.objects.order_by("event_id").first()
        EventDelivery.objects.filter(pk=old.pk).update(happened_at=timezone.now() - timedelta(days=2))

        number = redelivery.redeliver_failed(given_up, timezone.now() - timedelta(days=1), by=builders.owner())
        post.send_due()

        old.refresh_from_db()
        assert (number, len(receiver.seen), old.state) == (2, 2, "failed")
        assert Event.objects.get(verb="channel.redeliver").detail["messages"] == 2

    def test_what_is_being_sent_is_not_asked_for_twice(self, organization, receiver):
        world.channel(receiver.url, "document.received")
        happen("document.receive")
        world.tell()
        claims.claim(1, Turn())

        with pytest.raises(Refused, match="being sent at this moment"):
            redelivery.redeliver(EventDelivery.objects.get(), by=builders.owner())

    def test_a_disabled_channel_is_enabled_first(self, given_up):
        channels.disable(given_up, why="Gone.")

        with pytest.raises(Refused, match="Enable it first"):
            redelivery.redeliver(EventDelivery.objects.select_related("channel").first(), by=builders.owner())
        given_up.refresh_from_db()
        with pytest.raises(Refused, match="Enable it first"):
            redelivery.redeliver_failed(given_up, timezone.now(), by=builders.owner())

    def test_who_may_not_is_refused(self, given_up):
        from django.core.exceptions import PermissionDenied

        nobody = Principal("user:val", scope.current(), frozenset({"exports.view_eventdelivery"}))
        with pytest.raises(PermissionDenied):
            redelivery.redeliver(EventDelivery.objects.first(), by=nobody)
        with pytest.raises(PermissionDenied):
            redelivery.redeliver_failed(given_up, timezone.now(), by=nobody)
        with pytest.raises(PermissionDenied):
            redelivery.test(given_up, by=nobody)
        assert EventDelivery.objects.filter(due_at__isnull=False).count() == 0


def test_a_test_event_goes_out_at_once_and_once(organization, receiver):
    channel, secret = world.channel_and_secret(receiver.url, "job.started", active=False)
    receiver.will(reply(500))

    failed = redelivery.test(channel, by=builders.owner())
    delivered = redelivery.test(channel, by=builders.owner())

    assert (failed.state, delivered.state) == ("failed", "delivered")
    assert world.verified(receiver.seen[1], secret)["type"] == "test"
    assert post.send_due() == 0


def test_what_waited_for_four_days_is_given_up_and_the_log_is_forgotten_in_its_time(organization, receiver, settings):
    settings.EVENTS_KEPT = timedelta(days=30)
    world.channel(receiver.url, "document.received")
    for number in range(3):
        happen("document.receive", f"document:{number}")
    world.tell()
    now = timezone.now()
    waiting, kept, over = EventDelivery.objects.order_by("event_id")
    EventDelivery.objects.filter(pk=waiting.pk).update(asked_at=now - timedelta(days=4, seconds=1))
    EventDelivery.objects.filter(pk=over.pk).update(due_at=None, failed_at=now, created_at=now - timedelta(days=31))

    assert redelivery.give_up_old(now) == 1
    assert redelivery.forget(now) == 1

    assert {row.pk: row.state for row in EventDelivery.objects.all()} == {waiting.pk: "failed", kept.pk: "waiting"}
