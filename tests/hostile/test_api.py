"""Hostile requests to the API: whatever comes, a problem in the 400s, nothing changed, nothing of others told."""

from __future__ import annotations

import json

import pytest

from accounts import scope
from audit.models import Event
from exports.api.reference import document
from tests import builders
from tests.exports.api import world as worlds

BODIES = {
    "cut off": b'{"why": "x"',
    "no JSON": b"\x00\xff\xfe",
    "another encoding": '{"why": "ä"}'.encode("utf-16"),
    "latin 1": '{"why": "ä"}'.encode("latin-1"),
    "deep": b"[" * 5000 + b"]" * 5000,
    "a list": b"[1, 2]",
    "a number": b"1e999",
    "not a number": b'{"why": NaN}',
    "a text": b'"why"',
    "a half of a pair": b'{"why": "\\ud800"}',
    "NUL": b'{"why": "\\u0000"}',
}


@pytest.fixture
def apart(organization):
    """A robot of one organization, and the rows of another."""
    mine = worlds.make()
    other = builders.organization("Other")
    with scope.to(other.pk):
        theirs = worlds.make()
    return worlds.caller("owner"), mine, theirs


def posts():
    return [
        path.removeprefix("/api/v1/")
        for path, methods in document()["paths"].items()
        if "application/json" in methods.get("post", {}).get("requestBody", {}).get("content", {})
    ]


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_cannot_be_read_is_refused_at_every_address(apart, kind):
    api, mine, _ = apart
    before = Event.objects.count()

    for path in posts():
        given = path.replace("{pipeline}", str(mine.pipeline.pk)).replace("{id}", _id(mine, path))
        reply = api.send("POST", given, BODIES[kind])
        assert 400 <= reply.status_code < 500, (path, reply.status_code, reply.content)
        assert reply["Content-Type"] == "application/problem+json", path

    assert Event.objects.count() == before


def _id(world, path):
    rows = {
        "documents": world.document, "attempts": world.attempt, "failure_groups": world.failure_group, "jobs": world.job,
        "pipelines": world.pipeline, "destinations": world.destination, "channels": world.channel,
        "event_deliveries": world.event_delivery,
    }  # fmt: skip
    row = rows.get(path.split("/")[0])
    return str(row.pk) if row is not None else "1"


def test_another_organizations_rows_are_not_found_by_any_method(apart):
    api, _, theirs = apart
    rows = {
        "documents": theirs.document, "attempts": theirs.attempt, "stage_runs": theirs.run, "exchanges": theirs.exchange,
        "artifacts": theirs.artifact, "deliveries": theirs.delivery, "queues": theirs.queue, "schemas": theirs.schema,
        "pipelines": theirs.pipeline, "revisions": theirs.revision, "destinations": theirs.destination,
        "triggers": theirs.trigger, "channels": theirs.channel, "event_deliveries": theirs.event_delivery,
        "failure_groups": theirs.failure_group, "jobs": theirs.job,
    }  # fmt: skip
    before = Event.objects.count()

    for path, methods in document()["paths"].items():
        name, *rest = path.removeprefix("/api/v1/").split("/")
        if not rest or name not in rows or rest[0] not in {"{id}", "{pipeline}"}:
            continue
        place = path.replace("{pipeline}", str(theirs.pipeline.pk)).replace("{id}", str(rows[name].pk))
        place = place.replace("{number}", "1")
        for method in methods:
            reply = api.send(method.upper(), place, None if method in {"get", "delete"} else {"why": "x", "name": "x"})
            assert reply.status_code in {400, 404}, (method, place, reply.status_code)  # the body may be wrong first
            assert b"Other" not in reply.content

    assert Event.objects.count() == before


def test_a_body_that_is_too_large_is_refused(apart, settings):
    api, _, _ = apart
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    reply = api.post("queues", {"name": "x" * 2000})

    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "path",
    [
        "documents/%00",
        "documents/..%2f..%2fetc",
        "documents/%C2%84",
        "documents/1%0d%0aX-Evil:1",
        "nowhere",
        "documents/9" * 3,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_address_that_is_none_is_a_problem_and_no_page(apart, path, method):
    api, _, _ = apart

    reply = api.send(method, f"/api/v1/{path}", None if method in {"GET", "DELETE"} else {})

    assert reply.status_code in {400, 404}
    assert "X-Evil" not in reply
    assert b"<html" not in reply.content


@pytest.mark.parametrize("header", ["", " ", "x" * 256, "a\tb"])
def test_a_key_that_cannot_be_kept_is_refused(apart, header):
    api, mine, _ = apart

    reply = api.post(f"pipelines/{mine.pipeline.pk}/check", Idempotency_Key=header)

    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")


def test_numbers_are_no_texts(apart):
    api, _, _ = apart

    assert api.post("queues", {"name": 7}).status_code == 400
    assert api.post("pipelines", {"name": True}).status_code == 400
    assert api.get("channels?active=AAA").status_code == 400
    assert api.get("exchanges?run=").status_code == 400
    assert json.loads(api.get("channels?active=true").content)["next"] is None
