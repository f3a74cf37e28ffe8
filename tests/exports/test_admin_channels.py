"""The desk's pages of channels and of what was sent: made, tested, renewed, sent again; and no secret on any."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from exports.models import EventDelivery
from pipelines import channels, channelsecrets
from pipelines.models import Channel
from tests import builders
from tests.exports.events import world
from tests.servers import http as servers

LIST = "/admin/pipelines/channel/"
SLACK = "https://hooks.slack.example/services/T000/B000/XXXXsecretXXXX"
FORM = {
    "name": "ERP team", "kind": "webhook", "address": "https://erp.example/hook", "events": "document.*\njob.finished",
    "quiet_minutes": "0", "active": "on", "allowed_hosts": "", "allowed_networks": "127.0.0.0/8",
}  # fmt: skip


@pytest.fixture
def receiver():
    with servers.running() as server:
        yield server


def browser(organization, role="integrator"):
    made = Client()
    made.force_login(builders.user(role=role, organization=organization))
    return made


@pytest.fixture
def desk(organization):
    return browser(organization)


def page(desk, path):
    reply = desk.get(path)
    assert reply.status_code == 200, reply.content[:500]
    return reply.content.decode()


def test_a_new_webhook_shows_its_secret_once_and_never_again(organization, desk):
    queue = builders.queue("AP")
    reply = desk.post(f"{LIST}add/", {**FORM, "queues": [queue.pk]})

    channel = Channel.objects.get()
    (secret,) = channelsecrets.opened(channel).signing
    assert reply.status_code == 200
    assert "no-store" in reply.headers["Cache-Control"]
    assert secret in reply.content.decode().replace("&#x3D;", "=")
    assert (channel.events, channel.queues) == (["document.*", "job.finished"], [queue.pk])
    for path in (LIST, f"{LIST}{channel.pk}/change/", f"{LIST}{channel.pk}/history/"):
        assert secret.removeprefix("whsec_") not in page(desk, path)


def test_what_is_wrong_stands_beside_its_field(organization, desk):
    reply = desk.post(f"{LIST}add/", {**FORM, "events": "docs.*", "address": "ftp://x", "allowed_networks": "10/99"})

    text = reply.content.decode()
    assert "is no event type" in text
    assert "must begin with https://" in text
    assert "is no network" in text
    assert Channel.objects.count() == 0


def test_a_slack_address_stays_sealed_while_the_rest_is_changed(organization, desk):
    desk.post(f"{LIST}add/", {**FORM, "kind": "slack", "address": SLACK})
    channel = Channel.objects.get()
    change = f"{LIST}{channel.pk}/change/"

    shown = page(desk, change)
    reply = desk.post(change, {**FORM, "kind": "slack", "address": "", "name": "Renamed"})

    channel.refresh_from_db()
    assert reply.status_code == 302
    assert "XXXXsecretXXXX" not in shown + page(desk, change) + page(desk, LIST)
    assert "https://hooks.slack.example/…" in shown
    assert (channel.name, channelsecrets.opened(channel).address) == ("Renamed", SLACK)


def test_a_test_event_goes_to_the_page_that_says_what_came_of_it(organization, desk, receiver):
    channel = world.channel(receiver.url)
    receiver.will(servers.reply(418, b"<b>teapot</b>"))

    reply = desk.post(f"{LIST}{channel.pk}/test/", follow=True)

    text = reply.content.decode()
    assert "The test event was not delivered. The receiver answered 418" in text
    assert "&lt;b&gt;teapot&lt;/b&gt;" in text
    assert "Given up" in text


def test_a_renewed_secret_is_shown_once(organization, desk):
    channel = world.channel()

    reply = desk.post(f"{LIST}{channel.pk}/rotate/")

    new, old = channelsecrets.opened(channel).signing
    assert new in reply.content.decode().replace("&#x3D;", "=")
    assert old not in reply.content.decode()
    assert "holds for 24 hours more" in reply.content.decode()


def test_what_failed_is_sent_again_from_the_channel_and_from_the_message(organization, desk, receiver):
    channel = world.channel(receiver.url, "document.received")
    for number in range(3):
        world.happen("document.receive", f"document:{number}")
    world.tell()
    EventDelivery.objects.update(due_at=None, failed_at=timezone.now())
    one = EventDelivery.objects.first()

    first = desk.post(reverse("admin:exports_eventdelivery_redeliver", args=[one.pk]), follow=True)
    second = desk.post(f"{LIST}{channel.pk}/redeliver/", {"since": "2020-01-01T00:00", "why": "Mended"}, follow=True)
    wrong = desk.post(f"{LIST}{channel.pk}/redeliver/", {"since": "yesterday"}, follow=True)

    assert "It is sent again, under the same id" in first.content.decode()
    assert "2 messages are sent again." in second.content.decode()
    assert "Say since when" in wrong.content.decode()
    assert EventDelivery.objects.filter(due_at__isnull=False).count() == 3


def test_a_disabled_channel_says_why_and_can_be_enabled(organization, desk):
    channel = world.channel(name="ERP team")
    channels.disable(channel, why="Its receiver answered 410: it is gone for good.")

    shown = page(desk, f"{LIST}{channel.pk}/change/")
    desk.post(f"{LIST}{channel.pk}/enable/")

    channel.refresh_from_db()
    assert "Its receiver answered 410" in shown
    assert channel.disabled_at is None


def test_the_log_is_filtered_by_state_channel_and_type(organization, desk):
    first, second = world.channel(name="First"), world.channel(name="Second")
    world.happen("document.receive", "document:1")
    world.tell()
    EventDelivery.objects.filter(channel=second).update(due_at=None, delivered_at=timezone.now())
    log = "/admin/exports/eventdelivery/"

    def number(query):
        return desk.get(f"{log}{query}").context["cl"].result_count

    assert number("?state=waiting") == 1
    assert number("?state=delivered&type=document.received") == 1
    assert number("?state=failed") == 0
    assert number(f"?channel={first.pk}") == 1
    assert number("") == 2


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_is_refused_and_told_so_on_the_page(organization, role, receiver):
    channel = world.channel(receiver.url)
    desk = browser(organization, role)

    replies = [desk.post(f"{LIST}{channel.pk}/{what}/").status_code for what in ("test", "rotate", "enable")]

    assert replies == [403, 403, 403]
    assert "Your role does not test channels." in page(desk, f"{LIST}{channel.pk}/change/")
    assert receiver.seen == []
    assert desk.post(f"{LIST}add/", FORM).status_code == 403


def test_nothing_changes_by_looking(organization, desk):
    channel = world.channel()
    before = channelsecrets.opened(channel).signing

    replies = {
        desk.get(f"{LIST}{channel.pk}/{what}/").status_code for what in ("test", "rotate", "enable", "redeliver")
    }

    assert replies == {405}
    assert channelsecrets.opened(channel).signing == before


def test_another_organizations_channel_is_not_found(organization, desk):
    from accounts import scope

    with scope.to(builders.organization("Other").pk):
        theirs = world.channel()

    for what in ("test", "rotate", "enable", "redeliver"):
        assert desk.post(f"{LIST}{theirs.pk}/{what}/").status_code == 404
    assert desk.get(f"{LIST}{theirs.pk}/change/").status_code in {302, 404}


def test_deleting_a_channel_takes_its_secrets_and_its_log_along(organization, desk):
    channel = world.channel("https://a.example", "document.*")
    world.happen("document.receive")
    world.tell()

    desk.post(f"{LIST}{channel.pk}/delete/", {"post": "yes"})

    assert (Channel.objects.count(), EventDelivery.objects.count()) == (0, 0)
