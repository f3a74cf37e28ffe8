"""Channels over the API: secrets go in and come out once, tests and redelivery, and what is refused."""

from __future__ import annotations

import pytest

from exports.models import EventDelivery
from exports.replies import ApiReply
from pipelines import channels, channelsecrets
from pipelines.models import Channel
from tests import builders
from tests.exports.api import world as worlds
from tests.exports.events import world as events
from tests.servers import http as servers

HOOK = {"name": "ERP", "address": "https://erp.example/hook", "events": ["document.*"]}
SLACK = "https://hooks.slack.example/services/T000/B000/XXXXsecretXXXX"


@pytest.fixture
def receiver():
    with servers.running() as server:
        yield server


def test_a_signing_secret_is_shown_once(api):
    made = api.post("channels", HOOK, idempotency_key="one")
    again = api.post("channels", HOOK, idempotency_key="one")

    secret = made.json()["signing_secret"]
    channel = Channel.objects.get()
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert channelsecrets.opened(channel).signing == (secret,)
    assert again.json() == {**made.json(), "signing_secret": None}
    assert secret not in ApiReply.objects.get().body
    assert "signing_secret" not in api.get(f"channels/{channel.pk}").json()
    assert secret.removeprefix("whsec_") not in api.get("audit_events").content.decode()


def test_a_renewed_secret_is_shown_once_too(api):
    channel = events.channel()

    made = api.post(f"channels/{channel.pk}/rotate", idempotency_key="two")

    assert channelsecrets.opened(channel).signing[0] == made.json()["signing_secret"]
    assert made.json()["signing_secret"] not in ApiReply.objects.get().body


def test_an_address_that_opens_the_door_never_comes_out(api):
    made = api.post("channels", {**HOOK, "kind": "slack", "address": SLACK})

    channel = Channel.objects.get()
    assert made.json()["address"] == "https://hooks.slack.example/…"
    assert made.json()["signing_secret"] is None
    assert channelsecrets.opened(channel).address == SLACK
    for path in ("channels", f"channels/{channel.pk}", "audit_events"):
        assert "XXXXsecretXXXX" not in api.get(path).content.decode()


