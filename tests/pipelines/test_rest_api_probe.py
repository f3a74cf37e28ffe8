"""The REST API stage's probe against a real server: did it arrive, or does nobody say?"""

from __future__ import annotations

import pytest

from pipelines.errors import Misconfigured, Unavailable
from pipelines.stages import rest_api
from pipelines.stages.rest_api import Config
from tests.pipelines.tools import LocalTools, inbox
from tests.servers import http as servers
from tests.servers.http import reply


@pytest.fixture
def tools():
    made = LocalTools()
    yield made
    made.http.close()


def probe(erp, tools, found, fields=None):
    block = {"request": {"url": f"{erp.url}/inv?no=@{{document_id}}"}, "found": found}
    config = Config.model_validate({"request": {"url": f"{erp.url}/inv"}, "probe": block})
    return rest_api.probe(config, inbox(fields or {"document_id": "7"}), tools)


def test_a_probe_asks_and_proves_by_status(erp, tools):
    erp.will(reply(200, b"there"), reply(404))

    proof = probe(erp, tools, [200])

    assert (proof.place, proof.size, proof.how) == (f"{erp.url}/inv?no=7", 5, "GET answered 200 OK")
    assert probe(erp, tools, [200]) is None
    assert [purpose for purpose, _ in tools.calls] == ["probe", "probe"]
    assert [seen.method for seen in erp.seen] == ["GET", "GET"]
    assert erp.seen[0].header("Idempotency-Key") is None


def test_a_probe_can_ask_by_an_expression(erp, tools):
    erp.will(reply(200, {"count": 1}), reply(200, {"count": 0}))
    found = "status == 200 and body['count'] > 0"

    assert probe(erp, tools, found) is not None
    assert probe(erp, tools, found) is None


@pytest.mark.parametrize("answer", [reply(500), reply(429), reply(401), servers.cut()])
def test_a_probe_that_is_not_answered_says_nothing(erp, tools, answer):
    erp.will(answer)

    with pytest.raises(Unavailable):
        probe(erp, tools, [200])


def test_without_a_probe_there_is_nothing_to_ask(erp, tools):
    with pytest.raises(Misconfigured, match="has no probe"):
        rest_api.probe(Config.model_validate({"request": {"url": erp.url}}), inbox(), tools)
