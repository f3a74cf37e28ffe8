"""The REST API stage's `auth` against a real OAuth2 server and against token endpoints as odd as those of the seeds."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest

from pipelines.contract import Message
from pipelines.errors import Misconfigured, Rejected, Unavailable
from pipelines.stages import rest_api
from pipelines.stages.rest_api import Config
from tests.pipelines.tools import LocalTools, inbox
from tests.servers import http as servers
from tests.servers import oauth
from tests.servers.http import reply


@pytest.fixture(scope="module")
def provider():
    with oauth.running() as address:
        yield address


@pytest.fixture
def tools():
    made = LocalTools(secrets={"client_secret": "client-hush", "password": "person-hush"})
    yield made
    made.http.close()


def run(tools, url, auth, document=None, headers=None, **config):
    parsed = Config.model_validate({"request": {"url": url, "headers": headers or {}}, "auth": auth, **config})
    return rest_api.run(parsed, document or inbox(), tools)


CREDENTIALS = {"grant_type": "client_credentials", "client_id": "waybill", "client_secret": "{secret.client_secret}"}
PERSON = {
    "grant_type": "password", "client_id": "waybill-password", "client_secret": "{secret.client_secret}",
    "username": "anna", "password": "{secret.password}",
}  # fmt: skip


@pytest.mark.parametrize("data", [CREDENTIALS, {**CREDENTIALS, "scope": "inv.write inv.read"}, PERSON])
def test_a_real_oauth2_server_lets_us_in(tools, provider, data):
    outcome = run(tools, f"{provider}/inv", {"url": f"{provider}/token/", "data": data})

    assert outcome.messages == ()
    assert [(purpose, reply.status) for (purpose, _), reply in zip(tools.calls, tools.replies, strict=True)] == [
        ("auth", 200),
        ("request", 201),
    ]
    assert list(tools.tokens.lives.values()) == [3600.0]


def test_a_wrong_client_secret_is_misconfigured_and_nothing_is_sent(tools, provider):
    tools.secrets["client_secret"] = "wrong"

    with pytest.raises(Misconfigured, match="401 Unauthorized: invalid_client") as told:
        run(tools, f"{provider}/inv", {"url": f"{provider}/token/", "data": CREDENTIALS})

    assert told.value.place == "config.auth"
    assert [purpose for purpose, _ in tools.calls] == ["auth"]


def test_a_token_is_fetched_once_and_used_again(tools, provider):
    auth = {"url": f"{provider}/token/", "data": CREDENTIALS}

    run(tools, f"{provider}/inv", auth)
    run(tools, f"{provider}/inv", auth)

    assert [purpose for purpose, _ in tools.calls] == ["auth", "request", "request"]


def test_a_token_that_expired_is_renewed_once_and_the_request_repeated(tools, provider):
    auth = {"url": f"{provider}/token/", "data": CREDENTIALS}
    run(tools, f"{provider}/inv", auth)
    [name] = tools.tokens.held
    tools.tokens.held[name] = "one-that-expired"

    outcome = run(tools, f"{provider}/inv", auth, status_code_resolver={"error": [401]})

    assert outcome.messages == ()
    assert [reply.status for reply in tools.replies[2:]] == [401, 200, 201]


def test_a_second_401_is_for_the_resolver(tools, erp):
    erp.will(
        reply(200, {"access_token": "a"}), reply(401, b"no"), reply(200, {"access_token": "b"}), reply(401, b"still no")
    )
    auth = {"url": f"{erp.url}/token", "data": {"username": "anna"}}

    outcome = run(tools, f"{erp.url}/inv", auth, status_code_resolver={"error": [401]})

    assert outcome.messages == (Message("error", "still no"),)
    assert [seen.target for seen in erp.seen] == ["/token", "/inv", "/token", "/inv"]
    assert [seen.header("Authorization") for seen in erp.seen if seen.target == "/inv"] == ["Bearer a", "Bearer b"]


def test_without_auth_a_401_is_just_a_refusal(tools, erp):
    erp.will(reply(401, {"detail": "who are you?"}))

    with pytest.raises(Rejected, match="401 Unauthorized: who are you"):
        rest_api.run(Config.model_validate({"request": {"url": erp.url}}), inbox(), tools)

    assert len(erp.seen) == 1


def test_the_plain_token_call_of_the_simple_example(tools, erp):
    erp.will(reply(200, {"access_token": "t0k", "expires_in": "1800"}))
    auth = {
        "url": f"{erp.url}/token",
        "method": "POST",
        "data": {"username": "your_username", "password": "{secret.password}"},
    }

    run(tools, f"{erp.url}/inv", auth, headers={"Authorization": "Bearer {secret.access_token}"})

    token, sent = erp.seen
    assert parse_qs(token.body.decode()) == {"username": ["your_username"], "password": ["person-hush"]}
    assert token.header("Content-Type") == "application/x-www-form-urlencoded"
    assert token.header("Idempotency-Key") is None
    assert sent.header("Authorization") == "Bearer t0k"
    assert list(tools.tokens.lives.values()) == [1800.0]


def test_a_json_token_call_where_the_content_type_says_so(tools, erp):
    erp.will(reply(200, {"access_token": "t0k"}))
    auth = {
        "url": f"{erp.url}/@{{tenant}}/token", "headers": {"Content-Type": "application/json"},
        "data": {"user": "@{user}", "deep": {"password": "{secret.password}"}},
    }  # fmt: skip

    run(tools, f"{erp.url}/inv", auth, inbox({"tenant": "a/b", "user": "Ünal"}))

    assert erp.seen[0].target == "/a%2Fb/token"
    assert json.loads(erp.seen[0].body) == {"user": "Ünal", "deep": {"password": "person-hush"}}


def test_a_standard_grant_keeps_its_headers_and_further_members(tools, erp):
    erp.will(reply(200, {"access_token": "t0k", "token_type": "Bearer", "scope": "other"}))
    auth = {
        "url": f"{erp.url}/token", "headers": {"Ocp-Apim-Subscription-Key": "sub", "Content-Type": "application/x-www-form-urlencoded"},
        "data": {**CREDENTIALS, "scope": "invoice.create invoice.read", "resource": "https://erp"},
    }  # fmt: skip

    run(tools, f"{erp.url}/inv", auth)

    token = erp.seen[0]
    assert parse_qs(token.body.decode()) == {
        "grant_type": ["client_credentials"], "client_id": ["waybill"], "client_secret": ["client-hush"],
        "scope": ["invoice.create invoice.read"], "resource": ["https://erp"],
    }  # fmt: skip
    assert (token.method, token.target, token.header("Ocp-Apim-Subscription-Key")) == ("POST", "/token", "sub")
    assert token.header("Host") == f"127.0.0.1:{erp.port}"
    assert token.header("Content-Type") == "application/x-www-form-urlencoded"
    assert erp.seen[1].header("Authorization") == "Bearer t0k"


def test_a_configured_authorization_header_wins(tools, erp):
    run(tools, f"{erp.url}/inv", {"url": f"{erp.url}/token"}, headers={"authorization": "ApiKey x"})

    assert [(seen.target, seen.header("Authorization")) for seen in erp.seen] == [("/inv", "ApiKey x")]


@pytest.mark.parametrize("data", [CREDENTIALS, {"user": "x"}], ids=["standard", "plain"])
@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (reply(400, {"error": "invalid_scope", "error_description": "no such scope"}), Misconfigured, "no such scope"),
        (reply(200, b"<html>login</html>"), Misconfigured, "token endpoint"),
        (reply(200, {"token": "x"}), Misconfigured, "token endpoint"),
        (reply(200, {"access_token": ""}), Misconfigured, "token endpoint"),
        (reply(302, headers={"Location": "/login"}), Misconfigured, "302"),
        (reply(500), Unavailable, "500"),
        (reply(503, headers={"Retry-After": "9"}), Unavailable, "503"),
        (servers.cut(), Unavailable, "No token came"),
    ],
    ids=["refused", "html", "no token", "empty token", "redirect", "500", "503", "cut"],
)
def test_a_token_call_that_fails_says_why_and_sends_nothing(tools, erp, data, answer, error, said):
    erp.will(answer)

    with pytest.raises(error, match=said) as told:
        run(tools, f"{erp.url}/inv", {"url": f"{erp.url}/token", "data": data})

    assert [seen.target for seen in erp.seen] == ["/token"]
    assert "client-hush" not in str(told.value)
    assert tools.tokens.held == {}


def test_the_resolver_never_judges_the_token_call(tools, erp):
    erp.will(reply(400, {"error": "invalid_request"}))

    with pytest.raises(Misconfigured):
        run(
            tools,
            f"{erp.url}/inv",
            {"url": f"{erp.url}/token", "data": {"u": "x"}},
            status_code_resolver={"warning": [400]},
        )


def test_other_credentials_never_share_a_token(tools, erp):
    erp.otherwise = lambda seen: (
        reply(200, {"access_token": parse_qs(seen.body.decode())["p"][0]}) if seen.target == "/token" else reply()
    )
    auth = {"url": f"{erp.url}/token", "data": {"p": "{secret.password}"}}

    run(tools, f"{erp.url}/inv", auth)
    tools.secrets["password"] = "another"
    run(tools, f"{erp.url}/inv", auth)

    assert [seen.header("Authorization") for seen in erp.seen if seen.target == "/inv"] == [
        "Bearer person-hush",
        "Bearer another",
    ]
    assert len(tools.tokens.held) == 2
    assert not any("person-hush" in name or len(name) != 64 for name in tools.tokens.held)


def test_many_threads_fetch_one_token(tools, erp):
    erp.otherwise = lambda seen: reply(200, {"access_token": "one"}) if seen.target == "/token" else reply()
    auth = {"url": f"{erp.url}/token", "data": {"u": "x"}}

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: run(tools, f"{erp.url}/inv", auth), range(32)))

    assert sorted({seen.target: sum(s.target == seen.target for s in erp.seen) for seen in erp.seen}.items()) == [
        ("/inv", 32),
        ("/token", 1),
    ]


def test_the_token_endpoint_is_behind_the_guard_too(tools, erp):
    from pipelines.transports.guard import Egress

    tools.egress = Egress()

    with pytest.raises(Misconfigured, match="a loopback address"):
        run(tools, f"{erp.url}/inv", {"url": f"{erp.url}/token", "data": CREDENTIALS})
