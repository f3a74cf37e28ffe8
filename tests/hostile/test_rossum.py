"""Rossum's protocol under fire: bodies, parameters and headers that nobody means, at every address; other organizations'
ids; and nothing of ours in any answer."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from accounts import keys, scope
from accounts.policy import Principal
from exports.models import Document
from exports.protocols.rossum.urls import urlpatterns
from pipelines import vault
from pipelines.models import Queue, Stage
from tests import builders, desk

SECRET = "hush-hush-0815"
DEEP = b'{"query": ' * 5000 + b"1" + b"}" * 5000
WRONG_TYPES = {
    "status": [], "messages": {"a": 1}, "metadata": [1], "annotations": {"a": 1}, "queue": [1], "schema": {}, "document": 1.5,
    "query": ["x"], "query_string": 7, "operations": {"op": "x"}, "content": 7, "documents": 3, "statuses": {"a": 1},
    "note_content": [1], "payload": 1, "settings": [1], "events": 1, "queues": {"a": 1}, "config": 1, "run_after": 1,
    "username": [1], "password": {"a": 1}, "type": ["x"], "key": [1], "name": {"a": 1}, "annotation": [1], "active": "x",
    "secrets": "x", "event": [1], "action": {"a": 1}, "max_token_lifetime_s": [1], "to_status": [1], "columns": {},
}  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe\x00", b'{"status": NaN}', b'{"status": "a\\u0000b"}',
    b'{"metadata": {"a": "\\ud800"}}', DEEP, b'{"id": 1' + b"0" * 400 + b"}", json.dumps(WRONG_TYPES).encode(),
    json.dumps(dict.fromkeys(WRONG_TYPES, "../../../etc/passwd\r\nSet-Cookie: a=b")).encode(),
    json.dumps(dict.fromkeys(WRONG_TYPES, -(10**25))).encode(), json.dumps({name: [[{}], None] for name in WRONG_TYPES}).encode(),
    json.dumps({"operations": [None, 1, {"op": "replace", "id": 10**17, "value": {"content": {"value": "x" * 100}}}]}).encode(),
]  # fmt: skip
QUERIES = [
    "page=0", "page=-1", "page=99999999999999999999", "page=1e3", "page_size=-5", "page_size=99999999999999999999",
    "id=99999999999999999999", "id=1,,2,x", "id=%00", "status=%ff%fe", "status=confirmed%00", "ordering=pk;drop,--,fields__content",
    "ordering=organization__memberships__user__password", "sideload=results,pagination,documents,__class__", "fields=__class__",
    "arrived_at_after=9999-12-31T23:59:59-14:00", "arrived_at_before=0001-01-01T00:00:00%2B14:00", "arrived_at_after=NaN",
    "search=%25%25%5f%5f'%22%5c", "search=" + "x" * 5000, "queue=%f0%9f%92%a9", "modifier=-1", "confirmed_by=999999999999999999",
    "automated=%e2%98%83", "request_id='or'1'='1", "status_code=x", "hook=1,2,3,x", "search_after=99999999999999999999",
    "content.schema_id=" + "a," * 3000 + "&sideload=content", "format=pdf", "columns=%0d%0aX", "format=csv&delimiter=%00",
    "a" * 3000 + "=1", "%00=1", "=", "&&&", "id=" + "1," * 2000,
]  # fmt: skip


def addresses(**ids):
    """Every address below one prefix, filled with the ids."""
    for pattern in urlpatterns:
        route = str(pattern.pattern).replace("^(?:api/)?v1/", "")
        if pattern.name == "nowhere":
            continue
        kind = route.split("/")[0]
        route = route.replace("(?P<pk>[0-9]{1,18})", str(ids.get(kind, ids["annotations"])))
        route = re.sub(r"\(\?P<\w+>\[0-9\]\{1,18\}\)", "2", route)
        route = re.sub(r"\(\?P<\w+>[^()]*\)", "0" * 32, route)
        yield f"/rossum/api/v1/{route.replace('/?$', '')}"


@pytest.fixture
def site(organization):
    pipeline = desk.pipeline()
    queue = builders.queue("Invoices", pipeline=pipeline, schema=builders.schema("document_id"))
    vault.put("token", SECRET, by=builders.owner(), pipeline=pipeline)
    document = desk.document(queue, status="to_review")
    run = desk.run(desk.attempt(desk.document(queue, "failed")), "Render", "failed")
    desk.exchange(run, sent=b"{}", reply=b"{}")
    ids = {"queues": queue.pk, "hooks": Stage.objects.get().pk, "schemas": queue.schema_id, "annotations": document.pk}
    return {**ids, "organizations": organization.pk, "workspaces": organization.pk}


@pytest.fixture
def owner(organization):
    plain = keys.create(builders.owner(), "owner-robot", "owner")[1]
    return Client(headers={"authorization": f"Bearer {plain}"}, raise_request_exception=False)


def looked_at(reply, told):
    text = b"".join(reply.streaming_content) if reply.streaming else reply.content
    assert reply.status_code < 500, told
    assert not 300 <= reply.status_code < 400, told
    assert SECRET.encode() not in text, told
    assert b"Traceback" not in text, told
    if reply.status_code >= 400:
        assert reply["Content-Type"] == "application/json", told
        assert isinstance(json.loads(text), dict), told


def test_no_body_breaks_any_address(site, owner):
    for address in addresses(**site):
        for method in ("POST", "PATCH", "PUT"):
            if owner.generic(method, address, b"{").status_code == 405:
                continue
            for body in BODIES:
                reply = owner.generic(method, address, body, content_type="application/json")
                looked_at(reply, f"{method} {address} {body[:200]!r}")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "\u00e4",
    ],
)
def test_no_type_of_body_breaks_any_address(site, owner, kind):
    for address in addresses(**site):
        for body in (
            b"status=deleted&username=a%00&password=%ff",
            b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\n--',
            b"\xff",
        ):
            looked_at(owner.generic("POST", address, body, content_type=kind), f"POST {address} {kind} {body!r}")


def test_no_parameter_breaks_any_address(site, owner):
    for address in addresses(**site):
        if owner.get(address).status_code == 405:
            continue
        for query in QUERIES:
            looked_at(owner.get(f"{address}?{query}"), f"GET {address}?{query[:200]}")


def test_a_body_that_is_too_large_is_a_413(site, owner, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    for path in ("annotations/search", f"annotations/{site['annotations']}", "auth/login"):
        method = "PATCH" if path[-1].isdigit() else "POST"
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            reply = owner.generic(method, f"/rossum/v1/{path}", b" " * 2000, content_type=kind)
            assert reply.status_code == 413, (path, kind)


def test_a_stranger_sees_and_changes_nothing(site, other_owner):
    before = (list(Document.objects.values()), list(Stage.objects.values()), list(Queue.objects.values()))
    collections = {"annotations", "documents", "queues", "schemas", "hooks", "users", "organizations", "workspaces"}

    for address in addresses(**site):
        for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            if any(part.isdigit() for part in address.split("/")):
                reply = other_owner.generic(method, address, b"{}", content_type="application/json")
                expected = {404, 405} | (
                    {400} if "/document_relations/" in address else set()
                )  # looks at the body first
                assert reply.status_code in expected, f"{method} {address}: {reply.status_code}"
        if address.rpartition("/")[2] in collections:
            rows = other_owner.get(address).json()["results"]
            assert site["annotations"] not in [
                row["id"] for row in rows if "annotation" in address or "document" in address
            ]
            assert not [row for row in rows if "Invoices" in json.dumps(row)]

    assert (list(Document.objects.values()), list(Stage.objects.values()), list(Queue.objects.values())) == before


@pytest.fixture
def other_owner(site):
    other = builders.organization("Other")
    with scope.to(other.pk):
        plain = keys.create(Principal.system("test", other.pk), "stranger", "owner")[1]
    return Client(headers={"authorization": f"Bearer {plain}"}, raise_request_exception=False)


def test_nobody_gets_anything(site):
    nobody = Client(raise_request_exception=False)

    for address in addresses(**site):
        for method in ("GET", "POST", "PATCH", "DELETE"):
            reply = nobody.generic(method, address, b"{}", content_type="application/json")
            expected = {400, 405} if address.endswith("auth/login") else {401, 405}
            assert reply.status_code in expected, f"{method} {address}: {reply.status_code}"


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_only_look_changes_nothing_anywhere(site, organization, role):
    plain = keys.create(builders.owner(), f"{role}-robot", role)[1]
    viewer = Client(headers={"authorization": f"Bearer {plain}"}, raise_request_exception=False)
    before = list(Document.objects.values())

    for address in addresses(**site):
        for method in ("POST", "PATCH", "PUT", "DELETE"):
            reply = viewer.generic(
                method, address, b'{"status": "deleted", "query": {}}', content_type="application/json"
            )
            looked_at(reply, f"{method} {address}")

    assert list(Document.objects.values()) == before
    assert Stage.objects.count() == 1


@pytest.mark.parametrize(
    "header",
    [
        "Bearer " + "x" * 10_000,
        "Basic " + "A" * 10_000,
        "Token \x7f",
        "Bearer wb_",
        "Bearer wbt_" + "é" * 43,
        "Basic Og==",
        "Negotiate x",
        " ",
        "Bearer\tx",
    ],
)
def test_no_authorization_header_breaks_anything(site, header):
    reply = Client(raise_request_exception=False).get("/rossum/v1/annotations", headers={"authorization": header})

    assert reply.status_code == 401
