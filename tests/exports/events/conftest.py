"""A receiver on loopback."""

from __future__ import annotations

import pytest

from tests.servers import http as servers


@pytest.fixture
def receiver():
    with servers.running() as server:
        yield server
