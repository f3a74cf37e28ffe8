"""The REST API stage against a real server: what it sends for a document, option by option."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected
from pipelines.stages import rest_api
from pipelines.stages.rest_api import Config
from tests.pipelines.tools import LocalTools, inbox


@pytest.fixture
def tools():
    made = LocalTools(secrets={"token": "s3cret", "client_secret": "hush"})
    yield made
    made.http.close()


def run(erp, tools, request, document=None, **config):
    """Sends for a document with the artifact `payload`; the one request that arrived."""
    parsed = Config.model_validate({"request": {"url": f"{erp.url}/inv", **request}, **config})
    document = document or inbox(FIELDS, artifacts={"payload": '{"no": 1}'})
    rest_api.run(parsed, document, tools)
    return erp.seen[-1]


FIELDS = {
    "document_id": "INV/7",
    "vendor": "Müller & Söhne",
    "amount": "12.50",
    "line_items": [{"qty": "1"}, {"qty": "2"}],
}


def test_the_artifact_is_the_body_and_its_media_type_the_content_type(erp, tools):
    seen = run(erp, tools, {"content": "#{file_content}"}, export_reference_key="payload")

    assert (seen.method, seen.target, seen.body) == ("POST", "/inv", b'{"no": 1}')
    assert seen.header("Content-Type") == "application/json"
    assert seen.header("Idempotency-Key") == "key-1"


def test_a_configured_content_type_wins(erp, tools):
    request = {"content": "#{file_content}", "headers": {"content-type": "text/json"}}

    assert run(erp, tools, request, export_reference_key="payload").header("Content-Type") == "text/json"


@pytest.mark.parametrize("option", ["content", "data", "file_content"])
def test_the_original_can_be_sent_by_each_option(erp, tools, option):
    seen = run(erp, tools, {option: "#{original_file}"})

    assert (seen.body, seen.header("Content-Type")) == (b"%PDF-1.7 original", "application/pdf")


def test_a_file_inside_a_longer_text_is_inserted_as_text(erp, tools):
    content = '<x id="@{document_id}">#{file_content}</x>'

    seen = run(erp, tools, {"content": content}, export_reference_key="payload")

    assert seen.body == b'<x id="INV/7">{"no": 1}</x>'


def test_a_file_that_is_no_text_cannot_stand_inside_a_longer_one(erp, tools):
    document = inbox(original=Blob.of(b"\xff\xfe\x00"))

    with pytest.raises(Misconfigured, match="is no text") as told:
        run(erp, tools, {"content": "a #{original_file}"}, document)

    assert told.value.place == "config.request.content"


def test_values_are_encoded_inside_an_address_and_never_re_encoded_as_one(erp, tools):
    seen = run(erp, tools, {"url": f"{erp.url}/inv/@{{document_id}}?v=@{{vendor}}"})
    assert seen.target == "/inv/INV%2F7?v=M%C3%BCller%20%26%20S%C3%B6hne"

    seen = run(erp, tools, {"url": "@{link}/lines"}, inbox({"link": f"{erp.url}/a%20b/c?d=e#f"}))
    assert seen.target == "/a%20b/c?d=e"


def test_an_address_field_that_is_empty_is_the_documents_fault(erp, tools):
    with pytest.raises(Rejected, match="is empty for this document") as told:
        run(erp, tools, {"url": "@{link}"}, inbox({"link": ""}))

    assert told.value.place == "config.request.url"


def test_secrets_stand_in_headers_bodies_and_addresses(erp, tools):
    request = {
        "url": f"{erp.url}/?k={{secret.token}}",
        "headers": {"X-Key": "{secret.token}"},
        "data": {"p": "{secret.token}!"},
    }

    seen = run(erp, tools, request)

    assert (seen.target, seen.header("X-Key"), seen.body) == ("/?k=s3cret", "s3cret", b"p=s3cret%21")


def test_a_secret_that_is_missing_stops_the_send(erp, tools):
    with pytest.raises(Misconfigured, match='no secret "tokne"') as told:
        run(erp, tools, {"headers": {"Authorization": "Bearer {secret.tokne}"}})

    assert told.value.place == "config.request.headers.Authorization"
    assert erp.seen == []


@pytest.mark.parametrize("captured", ["{secret.token}", "#{file_content}", "@{amount}", "{{ 7*7 }}"])
def test_what_a_document_says_is_never_a_placeholder(erp, tools, captured):
    request = {"data": {"note": "@{note}"}, "headers": {"Content-Type": "application/json"}}

    seen = run(erp, tools, request, inbox({"note": captured, "amount": "1"}), export_reference_key="payload")

    assert json.loads(seen.body) == {"note": captured}


def test_a_line_break_in_a_captured_value_cannot_add_a_header(erp, tools):
    with pytest.raises(Rejected, match="line break") as told:
        run(erp, tools, {"headers": {"X-Vendor": "@{vendor}"}}, inbox({"vendor": "x\r\nX-Evil: 1"}))

    assert told.value.place == "config.request.headers.X-Vendor"
    assert erp.seen == []


def test_an_object_is_urlencoded_without_a_content_type(erp, tools):
    seen = run(erp, tools, {"data": {"no": "@{document_id}", "tags": ["a", "b"], "none": None, "yes": True}})

    pairs = parse_qsl(seen.body.decode(), keep_blank_values=True)
    assert pairs == [("no", "INV/7"), ("tags", "a"), ("tags", "b"), ("none", ""), ("yes", "true")]
    assert seen.header("Content-Type") == "application/x-www-form-urlencoded"


def test_an_object_is_json_where_the_content_type_says_so(erp, tools):
    rows = {"$FOR_EACH_SCHEMA_ID$": {"schema_id": "line_item", "mapping": {"q": "@{qty}"}}}
    request = {"data": {"no": "@{document_id}", "rows": rows}, "headers": {"Content-Type": "application/json"}}

    seen = run(erp, tools, request)

    assert json.loads(seen.body) == {"no": "INV/7", "rows": [{"q": "1"}, {"q": "2"}]}


def test_an_object_is_multipart_where_the_content_type_says_so(erp, tools):
    request = {
        "data": {"no": "@{document_id}", "file": "#{file_content}"},
        "headers": {"Content-Type": "multipart/form-data; boundary=made-up"},
    }

    number, file = run(erp, tools, request, export_reference_key="payload").parts()

    assert number.get_payload(decode=True) == b"INV/7"
    assert (file.get_filename(), file.get_payload(decode=True)) == ("payload.json", b'{"no": 1}')


def test_file_key_sends_a_form_with_the_file_and_the_further_fields(erp, tools):
    request = {
        "file_key": "file", "file_name": "@{document_id}.json", "request_data": {"other_field": "@{vendor}"},
        "headers": {"Authorization": "Bearer {secret.token}", "Content-Type": "multipart/form-data"},
    }  # fmt: skip

    seen = run(erp, tools, request, export_reference_key="payload")

    other, file = seen.parts()
    assert seen.header("Content-Type").startswith("multipart/form-data; boundary=waybill-")
    assert seen.header("Authorization") == "Bearer s3cret"
    assert (other.get_param("name", header="content-disposition"), other.get_payload(decode=True)) == (
        "other_field", "Müller & Söhne".encode(),
    )  # fmt: skip
    assert (file.get_filename(), file.get_content_type()) == ("INV/7.json", "application/json")
    assert file.get_payload(decode=True) == b'{"no": 1}'


def test_file_key_without_a_name_keeps_the_documents_own(erp, tools):
    (file,) = run(erp, tools, {"file_key": "file", "content": "#{original_file}"}).parts()

    assert file.get_payload(decode=True) == b"%PDF-1.7 original"
    assert 'filename="scan ü.pdf"'.encode() in erp.seen[0].body


def test_without_anything_to_send_the_body_is_empty(erp, tools):
    seen = run(erp, tools, {"method": "put"})

    assert (seen.method, seen.body, seen.header("Content-Type")) == ("PUT", b"", None)


def test_an_artifact_that_nobody_wrote_is_misconfigured(erp, tools):
    with pytest.raises(Misconfigured, match='no artifact "payload"') as told:
        run(erp, tools, {"content": "#{file_content}"}, inbox(), export_reference_key="payload")

    assert told.value.place == "config.export_reference_key"


def test_an_original_that_is_not_there_is_the_documents_fault(erp, tools):
    with pytest.raises(Rejected, match="has no original file"):
        run(erp, tools, {"content": "#{original_file}"}, inbox(original=None))


@pytest.mark.parametrize("gate", ["", "  ", "false", "False"])
def test_a_condition_that_does_not_hold_sends_nothing(erp, tools, gate):
    config = Config.model_validate({"request": {"url": erp.url}, "condition": "@{gate}"})

    outcome = rest_api.run(config, inbox({"gate": gate}), tools)

    assert outcome.skipped.startswith("condition @{gate} is ")
    assert (outcome.artifacts, outcome.messages, erp.seen) == ({}, (), [])


def test_a_user_in_the_address_is_sent_as_basic_authorization(erp, tools):
    seen = run(erp, tools, {"url": erp.url.replace("://", "://anna:{secret.token}@") + "/x"})

    assert seen.header("Authorization") == "Basic YW5uYTpzM2NyZXQ="
    assert "s3cret" not in tools.calls[0][1].url


def test_another_header_can_carry_the_idempotency_key(erp, tools):
    seen = run(erp, tools, {}, idempotency_header="X-Request-Id")

    assert (seen.header("X-Request-Id"), seen.header("Idempotency-Key")) == ("key-1", None)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"request": {"url": ""}}, "blank"),
        ({"request": {"url": "erp.example"}}, "begins with https://"),
        ({"request": {"url": "http://x", "headers": {"A": "1\n2"}}}, "line break"),
        ({"request": {"url": "http://x", "headers": {"A B": "1"}}}, "header name"),
        ({"request": {"url": "http://x", "method": "GE T"}}, "no HTTP method"),
        ({"request": {"url": "http://x", "content": "#{file_content}"}}, "name one"),
        ({"request": {"url": "http://x", "data": {"a": {"$NOPE$": {}}}}}, "NOPE"),
        ({"request": {"url": "http://x"}, "status_code_resolver": {"error": [400], "warning": [400]}}, "choose one"),
        (
            {
                "request": {"url": "http://x"},
                "response_headers_reference_key": "a",
                "response_payload_reference_key": "a",
            },
            "both",
        ),
        ({"request": {"url": "http://x"}, "recovery": "verify"}, "ask"),
        ({"request": {"url": "http://x"}, "recovery": "idempotent", "idempotency_header": ""}, "key"),
        ({"request": {"url": "http://x"}, "timeout_s": 0}, "greater"),
        (
            {"request": {"url": "http://x"}, "probe": {"request": {"url": "http://x"}, "found": "import os"}},
            "cannot be read",
        ),
        ({"request": {"url": "http://x"}, "exprot_reference_key": "a"}, "Extra inputs"),
    ],
)
def test_a_config_that_cannot_work_is_refused(config, said):
    with pytest.raises(ValidationError, match=said):
        Config.model_validate(config)


def test_reads_and_writes_are_the_keys():
    config = Config.model_validate({
        "export_reference_key": "a", "request": {"url": "http://x"},
        "response_headers_reference_key": "h", "response_payload_reference_key": "p",
    })  # fmt: skip

    assert (rest_api.reads(config), rest_api.writes(config)) == ({"a"}, {"h", "p"})
