"""Replies that mean harm, as a worker sees them end to end: a real server, the real engine, the pages and the API."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from django.test import Client
from django.urls import reverse

from exports import loop
from exports.models import Attempt, Exchange
from exports.states import ENDED, State
from tests import builders
from tests.servers import http

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def erp():
    with http.running() as server:
        yield server


def sent(erp, *answers, resolver=None, then=(), **config) -> Attempt:
    """An attempt that sent one request to the server and then extracted the reply's id."""
    erp.will(*answers)
    to = builders.destination(allowed_networks=["127.0.0.0/8"])
    stages = [
        {
            "name": "Send",
            "kind": "rest_api",
            "destination": to,
            "config": {
                "request": {"url": f"{erp.url}/invoices", "data": {"number": "@{number}"}},
                "response_headers_reference_key": "headers",
                "response_payload_reference_key": "payload",
                "timeout_s": 4,
                **({"status_code_resolver": resolver} if resolver else {}),
                **config,
            },
        },
        *then,
    ]
    made = builders.attempt(*stages, fields={"number": "1", "erp_id": ""})
    return loop.run_now(made.pk)


def extraction(path="id", form="json", source="payload"):
    rules = [{"value_path": path, "target_schema_id": "erp_id"}]
    entry = {"format": form, "source_reference_key": source, "extract_rules": rules}
    return {"name": "Read", "kind": "extract", "config": {"extract": [entry]}}


def pages(organization, attempt) -> str:
    """Every page and API answer that shows the attempt, as one text; each must be there."""
    client = Client()
    client.force_login(builders.user(role="owner", organization=organization))
    addresses = [
        reverse("admin:exports_attempt_change", args=[attempt.pk]),
        reverse("admin:exports_attempt_changelist"),
        reverse("admin:exports_document_change", args=[attempt.document_id]),
        f"/api/v1/attempts/{attempt.pk}",
        f"/api/v1/documents/{attempt.document_id}",
        *(f"/api/v1/exchanges/{exchange.pk}" for exchange in Exchange.objects.filter(attempt_id=attempt.pk)),
    ]
    shown = []
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, (address, response.status_code)
        shown.append(response.content.decode())
    return "\n".join(shown)


NUL_JSON = b'{"id": "A\\u0000B"}'
HALF_JSON = b'{"id": "A\\ud800B"}'
BODIES = {
    "a NUL in a value": http.reply(201, NUL_JSON),
    "half a surrogate pair in a value": http.reply(201, HALF_JSON),
    "a raw NUL": http.reply(201, b'{"id": "A\x00B"}'),
    "a NUL in a header": http.reply(201, b'{"id": "1"}', headers={"X-Trace": "a\x00b"}),
    "a NUL in the media type": http.reply(201, b'{"id": "1"}', headers={"Content-Type": "text/\x00plain"}),
    "a media type without end": http.reply(201, b'{"id": "1"}', headers={"Content-Type": "a/" + "b" * 9000}),
    "control characters in a header": http.reply(201, b'{"id": "1"}', headers={"X-Trace": "\x1b[31m\x7f\x85"}),
    "a number without end": http.reply(201, b'{"id": 1e999}'),
    "a number of 5000 digits": http.reply(201, b'{"id": ' + b"9" * 5000 + b"}"),
    "not a number": http.reply(201, b'{"id": NaN}'),
    "nothing": http.reply(201, b""),
    "an id that is an object": http.reply(201, {"id": {"a": ["b", None, {}]}}),
    "depth": http.reply(201, b"[" * 200_000),
    "ten megabytes": http.reply(201, b'{"id": "' + b"x" * (10 * 1024 * 1024) + b'"}'),
    "a gzip bomb": http.bomb(200 * 1024 * 1024),
    "gzip that is none": http.reply(201, b"hello", headers={"Content-Encoding": "gzip"}),
    "gzip that is cut": http.reply(201, gzip.compress(b'{"id": "1"}')[:-9], headers={"Content-Encoding": "gzip"}),
    "laughs": http.reply(201, b'<!DOCTYPE l [<!ENTITY a "ha">]><l>&a;</l>', headers={"Content-Type": "text/xml"}),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_success_is_kept_and_shown(organization, erp, name):
    attempt = sent(erp, BODIES[name], then=[extraction()])

    assert attempt.state in ENDED
    assert attempt.reason not in {"internal", "unconfirmed"}, attempt.message
    assert len(erp.seen) == 1
    pages(organization, attempt)


@pytest.mark.parametrize("body", [b"<!--" * 500_000, b"<" * 2_000_000, b"<script " * 250_000, b"<p>" * 600_000])
def test_broken_markup_costs_no_time(organization, erp, body):
    begun = time.monotonic()

    attempt = sent(erp, http.reply(422, body, headers={"Content-Type": "text/html"}))

    assert (attempt.state, attempt.reason) == (State.FAILED, "rejected")
    assert time.monotonic() - begun < 5
    pages(organization, attempt)


def test_a_page_is_read_as_people_see_it(organization, erp):
    page = b"<HTML><Head><title>x</title></HEAD><header>Sorry</header><ScRiPt>a<b</sCrIpT > unknown <b>supplier</b>"

    attempt = sent(erp, http.reply(422, page + b"<!-- a > b --> &lt;7&gt;", headers={"Content-Type": "text/html"}))

    assert attempt.message == "The other side answered 422 Unprocessable Entity: Sorry unknown supplier <7>"


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "unicode_escape", "hex", "nonsense", "utf-16"])
def test_a_charset_that_no_reply_is_written_in_breaks_nothing(organization, erp, charset):
    begun = time.monotonic()
    body = b"a" * 400_000 + b"-" + b"b9" * 400_000

    attempt = sent(erp, http.reply(422, body, headers={"Content-Type": f"text/plain; charset={charset}"}))

    assert (attempt.state, attempt.reason) == (State.FAILED, "rejected")
    assert time.monotonic() - begun < 5


