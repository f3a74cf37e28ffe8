"""Channels as an integrator uses them: made, its secret copied, tested, looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exports.models import EventDelivery
from pipelines import channels
from pipelines.models import Channel
from tests.exports.events import world
from tests.servers import http as servers

SHOTS = os.environ.get("WAYBILL_SCREENSHOTS")


def shot(window, name):
    if SHOTS:
        window.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def receiver():
    with servers.running() as server:
        yield server


def test_a_channel_is_made_tested_and_its_log_read(sit_down, queue, receiver):
    window = sit_down("integrator")
    page = window.open("/admin/pipelines/channel/add/")
    page.fill("#id_name", "ERP team")
    page.fill("#id_address", f"{receiver.url}/hook")
    page.fill("#id_events", "document.*")
    page.get_by_text("Whom it may reach").click()
    page.fill("#id_allowed_networks", "127.0.0.0/8")
    shot(window, "channel-add")

    page.click("[name=_save]")
    page.wait_for_selector("#plain-key")
    secret = page.inner_text("#plain-key").strip()
    shot(window, "channel-secret")
    page.get_by_text("I have kept it").click()
    page.get_by_role("button", name="Send a test event").click()
    page.wait_for_url("**/eventdelivery/**")

    assert page.get_by_text("The test event was delivered.").is_visible()
    assert world.verified(receiver.seen[0], secret)["type"] == "test"
    assert window.overflow() == 0
    shot(window, "eventdelivery")
    assert EventDelivery.objects.get().channel.name == "ERP team"


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False), (390, True), (1280, False)])
def test_its_pages_fit_every_window(sit_down, queue, receiver, width, dark):
    channel = world.channel(
        f"{receiver.url}/a/rather/long/address/of/some/receiver?with=a&query=too",
        "document.*",
        "job.*",
        "failure_group.opened",
        name="ERP team of the north",
    )
    off = world.channel("https://b.example", "*", name="Disabled one")
    receiver.will(servers.reply(500, b'{"error": "' + b"x" * 400 + b'"}'), servers.reply(200))
    for number in range(3):
        world.happen("document.receive", f"document:{number}")
    world.tell_and_send()
    channels.disable(Channel.objects.get(pk=off.pk), why="Nothing was delivered for 5 days. The last answer: 500.")
    window = sit_down("owner", width=width, dark=dark)
    tone = f"{width}-{'dark' if dark else 'light'}"
    delivery = EventDelivery.objects.filter(channel=channel, tries__gt=0).first()

    for name, path in (
        ("channels", "/admin/pipelines/channel/"),
        ("channel", f"/admin/pipelines/channel/{channel.pk}/change/"),
        ("channel-disabled", f"/admin/pipelines/channel/{off.pk}/change/"),
        ("deliveries", "/admin/exports/eventdelivery/"),
        ("delivery", f"/admin/exports/eventdelivery/{delivery.pk}/change/"),
    ):
        window.open(path)
        shot(window, f"{name}-{tone}")
        assert window.overflow() == 0, name
