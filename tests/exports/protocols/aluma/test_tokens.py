"""Logging in by Aluma's protocol, in every way that its published clients do it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import accesstokens
from accounts.models import AccessToken, ApiKey
from tests.exports.protocols.aluma.conftest import BASE

pytestmark = pytest.mark.usefixtures("organization")

ADDRESS = f"{BASE}/oauth/token"


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def prefix(key):
    return key.split("_")[1]


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def ask(client, sent, **more):
    return client.post(ADDRESS, sent, content_type="application/json", **more)


def test_a_robot_logs_in_with_json(client, key):
    reply = ask(client, {"client_id": prefix(key), "client_secret": key})

    body = reply.json()
    assert (reply.status_code, reply["Cache-Control"]) == (200, "no-store")
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 86400)
    assert body["access_token"].startswith("wbt_")
    kept = AccessToken.objects.get()
    assert (kept.protocol, kept.key.name) == ("aluma", "the robot")
    assert timedelta(hours=23, minutes=59) < kept.expires_at - timezone.now() <= timedelta(hours=24)


@pytest.mark.parametrize("grant", ["", "&grant_type=client_credentials"])
def test_a_robot_logs_in_with_a_form(client, key, grant):
    reply = client.post(
        ADDRESS,
        f"client_id={prefix(key)}&client_secret={key}{grant}",
        content_type="application/x-www-form-urlencoded",
    )

    assert (reply.status_code, reply.json()["token_type"]) == (200, "Bearer")


@pytest.mark.parametrize("body", ["", "grant_type=client_credentials"])
def test_a_robot_logs_in_by_basic(client, key, body):
    reply = client.post(
        ADDRESS, body, content_type="application/x-www-form-urlencoded",
        headers={"authorization": basic(prefix(key), key)},
    )  # fmt: skip

    assert reply.status_code == 200


def test_the_token_opens_the_door_and_no_other_one(client, key):
    token = ask(client, {"client_id": prefix(key), "client_secret": key}).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}

    assert client.get(f"{BASE}/tasks", headers=headers).status_code == 200
    assert client.get("/rossum/api/v1/annotations", headers=headers).status_code == 401
    assert client.get("/api/v1/documents", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("sent", "status", "place"),
    [
        ({}, 400, "client_id"),
        ({"client_id": "x"}, 400, "client_secret"),
        ({"client_id": 7, "client_secret": "y"}, 400, "client_id"),
        ({"client_id": "x", "client_secret": "y"}, 401, None),
        ({"client_id": "x", "client_secret": "y", "grant_type": "password"}, 400, "grant_type"),
    ],
)
def test_a_wrong_login_is_told_what_is_wrong(client, sent, status, place):
    reply = ask(client, sent)

    body = reply.json()
    assert (reply.status_code, body["status"], reply["Content-Type"]) == (status, status, "application/json")
    assert body["message"]
    assert list(body.get("requestErrors", {})) == ([place] if place else [])
    assert AccessToken.objects.count() == 0


def test_the_id_must_be_the_keys_own(client, key):
    assert ask(client, {"client_id": "000000000000", "client_secret": key}).status_code == 401


def test_a_revoked_key_and_its_tokens_are_nobody(client, key):
    token = ask(client, {"client_id": prefix(key), "client_secret": key}).json()["access_token"]
    ApiKey.objects.update(revoked_at=timezone.now())

    assert ask(client, {"client_id": prefix(key), "client_secret": key}).status_code == 401
    reply = client.get(f"{BASE}/tasks", headers={"authorization": f"Bearer {token}"})
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, 'Bearer realm="aluma"')


def test_a_token_of_another_protocol_is_nobody(client, key, organization):
    token = accesstokens.issue(
        protocol="rossum", organization_id=organization.pk, lifetime=timedelta(hours=1), key=ApiKey.objects.get()
    )

    assert client.get(f"{BASE}/tasks", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_too_many_wrong_secrets_have_to_wait(client, settings):
    settings.SIGN_IN_TRIES = 1

    replies = [ask(client, {"client_id": "x", "client_secret": "y"}) for _ in range(6)]

    assert [reply.status_code for reply in replies] == [401, 401, 401, 401, 401, 429]
    assert int(replies[-1]["Retry-After"]) > 0
    assert "Too many" in replies[-1].json()["message"]