def test_a_changed_address_replaces_the_sealed_one_and_the_rest_stays(api):
    pk = api.post("channels", {**HOOK, "kind": "slack", "address": SLACK}).json()["id"]

    reply = api.patch(f"channels/{pk}", {"address": SLACK + "2", "quiet_minutes": 5})

    channel = Channel.objects.get()
    assert reply.status_code == 200
    assert channelsecrets.opened(channel).address == SLACK + "2"
    assert (channel.address, channel.quiet_minutes) == ("https://hooks.slack.example/…", 5)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"events": []}, "events"),
        ({"events": ["document.vanished"]}, "events"),
        ({"events": ["docs.*"]}, "events"),
        ({"events": "document.*"}, "events"),
        ({"address": "ftp://erp.example"}, "address"),
        ({"address": "https://user:pass@erp.example"}, "address"),
        ({"address": "https://erp.example/\r\nX: y"}, "address"),
        ({"kind": "email", "address": "a@b.example, nobody"}, "address"),
        ({"kind": "email", "address": "a@b.example\nBcc: c@d.example"}, "address"),
        ({"kind": "slack", "address": "http://hooks.slack.example/x"}, "address"),
        ({"kind": "pager"}, "kind"),
        ({"queues": [999]}, "queues"),
        ({"queues": ["a"]}, "queues[0][0]"),
        ({"quiet_minutes": 10_081}, "quiet_minutes"),
        ({"allowed_networks": ["10.0.0.0/99"]}, "allowed_networks"),
        ({"allowed_hosts": ["https://erp.example"]}, "allowed_hosts"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_channel_is_told_beside_its_member(api, change, place):
    reply = api.post("channels", {**HOOK, **change})

    assert reply.status_code == 400, reply.content
    assert reply.json()["errors"][0]["place"].startswith(place.partition("[")[0])
    assert Channel.objects.count() == 0


def test_a_channel_keeps_its_kind(api):
    channel = events.channel()

    reply = api.patch(f"channels/{channel.pk}", {"kind": "slack"})

    assert (reply.status_code, reply.json()["detail"]) == (409, "kind: A channel keeps its kind. Make another one.")


def test_a_queue_that_a_channel_is_limited_to_is_not_deleted(api):
    queue, other = builders.queue("AP"), builders.queue("AR")
    events.channel(name="Team AP", queues=[queue.pk])

    reply = api.delete(f"queues/{queue.pk}")

    assert reply.status_code == 409
    assert "channel Team AP, which tells of it alone" in reply.json()["detail"]
    assert api.delete(f"queues/{other.pk}").status_code == 204


def test_a_test_says_what_came_of_it(api, receiver):
    channel, secret = events.channel_and_secret(receiver.url)
    receiver.will(servers.reply(200, b"ok"), servers.reply(503))

    good, bad = (api.post(f"channels/{channel.pk}/test").json() for _ in range(2))

    assert (good["state"], good["tried"][0]["body"]) == ("delivered", "ok")
    assert (bad["state"], bad["tried"][0]["status"]) == ("failed", 503)
    assert events.verified(receiver.seen[0], secret)["data"]["by"].startswith("key:robot")


def test_the_log_is_listed_shown_and_sent_again(api, receiver):
    channel = events.channel(receiver.url, "document.received")
    events.happen("document.receive", "document:7")
    receiver.will(servers.reply(500, b"no"))
    events.tell_and_send()
    row = EventDelivery.objects.get()
    EventDelivery.objects.update(due_at=None, failed_at=row.happened_at)

    listed = api.get(f"event_deliveries?channel={channel.pk}&state=failed&type=document.received").json()["results"]
    none = api.get("event_deliveries?state=delivered").json()["results"]
    shown = api.get(f"event_deliveries/{row.pk}").json()
    again = api.post(f"event_deliveries/{row.pk}/redeliver", {"why": "Mended"})
    events.post.send_due()

    assert [one["id"] for one in listed] == [str(row.pk)]
    assert "payload" not in listed[0]
    assert none == []
    assert (shown["payload"]["data"]["subject"], shown["tried"][0]["body"]) == ("document:7", "no")
    assert (again.status_code, again.json()["state"]) == (200, "waiting")
    assert len({seen.header("webhook-id") for seen in receiver.seen}) == 1


def test_all_that_failed_are_sent_again_and_a_disabled_channel_is_enabled_first(api, receiver):
    channel = events.channel(receiver.url, "document.received")
    for number in range(3):
        events.happen("document.receive", f"document:{number}")
    events.tell()
    rows = EventDelivery.objects.all()
    rows.update(due_at=None, failed_at=rows[0].happened_at)
    channels.disable(channel, why="Gone.")

    since = {"since": "2020-01-01T00:00:00Z"}
    refused = api.post(f"channels/{channel.pk}/redeliver", since)
    enabled = api.post(f"channels/{channel.pk}/enable")
    done = api.post(f"channels/{channel.pk}/redeliver", since)

    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert enabled.json()["disabled_at"] is None
    assert done.json() == {"messages": 3}


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_only_looks_changes_nothing(organization, role):
    channel = events.channel()
    caller = worlds.caller(role)

    replies = [
        caller.post("channels", HOOK), caller.patch(f"channels/{channel.pk}", {"active": False}),
        caller.post(f"channels/{channel.pk}/test"), caller.post(f"channels/{channel.pk}/rotate"),
        caller.post(f"channels/{channel.pk}/redeliver", {"since": "2020-01-01T00:00:00Z"}),
        caller.delete(f"channels/{channel.pk}"),
    ]  # fmt: skip

    assert {reply.status_code for reply in replies} == {403}
    assert caller.get(f"channels/{channel.pk}").status_code == 200
