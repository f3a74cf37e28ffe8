"""The five configs of the REST API export's page, word for word, as the settings of hooks. Only hosts are pointed at
loopback; the fifth has blanks, which are named until they are filled in."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest

from tests.exports.extensions import world as worlds
from tests.exports.extensions.world import kinds
from tests.journeys.test_seed_configs import (
    BLANK,
    MULTIPART,
    OAUTH2,
    OAUTH2_COMPLEX,
    SEEDS,
    SIMPLE,
    certificate,
    config,
    pointed_at,
)
from tests.servers import http

pytestmark = pytest.mark.skipif(
    not SEEDS.exists(), reason="the seed documents lie beside the project only where it is developed"
)

SECRETS = {name: f"the-{name.replace('_', '-')}" for name in ("password", "client_id", "client_secret", "token")}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    pem, authority = certificate(folder)
    with (
        http.running(tls=pem) as erp,
        worlds.running(folder / "site", settings={"SSL_CERT_FILE": str(authority)}) as world,
    ):
        world.erp = erp
        yield world


@pytest.fixture
def world(running):
    running.erp.seen.clear()
    running.oauth.seen.clear()
    running.erp.otherwise = lambda seen: http.reply(201, {"id": "ERP-1"}, headers={"Location": "/inv/1"})
    running.oauth.otherwise = lambda seen: http.reply(200, {"access_token": "token-1", "expires_in": 3600})
    return running


def called(world, settings, **values):
    """One call with these settings, for an annotation whose file an earlier hook has written."""
    annotation = world.annotation(api_gate="yes", **values)
    world.store(annotation, settings["export_reference_key"], b"no;INV-7", "export.csv")
    return world.hook("rest-api-export", settings, secrets=SECRETS).call(annotation), annotation


def settings_of(world, index):
    return json.loads(pointed_at(config(index), world.erp, world.oauth))


def test_the_simple_call(world):
    reply, _ = called(world, settings_of(world, SIMPLE))

    assert reply == {"messages": []}
    (seen,) = world.erp.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/XXX-ZZZ", b"no;INV-7")
    assert (seen.header("Content-Type"), seen.header("Authorization")) == ("text/plain", None)


def test_the_plain_token_call(world):
    reply, _ = called(world, settings_of(world, OAUTH2))

    assert reply == {"messages": []}
    (asked,) = world.oauth.seen
    assert dict(parse_qsl(asked.body.decode())) == {"username": "your_username", "password": "the-password"}
    assert world.erp.seen[0].header("Authorization") == "Bearer token-1"


def test_the_complex_call_and_its_reply_at_rossum(world):
    reply, annotation = called(world, settings_of(world, OAUTH2_COMPLEX))

    assert reply == {"messages": []}
    assert dict(parse_qsl(world.oauth.seen[0].body.decode()))["client_secret"] == "the-client-secret"
    kept = world.files(annotation)
    assert kept["export_reply_payload"] == b'{"id": "ERP-1"}'
    headers = json.loads(kept["export_reply_headers"])
    assert (headers["status_code"], headers["headers"]["location"]) == (201, "/inv/1")


def test_the_multipart_call(world):
    reply, _ = called(world, settings_of(world, MULTIPART))

    assert reply == {"messages": []}
    parts = {part.get_param("name", header="content-disposition"): part for part in world.erp.seen[0].parts()}
    assert parts["file"].get_filename() == "INV-7.json"
    assert parts["file"].get_payload(decode=True) == b"no;INV-7"
    assert parts["other_field"].get_payload(decode=True).decode() == "Žižkov & Co"


def test_the_form_call_names_its_blanks_and_runs_once_they_are_filled_in(world):
    settings = json.loads(config(BLANK))
    hook = world.hook("rest-api-export", settings, secrets=SECRETS)

    refused = hook.send(hook.payload(world.annotation()))
    settings["auth"]["url"] = f"{world.oauth.url}/token"
    settings["request"]["url"] = f"{world.erp.url}/invoices"
    reply, _ = called(world, settings)

    assert refused.status_code == 422
    assert kinds(refused.json()) == [
        ("error", f"settings.{place}.url: This address is blank: fill it in before you publish.")
        for place in ("auth", "request")
    ]
    assert reply == {"messages": []}
    assert world.erp.seen[0].body == b"no;INV-7"