def test_what_cannot_be_kept_is_replaced_and_the_rest_stays(organization, erp):
    reply = http.reply(201, b'{"id": "A\\u0000B\\udc00C"}', headers={"X-Trace": "a\x00b"})

    attempt = sent(erp, reply, then=[extraction()])

    assert attempt.state == State.SUCCEEDED
    attempt.document.refresh_from_db()
    from pipelines.fields import Content

    assert Content(attempt.document.fields.content).text("erp_id") == "A\ufffdB\ufffdC"
    assert ["X-Trace", "a\ufffdb"] in Exchange.objects.get(attempt_id=attempt.pk).reply_headers


def test_a_resolver_takes_a_reply_that_cannot_be_kept_for_its_message(organization, erp):
    attempt = sent(erp, http.reply(422, b"No\x00 such\xed\xa0\x80 supplier"), resolver={"error": [422]})

    assert (attempt.state, attempt.reason) == (State.FAILED, "rejected")
    assert attempt.message.startswith("No\ufffd such")
    pages(organization, attempt)


UNKNOWN = {
    "a length that is too long": http.reply(201, b'{"id": "1"}', headers={"Content-Length": "5000"}),
    "a length that is no number": http.raw(b"HTTP/1.1 201 OK\r\nContent-Length: abc\r\nConnection: close\r\n\r\n"),
    "headers without end": http.raw(b"HTTP/1.1 201 OK\r\n" + b"X-A: b\r\n" * 5000),
    "a header line without end": http.raw(b"HTTP/1.1 201 OK\r\nX-A: " + b"b" * 200_000),
    "no HTTP": http.raw(b"\x00\xff\x00\xff\r\n\r\n"),
    "a status beyond all": http.raw(b"HTTP/1.1 999 Whatever\r\nContent-Length: 0\r\n\r\n"),
    "chunks of nonsense": http.raw(b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_answer_that_is_none_is_told_as_unknown_or_kept_as_it_is(organization, erp, name):
    attempt = sent(erp, UNKNOWN[name])

    assert attempt.state in ENDED
    assert attempt.reason != "internal", attempt.message
    assert len(erp.seen) == 1, "nothing may be sent twice"
    pages(organization, attempt)


def test_a_wait_until_the_end_of_time_is_cut(organization, erp):
    late = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}

    attempt = sent(erp, http.reply(503, b"later", headers=late))

    assert attempt.state == State.WAITING
    assert 0 < (attempt.due_at - attempt.started_at).total_seconds() < 2 * 3600


def test_a_body_of_brackets_makes_no_page_of_megabytes(organization, erp):
    body = b"[" * 900 + b"1," * 25_000 + b"1" + b"]" * 900

    attempt = sent(erp, http.reply(201, body, headers={"Content-Type": "application/json"}))

    shown = pages(organization, attempt)
    assert len(shown) < 3 * 1024 * 1024


def test_a_number_that_is_none_is_kept_as_text():
    from pipelines import keepable

    tree = {"a": [1.5, float("inf"), float("nan")], "b\0": "c\ud800", "d": None}

    assert keepable.json(tree) == {"a": [1.5, "inf", "nan"], "b\ufffd": "c\ufffd", "d": None}
    assert json.loads(json.dumps(keepable.json(tree), allow_nan=False)) == keepable.json(tree)
