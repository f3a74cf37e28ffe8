"""Tokens that workers share and that are older than they say, against the pretend ERP."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from demo.door import Terms
from demo.erp import Erp
from demo.ledger import Ledger
from demo.serving import InThread
from demo.wire import starter
from pipelines.errors import Rejected
from pipelines.stages import rest_api
from pipelines.stages.rest_api import Config
from tests.pipelines.tools import LocalTools, MemoryTokens, inbox

LIFE = 60
AUTH = {"grant_type": "client_credentials", "client_id": "waybill", "client_secret": "{secret.client_secret}"}


class Behind(MemoryTokens):
    """The tokens as one worker sees them, whose own copy is older than what all of them share."""

    def __init__(self):
        super().__init__()
        self.copy = {}

    def get(self, name):
        return self.copy.get(name) or super().get(name)

    def drop(self, name, token):
        self.copy.pop(name, None)
        super().drop(name, token)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def erp(clock):
    """Its tokens live for a minute, and it says that they live for an hour."""
    ledger = Ledger(None)
    erp = Erp(ledger, Terms(token_life=LIFE, token_says=3600, faults=False), clock=clock)
    with InThread(starter(erp, port=0)) as thread:
        erp.url = thread.url
        yield erp
    ledger.close()


@pytest.fixture
def tools():
    made = LocalTools(secrets={"client_secret": "pretend-client-secret"})
    made.tokens = Behind()
    yield made
    made.http.close()


def book(tools, erp, external_id="d-1"):
    config = Config.model_validate({
        "request": {
            "url": f"{erp.url}/api/invoices",
            "headers": {"Content-Type": "application/json"},
            "data": {"external_id": external_id, "number": "N-1", "supplier": {"name": "Harbour Lights Ltd"},
                     "currency": "EUR", "total": "12.50", "issued_on": "2025-01-31", "lines": [{}]},
        },
        "auth": {"url": f"{erp.url}/oauth/token", "data": AUTH},
    })  # fmt: skip
    return rest_api.run(config, inbox(), tools)


def fetched(erp):
    """A token of the ERP's, as another worker fetched it."""
    form = {**AUTH, "client_secret": "pretend-client-secret"}
    with urlopen(f"{erp.url}/oauth/token", urlencode(form).encode()) as reply:
        return json.load(reply)["access_token"]


def shared(tools, erp):
    """The name under which the stage's own token is shared, found by letting it fetch one."""
    book(tools, erp, "first")
    [name] = tools.tokens.held
    tools.calls.clear()
    return name


def asked(tools):
    return [purpose for purpose, _ in tools.calls]


def test_a_shared_token_that_is_old_too_is_followed_by_a_fetched_one(tools, erp, clock):
    name = shared(tools, erp)
    tools.tokens.copy[name] = fetched(erp)
    tools.tokens.held[name] = fetched(erp)
    clock.now += LIFE + 1

    outcome = book(tools, erp)

    assert outcome.messages == ()
    assert asked(tools) == ["request", "request", "auth", "request"]
    assert len(erp.ledger.find("d-1")) == 1


def test_a_shared_token_that_is_alive_is_not_fetched_again(tools, erp, clock):
    name = shared(tools, erp)
    tools.tokens.copy[name] = fetched(erp)
    clock.now += LIFE + 1
    tools.tokens.held[name] = fetched(erp)

    book(tools, erp)

    assert asked(tools) == ["request", "request"]


def test_a_fetched_token_that_is_refused_ends_it(tools, erp, clock):
    name = shared(tools, erp)
    tools.tokens.copy[name] = fetched(erp)
    tools.tokens.held[name] = fetched(erp)
    erp._door._terms = Terms(token_life=0, token_says=3600, faults=False)
    clock.now += LIFE + 1

    with pytest.raises(Rejected, match="401 Unauthorized: invalid_token"):
        book(tools, erp)

    assert asked(tools) == ["request", "request", "auth", "request"]
    assert erp.ledger.find("d-1") == []


def test_many_threads_with_an_old_shared_token_fetch_one(tools, erp, clock):
    name = shared(tools, erp)
    tools.tokens.held[name] = fetched(erp)
    clock.now += LIFE + 1
    granted = sum(entry.outcome == "granted" for entry in erp.ledger.entries)
    together = threading.Barrier(8)

    def one(number):
        together.wait(10)
        book(tools, erp, f"d-{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(8)))

    assert sum(entry.outcome == "granted" for entry in erp.ledger.entries) == granted + 1
    assert [len(erp.ledger.find(f"d-{number}")) for number in range(8)] == [1] * 8
