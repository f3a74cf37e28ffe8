"""A real server to send to, and a real client: what the tests of everything that sends have in common."""

from __future__ import annotations

import pytest

from pipelines.transports.http import Client
from tests.servers import http as servers


@pytest.fixture
def erp():
    with servers.running() as server:
        yield server


@pytest.fixture
def client():
    made = Client(user_agent="Waybill/1")
    yield made
    made.close()
