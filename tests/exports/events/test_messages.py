"""The forms that people's tools take: Slack's blocks and Teams' Adaptive Cards. What came in from outside stays text."""

from __future__ import annotations

import json

from exports.events import messages
from exports.models import EventTry
from tests.exports.events import world
from tests.exports.events.world import happen
from tests.servers.http import reply

PAYLOAD = {
    "type": "document.export_failed",
    "timestamp": "2026-03-02T09:10:00+00:00",
    "data": {
        "title": "The export of INV-42 failed",
        "message": "Supplier <!channel> *4711* is [unknown](https://evil.example) & <https://evil.example|gone>",
        "url": "https://waybill.example/admin/exports/document/12/change/",
        "queue": {"id": 3, "name": "AP"},
        "attempt": {"stage": "Create", "reason": "rejected", "http_status": 422},
        "held_back": 7,
    },
}


def test_slack_gets_blocks_of_plain_text_and_a_button():
    made = json.loads(messages.slack(PAYLOAD))

    header, said, facts, button, context = made["blocks"]
    assert made["text"] == "The export of INV-42 failed"
    assert header == {
        "type": "header",
        "text": {"type": "plain_text", "text": "The export of INV-42 failed", "emoji": False},
    }
    assert (said["text"]["type"], said["text"]["text"]) == ("plain_text", PAYLOAD["data"]["message"])
    assert [each["text"] for each in facts["fields"]] == [
        "Queue\nAP", "Stage\nCreate", "Reason\nrejected", "HTTP status\n422",
        "Held back\n7 more like this since the last message",
    ]  # fmt: skip
    assert button["elements"][0]["url"] == PAYLOAD["data"]["url"]
    assert context["elements"][0]["text"].startswith("Sent by Waybill · document.export_failed")
    assert "mrkdwn" not in json.dumps(made)


def test_what_slack_shows_in_a_notification_mentions_nobody():
    payload = {**PAYLOAD, "data": {**PAYLOAD["data"], "title": "<!channel> & <@U123>"}}

    assert json.loads(messages.slack(payload))["text"] == "&lt;!channel&gt; &amp; &lt;@U123&gt;"


def test_slacks_limits_are_kept():
    data = {"title": "t" * 500, "message": "m" * 9000, "facts": [[f"F{n}", "x" * 3000] for n in range(30)]}

    blocks = json.loads(messages.slack({**PAYLOAD, "data": data}))["blocks"]

    assert len(blocks[0]["text"]["text"]) == 150
    assert len(blocks[1]["text"]["text"]) <= 3000
    assert len(blocks[2]["fields"]) == 10
    assert max(len(each["text"]) for each in blocks[2]["fields"]) <= 2000


def test_teams_gets_an_adaptive_card_whose_text_is_no_markdown():
    made = json.loads(messages.teams(PAYLOAD))

    (attachment,) = made["attachments"]
    card = attachment["content"]
    assert made["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0]["text"] == r"The export of INV\-42 failed"
    assert r"\[unknown\]\(https://evil.example\)" in card["body"][1]["text"]
    assert card["body"][2]["type"] == "FactSet"
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in Waybill", "url": PAYLOAD["data"]["url"]}]


def test_a_message_without_details_is_still_whole():
    bare = {"type": "job.started", "timestamp": "2026-03-02T09:10:00+00:00", "data": {"title": "A bulk job began"}}

    assert [block["type"] for block in json.loads(messages.slack(bare))["blocks"]] == ["header", "context"]
    assert "actions" not in json.loads(messages.teams(bare))["attachments"][0]["content"]
    assert messages.mail(bare).text.startswith("A bulk job began\n")


def test_slacks_address_is_nowhere_even_if_slack_echoes_it(organization, receiver):
    channel = world.channel(f"{receiver.url}/services/T0/B0/XXXXsecretXXXX", "document.received", kind="slack")
    receiver.will(reply(404, "no_service /services/T0/B0/XXXXsecretXXXX"))
    happen("document.receive")

    world.tell_and_send()

    tried = EventTry.objects.get()
    assert receiver.seen[0].target == "/services/T0/B0/XXXXsecretXXXX"
    assert "blocks" in json.loads(receiver.seen[0].body)
    assert receiver.seen[0].header("webhook-signature") is None
    assert "XXXXsecretXXXX" not in f"{channel.address} {tried.body} {tried.error} {tried.headers}"
