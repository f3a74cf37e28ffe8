"""A source at a stand-in Rossum."""

from __future__ import annotations

import pytest

from exports.sources import rossum
from pipelines import vault
from tests import builders
from tests.exports.sources.pretend import source
from tests.servers import rossum as servers


@pytest.fixture
def hurried(monkeypatch):
    """What the pace is for is asked by a test of its own."""
    monkeypatch.setattr(rossum, "RATE", None)


@pytest.fixture
def account():
    with servers.running() as made:
        yield made


def of(account, *stages, **config):
    destination = builders.destination("Rossum", allowed_networks=["127.0.0.1/32"])
    vault.put("rossum_password", servers.LOGIN[1], by=builders.owner(), destination=destination)
    given = {"base_url": account.url, "queues": [205], "username": servers.LOGIN[0], **config}
    return source(*stages, kind="rossum", destination=destination, config=given)
