"""A source of the kind `aluma` against the stand-in, and its turns, for the tests of both what it does and survives."""

from __future__ import annotations

import contextlib

import pytest

from exports import loop
from exports.models import Attempt, Claim, SourceState
from exports.sources import aluma as kind
from exports.sources import poller
from exports.states import State
from pipelines import vault
from pipelines.transports.http import Client
from tests import builders
from tests.exports.sources import pretend
from tests.servers import aluma as servers


@pytest.fixture
def account(monkeypatch):
    """The stand-in, asked as fast as it answers."""
    monkeypatch.setattr(kind, "RATE", None)
    with servers.running() as made:
        yield made


def of(account, *stages, name="Aluma", queue=None, **config):
    destination = builders.destination(f"Account of {name}", allowed_networks=["127.0.0.1/32"])
    vault.put("aluma_client_secret", servers.CLIENT[1], by=builders.owner(), destination=destination)
    given = {"url": account.url, "client_id": servers.CLIENT[0], **config}
    values = {"queue": queue} if queue else {}
    return pretend.source(*stages, kind="aluma", destination=destination, config=given, name=name, **values)


def turn(made, *, exports=True):
    """One turn, due or not; then everything is exported that is due. Claims keep the time before which they wait."""
    made.refresh_from_db()
    assert poller.poll_now(made)
    if exports:
        export()
    return SourceState.objects.get(source=made)


def export():
    for attempt in Attempt.objects.filter(state=State.QUEUED).order_by("pk"):
        loop.run_now(attempt.pk)


def wait_over(made):
    """As if every wait of a claim were over."""
    Claim.objects.filter(source=made).update(not_before="2026-01-01T00:00Z", changed_at="2026-01-01T00:00Z")


def until_quiet(made, turns=12):
    for _ in range(turns):
        with contextlib.suppress(Claim.DoesNotExist):
            wait_over(made)
        turn(made)


def stop():
    """As the last worker does that is told to stop."""
    client = Client()
    poller.leave(client)
    client.close()
