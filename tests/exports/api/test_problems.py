"""Errors: problem details with a stable code, whatever went wrong, and never a look inside."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from exports.api.codes import TYPES, urn
from exports.api.problems import ApiProblem, describe, flatten
from exports.api.records import Me
from pipelines.errors import Misconfigured, Rejected, Unavailable, Unconfirmed
from pipelines.problems import Problem
from pipelines.publishing import NotPublishable
from pipelines.refusals import Refused, Stale
from tests import builders
from tests.exports.api import world as worlds


def assert_problem(reply, code):
    assert reply["Content-Type"] == "application/problem+json"
    body = reply.json()
    kind = TYPES[code]
    assert (body["code"], reply.status_code) == (code, kind.status)
    assert (body["type"], body["title"], body["status"]) == (urn(code), kind.title, kind.status)
    assert body["detail"]
    assert isinstance(body["errors"], list)
    return body


def test_without_a_key_nobody_is_signed_in(db):
    reply = Client().get("/api/v1/documents")

    body = assert_problem(reply, "unauthenticated")
    assert reply["WWW-Authenticate"] == 'Bearer realm="waybill"'
    assert body["instance"] == "/api/v1/documents"


def test_a_wrong_key_is_not_let_in(organization):
    assert_problem(worlds.Caller("wb_000000000000_" + "x" * 43).get("me"), "unauthenticated")


def test_a_person_without_an_organization_is_told_so(db):
    builders.user("lonely")
    client = Client()
    client.login(username="lonely", password="correct horse")

    assert_problem(client.get("/api/v1/documents"), "no_organization")


def test_a_person_signed_in_may_read_and_needs_the_token_to_write(organization, world):
    builders.user("anna", role="operator", organization=organization)
    client = Client(enforce_csrf_checks=True)
    client.login(username="anna", password="correct horse")

    read = client.get("/api/v1/me")
    written = client.post(f"/api/v1/attempts/{world.attempt.pk}/requeue", {"why": "x"}, content_type="application/json")

    assert (read.json()["name"], read.json()["role"]) == ("user:anna", "operator")
    assert_problem(written, "forbidden")


def test_what_the_role_does_not_include_is_forbidden(world):
    body = assert_problem(
        worlds.caller("viewer").post(f"attempts/{world.attempt.pk}/requeue", {"why": "x"}), "forbidden"
    )

    assert body["detail"] == "Your role does not include exports.requeue_attempt."


@pytest.mark.parametrize(
    "path", ["documents/999999", "documents/0", "exchanges/" + "0" * 36, "nothing", "documents/", "documents/1x"]
)
def test_nothing_there(api, path):
    assert_problem(api.get(path), "not_found")


def test_the_wrong_method_is_named_with_the_right_ones(api, world):
    reply = api.delete(f"attempts/{world.attempt.pk}")

    assert_problem(reply, "method_not_allowed")
    assert reply["Allow"] == "GET, HEAD"


def test_broken_json_is_shown_where_it_breaks(api):
    body = assert_problem(api.send("POST", "queues", b'{"name": "A",\n "metadata": {1}}'), "malformed")

    assert (body["line"], body["column"]) == (2, 15)
    assert body["errors"][0]["line"] == 2
    assert "line 2, column 15" in body["detail"]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\xff\xfe", "not UTF-8: byte 1"),
        (b'{"name": NaN}', "NaN is no JSON number"),
        (b'{"name": "a\\u0000b"}', "cannot be kept"),
        (b'{"name": "\\ud800"}', "cannot be kept"),
        (b"[" * 5000 + b"]" * 5000, "nested deeper"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested deeper than 60"),
        (b"1" * 5000, "not JSON"),
    ],
)
def test_a_body_that_cannot_be_read(api, raw, says):
    assert says in assert_problem(api.send("POST", "queues", raw), "malformed")["detail"]


def test_a_body_that_is_no_object_is_invalid(api):
    assert_problem(api.send("POST", "queues", b"[1]"), "invalid")


def test_a_body_of_another_type(api):
    reply = api.client.post(
        "/api/v1/queues", "name=A", content_type="application/x-www-form-urlencoded",
        headers={"authorization": f"Bearer {api.key}"},
    )  # fmt: skip

    assert_problem(reply, "unsupported_media_type")


def test_a_body_too_large(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    assert_problem(api.post("queues", {"name": "x" * 1000}), "too_large")


def test_every_wrong_field_is_named(api):
    body = assert_problem(api.post("queues", {"schema": 999, "use_confirmed_state": "maybe"}), "invalid")

    assert {error["place"] for error in body["errors"]} == {"name", "schema", "use_confirmed_state"}


def test_an_unexpected_error_tells_nothing_of_the_inside(api, monkeypatch):
    def broken(self, request):
        secret = "/srv/secret/path"  # noqa: F841  must not leak
        raise RuntimeError("inner detail")

    monkeypatch.setattr(Me, "show", broken)

    reply = api.get("me")

    assert_problem(reply, "internal")
    assert b"inner" not in reply.content
    assert b"Traceback" not in reply.content


def test_a_locked_database_asks_to_try_again(api, monkeypatch):
    def locked(self, request):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Me, "show", locked)

    reply = api.get("me")

    assert_problem(reply, "busy")
    assert reply["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("The attempt is running."), "refused"),
        (Stale("Read it again."), "stale"),
        (NotPublishable([Problem("Send", "config.url", "It is blank.")]), "not_publishable"),
        (Rejected("No.", place="field.a"), "rejected"),
        (Misconfigured("No url.", place="config.url"), "misconfigured"),
        (Unavailable("Refused the connection."), "unavailable"),
        (Unconfirmed("No answer."), "unconfirmed"),
        (ZeroDivisionError(), "internal"),
    ],
)
def test_each_error_of_the_verbs_has_its_code(error, code):
    assert describe(error).code == code


def test_a_place_in_the_configuration_is_kept():
    problem = describe(NotPublishable([Problem("Send", "config.url", "It is blank.", line=3)]))

    assert problem.errors == [
        {"place": "config.url", "message": "It is blank.", "stage": "Send", "severity": "error", "line": 3}
    ]


def test_every_code_is_raised_somewhere_and_every_raised_code_is_known():
    assert {describe(ApiProblem(code, "x")).code for code in TYPES} == set(TYPES)


def test_nested_errors_become_paths():
    found = list(flatten({"stages": [{"name": ["Required."]}, {}], "non_field_errors": ["Whole."]}))

    assert found == [{"place": "stages[0].name", "message": "Required."}, {"place": "", "message": "Whole."}]
