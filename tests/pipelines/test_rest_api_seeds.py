"""Every REST API example of the source documents is accepted word for word and runs; only its hosts are pointed here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.stages import rest_api
from pipelines.stages.rest_api import Config
from tests.pipelines.tools import LocalTools, inbox
from tests.servers import http as servers
from tests.servers.http import reply

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"


def examples() -> list[str]:
    found = [
        block
        for path in sorted(SEEDS.glob("*.txt"))
        for block in re.findall(r"```json\n(.*?)```", path.read_text(), re.DOTALL)
    ]
    return [block for block in found if '"request"' in block]


@pytest.mark.skipif(not SEEDS.exists(), reason="no source documents: ../shared/seeds stands beside the project")
def test_every_example_is_accepted_and_the_blank_one_named():
    blank = [block for block in examples() if '"url": ""' in block]

    for block in examples():
        if block not in blank:
            Config.model_validate(json.loads(block))

    assert (len(examples()), len(blank)) == (5, 1)
    with pytest.raises(ValidationError) as told:
        Config.model_validate(json.loads(blank[0]))
    assert sorted(".".join(map(str, error["loc"])) for error in told.value.errors()) == ["auth.url", "request.url"]


@pytest.mark.skipif(not SEEDS.exists(), reason="no source documents: ../shared/seeds stands beside the project")
@pytest.mark.parametrize("number", range(4))
def test_every_example_runs(number):
    block = [block for block in examples() if '"url": ""' not in block][number]
    names = ("password", "token", "client_id", "client_secret")
    tools = LocalTools(secrets={name: f"a-{name}" for name in names})
    artifacts = {"export_annotation_to_csv": "no;7", "exported_annotation_csv": "no;7"}
    document = inbox({"document_id": "7", "vendor": "Acme", "api_gate": "1"}, artifacts=artifacts)
    with servers.running() as erp:
        erp.otherwise = lambda seen: (
            reply(200, {"access_token": "t0k"}) if seen.target == "/token" else reply(201, b"ok")
        )
        pointed = re.sub(r"https?://(webhook\.site|custom\.url)", erp.url, block)

        outcome = rest_api.run(Config.model_validate(json.loads(pointed)), document, tools)

    sent = erp.seen[-1]
    tools.http.close()
    assert (outcome.skipped, outcome.messages) == ("", ())
    assert (sent.method, sent.target) == ("POST", "/XXX-ZZZ")
    if "file_key" in block:
        assert [part.get_payload(decode=True) for part in sent.parts()] == [b"Acme", b"no;7"]
        assert sent.header("Authorization") == "Bearer a-token"
    else:
        assert sent.body == b"no;7"
        assert sent.header("Content-Type") == json.loads(block)["request"]["headers"]["Content-Type"]
    if '"auth"' in block:
        assert (erp.seen[0].target, sent.header("Authorization")) == ("/token", "Bearer t0k")
    if "response_payload_reference_key" in block:
        assert outcome.artifacts["export_reply_payload"].read() == b"ok"
