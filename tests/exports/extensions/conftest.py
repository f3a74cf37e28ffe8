"""One running Waybill for all extension tests; each takes annotations and hooks of its own."""

from __future__ import annotations

import pytest

from tests.exports.extensions import world as worlds
from tests.servers import http


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    with worlds.running(tmp_path_factory.mktemp("extensions")) as world:
        yield world


@pytest.fixture
def world(running):
    for server in (running.erp, running.oauth):
        server.seen.clear()
        server.script.clear()
    running.erp.otherwise = lambda seen: http.reply(201, {"id": "ERP-1"}, headers={"Location": "/inv/1"})
    running.oauth.otherwise = lambda seen: http.reply(200, {"access_token": "token-1", "expires_in": 3600})
    yield running
    dead = running.children.dead()
    assert dead is None, dead and dead.tail()
