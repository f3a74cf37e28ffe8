"""Leases, places and turns: a dead receiver holds nobody up, and a dead worker loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from django.utils import timezone

from exports.events import claims, post, sending
from exports.events.claims import Turn
from exports.events.post import Post
from exports.models import EventDelivery, EventTry
from pipelines.transports.http import Client
from tests.exports.events import world
from tests.exports.events.world import happen
from tests.servers.http import reply


def test_a_thousand_messages_for_a_dead_channel_do_not_hold_up_another(organization, receiver, monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    dead = world.channel("http://127.0.0.1:9", "document.received", name="Dead")
    happen("document.receive")
    world.tell()
    row = EventDelivery.objects.get()
    template = EventDelivery.objects.filter(pk=row.pk).values().get()
    more = [EventDelivery(**{**template, "id": None, "event_id": -number}) for number in range(1, 1001)]
    for each in more:
        each.id = EventDelivery._meta.pk.get_default()
    EventDelivery.objects.bulk_create(more)
    alive = world.channel(receiver.url, "document.confirmed", name="Alive")
    for number in range(10):
        happen("document.confirm", f"document:{number}")
    world.tell()

    tried = post.send_due()

    assert EventDelivery.objects.filter(channel=alive, delivered_at__isnull=False).count() == 10
    dead.refresh_from_db()
    assert dead.failures >= 1
    assert tried <= 10 + claims.IN_FLIGHT  # the dead one rests after its first failure
    assert EventDelivery.objects.filter(channel=dead, tries=0).count() >= 1001 - claims.IN_FLIGHT


def test_places_are_shared_fairly_between_channels(organization, receiver):
    busy, quiet = world.channel(receiver.url, "document.*"), world.channel(receiver.url, "job.*")
    for number in range(20):
        happen("document.receive", f"document:{number}")
    happen("job.start", "job:1")
    world.tell()

    taken = claims.claim(12, Turn())

    assert [parcel.channel_id for parcel in taken].count(quiet.pk) == 1
    assert [parcel.channel_id for parcel in taken].count(busy.pk) == claims.AT_ONCE


def test_two_workers_never_hold_the_same_message_and_a_late_one_changes_nothing(organization, receiver):
    world.channel(receiver.url, "document.received")
    happen("document.receive")
    world.tell()
    (first,) = claims.claim(5, Turn())

    assert claims.claim(5, Turn()) == []
    EventDelivery.objects.update(due_at=timezone.now())  # the first one's lease is over
    (second,) = claims.claim(5, Turn())
    claims.record(second, sending.send(second, Client()))
    receiver.will(reply(500))
    claims.record(first, sending.send(first, Client()))

    row = EventDelivery.objects.get()
    assert (row.state, row.tries) == ("delivered", 1)
    assert EventTry.objects.count() == 2  # but the log has both
    assert len({seen.header("webhook-id") for seen in receiver.seen}) == 1


@pytest.mark.django_db(transaction=True)
def test_the_post_office_sends_beside_whatever_else_runs(organization, receiver):
    world.channel(receiver.url, "document.received")
    for number in range(30):
        happen("document.receive", f"document:{number}")
    world.tell()

    office = Post()
    office.open()
    try:
        for _ in range(200):
            if EventDelivery.objects.filter(delivered_at__isnull=False).count() == 30:
                break
            office._over.wait(0.05)
    finally:
        office.close()

    assert EventDelivery.objects.filter(delivered_at__isnull=False).count() == 30
    assert len(receiver.seen) == 30


KILLED = textwrap.dedent("""
    import os, signal, sys
    import django
    django.setup()
    from django.db import connection
    connection.settings_dict["NAME"] = sys.argv[1]
    from exports.events import claims, sending
    from exports.events.claims import Turn
    from pipelines.transports.http import Client
    (parcel,) = claims.claim(1, Turn())
    outcome = sending.send(parcel, Client())
    assert outcome.delivered, outcome
    os.kill(os.getpid(), signal.SIGKILL)  # sent, and nobody wrote it down
""")


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_the_send_and_the_record_sends_again_under_the_same_id(
    organization, receiver, settings
):
    from django.db import connection

    _, secret = world.channel_and_secret(receiver.url, "document.received")
    happen("document.receive")
    world.tell()
    name = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "WAYBILL_KEYS": ",".join(settings.KEYS)}

    died = subprocess.run(
        [sys.executable, "-c", KILLED, name], env=environment, check=False, capture_output=True, text=True
    )

    row = EventDelivery.objects.get()
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert (row.state, row.tries, EventTry.objects.count()) == ("waiting", 0, 0)
    assert post.send_due() == 0  # its lease still holds
    EventDelivery.objects.update(due_at=timezone.now())
    assert post.send_due() == 1
    first, second = receiver.seen
    assert first.header("webhook-id") == second.header("webhook-id") == row.message_id
    assert world.verified(first, secret) == world.verified(second, secret)
    row.refresh_from_db()
    assert row.state == "delivered"
