"""Logging in by Rossum's protocol: every way that its clients know, and what a wrong one is told."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import scope
from accounts.models import AccessToken, Membership
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller, key_of

PASSWORD = "correct horse"


@pytest.fixture
def anna(organization):
    return builders.user("anna", organization=organization, email="anna@acme.example")


@pytest.fixture
def client():
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def log_in(client, username="anna", password=PASSWORD, **more):
    return client.post(
        f"{API}/auth/login", {"username": username, "password": password, **more}, content_type="application/json"
    )


def who(client, authorization):
    return client.get(f"{API}/auth/user", headers={"authorization": authorization})


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def test_a_person_logs_in_with_json_and_is_known_by_the_key(client, anna, organization):
    reply = log_in(client)

    assert reply.status_code == 200
    assert reply.json()["domain"] == "testserver"
    for kind in ("Bearer", "Token", "bearer", "token"):
        me = who(client, f"{kind} {reply.json()['key']}").json()
        assert (me["username"], me["id"], me["organization"]) == (
            "anna", anna.pk, f"http://testserver{API}/organizations/{organization.pk}",
        )  # fmt: skip


def test_a_person_logs_in_with_a_form_at_the_other_prefix_and_with_a_slash(client, anna):
    form = "username=anna&password=correct+horse"

    reply = client.post("/rossum/v1/auth/login/", form, content_type="application/x-www-form-urlencoded")

    assert reply.status_code == 200
    me = client.get("/rossum/v1/auth/user/", headers={"authorization": f"Token {reply.json()['key']}"})
    assert me.json()["url"] == f"http://testserver/rossum/v1/users/{anna.pk}"


def test_basic_works_on_every_call_without_a_login(client, anna):
    assert who(client, basic("anna", PASSWORD)).json()["username"] == "anna"
    assert who(client, basic("anna", "wrong")).status_code == 401
    assert AccessToken.objects.count() == 0


def test_an_api_key_is_a_bearer_a_token_and_a_password(client, organization):
    plain = key_of(organization, name="erp-robot")

    known = [who(client, way).json()["username"] for way in (f"Bearer {plain}", f"Token {plain}", basic("x", plain))]
    logged_in = log_in(client, "whatever", plain).json()["key"]

    assert known == ["key:erp-robot"] * 3
    assert logged_in != plain
    assert who(client, f"Bearer {logged_in}").json()["username"] == "key:erp-robot"


def test_a_user_of_a_key_is_found_by_the_url_that_names_it(client, organization):
    robot = caller(organization, name="erp-robot")
    me = robot.get(f"{API}/auth/user").json()

    shown = robot.get(me["url"].removeprefix("http://testserver")).json()
    assert {**shown, "last_login": None} == {**me, "last_login": None}


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("anna", "wrong"),
        ("nobody", PASSWORD),
        ("anna", "wb_000000000000_" + "A" * 43),
        ("anna@@nowhere", PASSWORD),
        ("@@acme", PASSWORD),
    ],
)
def test_wrong_credentials_are_a_401_that_says_nothing_more(client, anna, username, password):
    reply = log_in(client, username, password)

    assert (reply.status_code, reply.json()) == (401, {"detail": "Wrong credentials."})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "anna"}, "password"), ({"password": "x"}, "username"), ({}, "username"),
        ({"username": "", "password": ""}, "username"), ({"username": ["anna"], "password": "x"}, "username"),
        ({"username": "anna", "password": PASSWORD, "max_token_lifetime_s": "x"}, "max_token_lifetime_s"),
        ({"username": "anna", "password": PASSWORD, "max_token_lifetime_s": True}, "max_token_lifetime_s"),
    ],
)  # fmt: skip
def test_an_incomplete_login_names_the_field(client, anna, body, field):
    reply = client.post(f"{API}/auth/login", body, content_type="application/json")

    assert reply.status_code == 400
    assert list(reply.json()) == [field]
    assert AccessToken.objects.count() == 0


def test_the_empty_login_of_a_client_without_a_password_is_a_clean_refusal(client):
    reply = client.post(f"{API}/auth/login", "username=&password=", content_type="application/x-www-form-urlencoded")

    assert (reply.status_code, reply.json()) == (400, {"username": ["This field may not be blank."]})


def test_a_lifetime_may_be_shorter_and_never_longer(client, anna):
    log_in(client, max_token_lifetime_s=60)
    log_in(client, max_token_lifetime_s=10**12)

    short, longest = AccessToken.objects.order_by("pk")
    now = timezone.now()
    assert now < short.expires_at <= now + timedelta(seconds=60)
    assert now + timedelta(hours=161) < longest.expires_at <= now + timedelta(hours=162)


def test_an_expired_token_is_told_to_log_in_again(client, anna):
    token = log_in(client).json()["key"]
    AccessToken.objects.update(expires_at=timezone.now())

    reply = who(client, f"Bearer {token}")

    assert (reply.status_code, reply.json()) == (401, {"detail": "Invalid or expired token."})
    assert reply["WWW-Authenticate"] == 'Bearer realm="rossum"'


def test_logging_out_ends_the_token_and_no_other(client, anna):
    first, second = log_in(client).json()["key"], log_in(client).json()["key"]

    reply = client.post(
        f"{API}/auth/logout", {}, content_type="application/json", headers={"authorization": f"Token {first}"}
    )

    assert (reply.status_code, reply.json()) == (200, {"detail": "Successfully logged out."})
    assert who(client, f"Token {first}").status_code == 401
    assert who(client, f"Token {second}").status_code == 200


def test_logging_out_without_a_body_and_with_an_api_key_is_harmless(client, organization):
    plain = key_of(organization)

    reply = client.post(f"{API}/auth/logout", headers={"authorization": f"Bearer {plain}"})

    assert reply.status_code == 200
    assert who(client, f"Bearer {plain}").status_code == 200


def test_a_token_is_exchanged_for_another(client, anna):
    token = log_in(client).json()["key"]

    reply = client.post(
        f"{API}/auth/token", content_type="application/json", headers={"authorization": f"Bearer {token}"}
    )

    assert reply.status_code == 200
    assert reply.json()["scope"] == "default"
    assert who(client, f"Bearer {reply.json()['key']}").json()["username"] == "anna"


@pytest.mark.parametrize("path", ["auth/user", "queues", "organizations", "users/1", "schemas"])
def test_nobody_is_shown_nothing(client, organization, path):
    reply = client.get(f"{API}/{path}")

    assert reply.status_code == 401
    assert list(reply.json()) == ["detail"]


def test_a_session_of_the_admin_does_not_count(client, anna):
    client.force_login(anna)

    assert client.get(f"{API}/queues").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ###",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:x").decode(),
        basic("a\0b", "x"),
        "Bearer",
        "Bearer ü",
        "Token x y",
        "Digest x",
    ],
)
def test_a_header_that_cannot_be_read_is_a_401(client, organization, header):
    assert who(client, header).status_code == 401


def test_a_token_of_another_protocol_or_of_the_other_api_opens_nothing(client, anna, organization):
    from accounts import accesstokens

    alien = accesstokens.issue(
        protocol="aluma", organization_id=organization.pk, lifetime=timedelta(hours=1), user=anna
    )

    assert who(client, f"Bearer {alien}").status_code == 401


def test_somebody_in_two_organizations_chooses_by_the_slug_and_else_gets_the_older(client, anna, organization, other):
    Membership.objects.create(user=anna, organization=other, role="viewer")

    older, chosen = log_in(client).json()["key"], log_in(client, f"anna@@{other.slug}").json()["key"]

    assert who(client, f"Bearer {older}").json()["organization"].endswith(f"/{organization.pk}")
    assert who(client, f"Bearer {chosen}").json()["organization"].endswith(f"/{other.pk}")


def test_too_many_wrong_logins_wait_as_retry_after_says(client, anna, settings):
    settings.SIGN_IN_TRIES = 2

    answers = [log_in(client, password="wrong").status_code for _ in range(2)]
    blocked = log_in(client)

    assert answers == [401, 429]
    assert blocked.status_code == 429
    assert 0 < int(blocked["Retry-After"]) <= settings.SIGN_IN_SECONDS
    assert AccessToken.objects.count() == 0


def test_nothing_stays_in_scope_after_a_login(client, anna):
    with scope.to(None):
        token = log_in(client).json()["key"]
        who(client, f"Bearer {token}")

        assert scope.current() is None
