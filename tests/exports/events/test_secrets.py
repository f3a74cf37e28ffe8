"""What signs a message, whom it may reach, and what of a reply is kept."""

from __future__ import annotations

from django.utils import timezone

from exports.events import sending
from exports.models import EventTry
from pipelines import channels, channelsecrets, rotation
from pipelines.models import ChannelSecret
from tests import builders
from tests.exports.events import world
from tests.exports.events.world import happen
from tests.servers.http import reply


def test_a_new_secret_and_the_former_one_hold_for_a_day(organization, receiver):
    channel, old = world.channel_and_secret(receiver.url, "document.received")
    new = channels.rotate(channel, by=builders.owner())
    happen("document.receive", "document:1")
    world.tell_and_send()
    ChannelSecret.objects.exclude(ends_at=None).update(ends_at=timezone.now())
    happen("document.receive", "document:2")

    world.tell_and_send()

    first, second = receiver.seen
    assert world.verified(first, old)["data"]["subject"] == "document:1"
    assert world.verified(first, new)["data"]["subject"] == "document:1"
    assert world.verified(second, new)["data"]["subject"] == "document:2"
    assert second.header("webhook-signature").count("v1,") == 1


def test_a_second_change_ends_the_first_secret(organization):
    channel, first = world.channel_and_secret("https://a.example")
    second = channels.rotate(channel, by=builders.owner())
    third = channels.rotate(channel, by=builders.owner())

    assert channelsecrets.opened(channel).signing == (third, second)
    assert first not in channelsecrets.opened(channel).signing


def test_secrets_of_channels_follow_a_new_data_key(organization, receiver):
    channel, secret = world.channel_and_secret(receiver.url)
    before = channelsecrets.opened(channel)

    rotation.rotate(organization.pk, by=builders.owner())

    assert channelsecrets.opened(channel).signing == before.signing == (secret,)


def test_private_addresses_are_refused_unless_the_channel_allows_them(organization, receiver):
    world.channel(receiver.url, "document.received", allowed_networks=[])
    happen("document.receive")

    world.tell_and_send()

    assert receiver.seen == []
    assert receiver.accepted == 0
    assert EventTry.objects.get().error == (
        "127.0.0.1 is a loopback address, which Waybill does not reach unless told to. "
        "If it is meant, add 127.0.0.1/32 or its network to the channel's allowed networks."
    )


def test_a_clouds_metadata_is_out_of_reach_though_its_network_is_allowed(organization):
    world.channel("http://169.254.169.254/latest", "document.received", allowed_networks=["169.254.0.0/16"])
    happen("document.receive")

    world.tell_and_send()

    assert "a cloud's metadata address" in EventTry.objects.get().error


def test_a_reply_that_echoes_the_secret_is_kept_without_it(organization, receiver):
    _, secret = world.channel_and_secret(receiver.url, "document.received")
    bare = secret.removeprefix("whsec_")
    receiver.will(reply(500, f"wrong: {secret} or {bare}", headers={"X-Echo": secret, "Set-Cookie": "a=b"}))
    happen("document.receive")

    world.tell_and_send()

    tried = EventTry.objects.get()
    assert bare not in tried.body + str(tried.headers) + tried.error
    assert "[secret:" in tried.body
    assert ["Set-Cookie", "a=[secret]"] in tried.headers


def test_of_a_large_reply_the_beginning_is_kept(organization, receiver):
    world.channel(receiver.url, "document.received")
    receiver.will(reply(200, b"y" * 300_000))
    happen("document.receive")

    world.tell_and_send()

    assert len(EventTry.objects.get().body) == sending.KEPT
