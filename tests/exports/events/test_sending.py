"""Messages go out signed, are tried again, and end, whatever a receiver does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from exports.events import claims, post, sending
from exports.events.claims import Turn
from exports.models import EventDelivery, EventTry
from pipelines import channels
from pipelines.models import Channel
from pipelines.transports.http import Client
from tests import builders
from tests.exports.events import world
from tests.exports.events.world import happen
from tests.servers.http import cut, reply, silence


def due_now():
    EventDelivery.objects.filter(due_at__isnull=False).update(due_at=timezone.now(), lease=None)
    Channel.objects.update(rests_until=None)


def test_a_message_arrives_signed_and_its_answer_is_kept(organization, receiver):
    _, secret = world.channel_and_secret(f"{receiver.url}/hook?x=1", "document.received")
    receiver.will(reply(202, b"thank you", headers={"X-Request": "abc"}))
    happen("document.receive", "document:7")

    assert world.tell_and_send() == 1

    (seen,) = receiver.seen
    payload = world.verified(seen, secret)
    row = EventDelivery.objects.get()
    assert (seen.method, seen.target) == ("POST", "/hook?x=1")
    assert seen.header("Content-Type") == "application/json; charset=utf-8"
    assert seen.header("webhook-id") == row.message_id
    assert set(payload) == {"type", "timestamp", "data"}
    assert (payload["type"], payload["data"]["subject"]) == ("document.received", "document:7")
    assert (row.state, row.tries, row.lease) == ("delivered", 1, None)
    tried = EventTry.objects.get()
    assert (tried.status, tried.body, tried.error) == (202, "thank you", "")
    assert ["X-Request", "abc"] in tried.headers
    assert post.send_due() == 0


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (reply(500, b"boom"), 500, "The receiver answered 500; only 200 to 299 means delivered."),
        (reply(404), 404, "The receiver answered 404; only 200 to 299 means delivered."),
        (
            reply(302, headers={"Location": "http://169.254.169.254/"}),
            302,
            "The receiver answered 302: redirects are not followed. Correct the address.",
        ),
        (cut(), None, "took the request, then the connection was cut without an answer."),
    ],
)
def test_what_is_no_success_is_tried_again_under_the_same_id(organization, receiver, answer, status, said):
    world.channel(receiver.url, "document.received")
    receiver.will(answer)
    happen("document.receive")

    world.tell_and_send()
    row = EventDelivery.objects.get()
    first = EventTry.objects.get()
    due_now()
    post.send_due()

    assert (row.state, row.tries) == ("waiting", 1)
    assert 4 < (row.due_at - first.ended_at).total_seconds() < 6
    assert first.status == status
    assert first.error.endswith(said)
    assert len({seen.header("webhook-id") for seen in receiver.seen}) == 1
    assert len({seen.body for seen in receiver.seen}) == 1
    row.refresh_from_db()
    assert (row.state, row.tries, len(receiver.seen)) == ("delivered", 2, 2)


def test_a_receiver_that_says_nothing_does_not_hold_the_sender(organization, receiver, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.3)
    world.channel(receiver.url, "document.received")
    receiver.will(silence())
    happen("document.receive")

    world.tell_and_send()

    assert "did not answer to the end within 0.3 s" in EventTry.objects.get().error
    assert EventDelivery.objects.get().state == "waiting"


def test_after_the_schedule_a_message_is_given_up(organization, receiver):
    world.channel(receiver.url, "document.received")
    receiver.otherwise = lambda seen: reply(500)
    happen("document.receive")
    world.tell()

    for _ in range(12):
        due_now()
        post.send_due()

    row = EventDelivery.objects.get()
    assert (row.state, row.tries, len(receiver.seen)) == ("failed", 10, 10)
    assert row.failed_at is not None
    assert row.due_at is None


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_to_wait_is_waited_for_and_it_costs_no_try(organization, receiver, status):
    channel = world.channel(receiver.url, "document.received")
    receiver.will(reply(status, headers={"Retry-After": "120"}))
    happen("document.receive", "document:1")
    happen("document.receive", "document:2")
    world.tell()

    (parcel,) = claims.claim(1, Turn())
    claims.record(parcel, sending.send(parcel, Client()))

    row = EventDelivery.objects.get(pk=parcel.delivery_id)
    channel.refresh_from_db()
    assert (row.state, row.tries) == ("waiting", 0)
    assert 119 < (row.due_at - timezone.now()).total_seconds() <= 120
    assert 119 < (channel.rests_until - timezone.now()).total_seconds() <= 120
    assert claims.claim(10, Turn()) == []  # the other message waits with it


def test_a_receiver_that_is_gone_disables_its_channel_at_once(organization, receiver):
    channel = world.channel(receiver.url, "document.received")
    receiver.will(reply(410))
    happen("document.receive", "document:1")
    happen("document.receive", "document:2")

    world.tell()
    for _ in range(3):
        due_now()
        post.send_due()

    channel.refresh_from_db()
    assert channel.disabled_at is not None
    assert channel.disabled_why == "Its receiver answered 410: it is gone for good."
    assert EventDelivery.objects.filter(failed_at__isnull=False).count() >= 1
    assert len(receiver.seen) <= 2
    assert Event.objects.filter(verb="channel.disable", subject=f"channel:{channel.pk}").count() == 1


def test_a_channel_that_fails_for_five_days_is_disabled_and_one_that_succeeds_is_not(organization, receiver):
    channel = world.channel(receiver.url, "document.received")
    receiver.will(reply(500), reply(200), reply(500), reply(500))
    for number in range(4):
        happen("document.receive", f"document:{number}")
    world.tell()

    def once():
        due_now()
        (parcel,) = claims.claim(1, Turn())
        claims.record(parcel, sending.send(parcel, Client()))
        channel.refresh_from_db()

    once()
    began = channel.failing_since
    once()
    recovered = (channel.failing_since, channel.failures, channel.rests_until)
    once()
    Channel.objects.update(failing_since=timezone.now() - timedelta(days=5, minutes=1))
    once()

    assert began is not None
    assert recovered == (None, 0, None)
    assert channel.disabled_at is not None
    assert channel.disabled_why.startswith(
        "Nothing was delivered for 5 days. The last answer: The receiver answered 500"
    )


def test_an_enabled_channel_sends_what_waits_and_is_not_told_of_what_happened_meanwhile(organization, receiver):
    channel = world.channel(receiver.url, "document.received")
    receiver.will(reply(410))
    happen("document.receive", "document:1")
    world.tell_and_send()
    happen("document.receive", "document:2")
    world.tell()
    channels.enable(channel, by=builders.owner())
    happen("document.receive", "document:3")

    world.tell_and_send()

    assert list(EventDelivery.objects.values_list("subject", flat=True).order_by("event_id")) == [
        "document:1",
        "document:3",
    ]
    channel.refresh_from_db()
    assert (channel.disabled_at, channel.failures) == (None, 0)
