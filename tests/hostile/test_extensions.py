"""Calls that nobody of Rossum's would make: unsigned, played again, from elsewhere, malformed, reaching for secrets."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.exports.extensions import world as worlds
from tests.exports.extensions.test_calls import TEMPLATE, send
from tests.exports.extensions.world import SECRETS, kinds
from tests.servers import http


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extensions")
    with worlds.running(folder, settings={"WAYBILL_MAX_JSON_BYTES": "200000"}) as world:
        world.folder = folder
        yield world


@pytest.fixture
def world(running):
    running.erp.seen.clear()
    running.erp.script.clear()
    running.erp.otherwise = lambda seen: http.reply(201, {"id": "ERP-1"})
    running.rossum.http.seen.clear()
    yield running
    assert "Internal Server Error" not in running.children.logs.joinpath("web server.log").read_text()


def ago(**parts):
    return (datetime.now(UTC) - timedelta(**parts)).isoformat()


def test_a_wrong_signature_is_refused_and_nothing_happens(world):
    annotation = world.annotation()
    hook = world.hook("custom-format-templating", TEMPLATE, secret="somebody-elses-secret")

    answers = [
        hook.send(hook.payload(annotation)),
        hook.send(hook.payload(annotation), X_Rossum_Signature_SHA256=""),
        hook.send(hook.payload(annotation), X_Rossum_Signature_SHA256="sha256="),
        hook.send(hook.payload(annotation), X_Rossum_Signature_SHA256="sha256=ä".encode().decode("latin-1")),
        hook.send(hook.payload(annotation, base_url="https://elsewhere.rossum.app")),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert (world.documents(annotation), world.rossum.http.seen) == ([], [])


def test_a_body_that_was_changed_on_its_way_is_refused(world):
    annotation = world.annotation()
    hook = world.hook("custom-format-templating", TEMPLATE)
    body = json.dumps(hook.payload(annotation)).encode()
    signature = hmac.new(SECRETS[0].encode(), body, hashlib.sha256).hexdigest()

    answer = hook.send(body.replace(b"INV-7", b"INV-8"), X_Rossum_Signature_SHA256=f"sha256={signature}")

    assert answer.status_code == 401


def test_a_call_lands_in_the_organization_whose_secret_signed_it(world):
    annotation = world.annotation()

    world.hook("custom-format-templating", TEMPLATE, secret=SECRETS[1]).call(annotation)

    assert world.documents(annotation) == []
    assert len(world.documents(annotation, key=1)) == 1


def test_a_call_that_is_played_again_gets_the_same_answer_and_sends_nothing(world):
    annotation = world.annotation()
    world.store(annotation, "invoice", b"no;INV-7")
    hook = world.hook("rest-api-export", send(world))
    body = json.dumps(hook.payload(annotation)).encode()

    first, second = hook.send(body), hook.send(body)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert len(world.erp.seen) == 1


def test_a_request_id_belongs_to_one_call(world):
    hook = world.hook("custom-format-templating", TEMPLATE)
    payload = hook.payload(world.annotation())
    hook.send(payload)

    other = hook.send(hook.payload(world.annotation(), request_id=payload["request_id"]))

    assert (other.status_code, kinds(other.json())[0][1]) == (
        409,
        "request_id: Another call had this id, with another annotation or other settings.",
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"request_id": None}, "request_id"),
        ({"request_id": "x" * 101}, "request_id"),
        ({"request_id": "a\r\nSet-Cookie: b"}, "request_id"),
        ({"timestamp": None}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": ago(hours=3)}, "timestamp"),
        ({"timestamp": ago(hours=-1)}, "timestamp"),
        ({"base_url": None}, "base_url"),
        ({"base_url": {"a": 1}}, "base_url"),
        ({"base_url": "file:///etc/passwd"}, "base_url"),
        ({"event": "annotation_content", "action": "confirm"}, "event"),
        ({"hook": "https://elsewhere.example/api/v1/hooks/1"}, "hook"),
        ({"annotation": None}, "annotation"),
        ({"annotation": {"id": "../1"}}, "annotation.id"),
        ({"annotation": {"id": 1, "content": "https://x/content"}}, "annotation.content"),
        ({"settings": ["x"]}, "settings"),
        ({"secrets": "hush"}, "secrets"),
        ({"secrets": {"a": {"b": "c"}}}, "secrets"),
        ({"rossum_authorization_token": None}, "rossum_authorization_token"),
        ({"rossum_authorization_token": "a\r\nX: b"}, "rossum_authorization_token"),
        (
            {"settings": {"export_configs": [{"export_reference_key": "a\0b"}]}},
            "settings.export_configs[0].export_reference_key",
        ),
    ],
)
def test_what_a_payload_lacks_is_named(world, change, place):
    annotation = world.annotation()
    hook = world.hook("custom-format-templating", TEMPLATE)

    answer = hook.send(hook.payload(annotation, **change))

    assert answer.status_code == 400
    ((kind, text),) = kinds(answer.json())
    assert (kind, text.partition(": ")[0]) == ("error", place)
    assert world.documents(annotation) == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"a":' * 5000, b"9" * 10_000,
        b'{"base_url": "\\ud800"}', b'{"a": "\\u0000"}', '{"base_url": "https://ж.example"}'.encode(),
    ],
)  # fmt: skip
def test_a_body_that_is_no_payload_is_told_so(world, body):
    answer = world.hook("rest-api-export", {}).send(body)

    assert answer.status_code in {400, 401}
    assert kinds(answer.json())[0][0] == "error"


@pytest.mark.parametrize(
    "content",
    [
        [{"category": "section"}],
        ["x"],
        [{"category": "section", "schema_id": "s", "children": {"a": 1}}],
        [{"category": "section", "schema_id": "s", "children": [{"category": "tuple", "schema_id": "t"}]}],
        [
            {
                "category": "section",
                "schema_id": "s",
                "children": [{"category": "datapoint", "schema_id": "f", "content": 1}],
            }
        ],
        [{"category": "section", "schema_id": "s\r\n", "children": []}],
    ],
)
def test_fields_that_are_no_tree_are_an_error_that_names_the_node(world, content):
    annotation = world.annotation()
    annotation.content = content

    answer = world.hook("custom-format-templating", TEMPLATE)
    told = answer.send(answer.payload(annotation))

    assert told.status_code == 200
    ((kind, text),) = kinds(told.json())
    assert kind == "error"
    assert text.startswith(("content[0]", "field."))


def test_a_body_without_end_is_refused(world):
    answer = world.hook("rest-api-export", {}).send(b'{"a": "' + b"x" * 300_000 + b'"}')

    assert answer.status_code == 413


def test_settings_that_cannot_run_are_refused_with_their_place(world):
    settings = send(world, secret_sauce=True)
    settings["request"]["method"] = "TELEPORT\r\nX: y"

    answer = world.hook("rest-api-export", settings)
    told = answer.send(answer.payload(world.annotation()))

    assert told.status_code == 422
    assert [text.partition(": ")[0] for _, text in kinds(told.json())] == [
        "settings.request.method",
        "settings.secret_sauce",
    ]
    assert world.erp.seen == []


def test_no_address_is_reached_that_the_destination_does_not_allow(world):
    annotation = world.annotation()
    settings = send(world)
    settings["request"] = {"url": "http://169.254.169.254/latest/meta-data/", "method": "GET"}
    del settings["export_reference_key"]

    reply = world.hook("rest-api-export", settings).call(annotation)

    assert kinds(reply)[0][0] == "error"
    assert "metadata" in kinds(reply)[0][1]


def test_addresses_of_a_payload_lead_nowhere_but_to_the_connected_account(world):
    annotation = world.annotation()
    world.store(annotation, "invoice", b"no;INV-7")
    hook = world.hook(
        "rest-api-export",
        {**send(world), "request": {"url": f"{world.erp.url}/x", "method": "POST", "content": "#{original_file}"}},
    )
    payload = hook.payload(annotation)
    payload["document"] |= {"url": "http://127.0.0.1:1/documents/9", "content": "http://127.0.0.1:1/secret"}
    payload["annotation"]["document"] = "http://127.0.0.1:1/documents/9"

    hook.finished(hook.send(payload))

    assert world.erp.bodies == [world.rossum.documents[annotation.document].data]


def test_a_file_name_from_a_document_adds_no_header_and_leaves_no_folder(world):
    name = "../../etc/x\r\nX-Evil: 1"
    settings = {"export_configs": [{**TEMPLATE["export_configs"][0], "file_name": "@{document_id}"}]}
    annotation = world.annotation(document_id=name)

    world.hook("custom-format-templating", settings).call(annotation)

    (relation,) = [one for one in world.rossum.relations.values() if one.annotation == annotation.id]
    stored = world.rossum.documents[relation.documents[0]].name
    assert not {"/", "\\", "\r", "\n"} & set(stored)
    assert all(seen.header("X-Evil") is None for seen in world.rossum.http.seen)


def test_neither_the_token_nor_a_secret_is_kept_or_shown_anywhere(world):
    annotation = world.annotation()
    world.store(annotation, "invoice", b"no;INV-7")
    secret = "hush-hush-client-secret"
    world.erp.will(http.reply(422, f"You sent {secret}"))
    settings = send(world, status_code_resolver={"error": [422]}, response_payload_reference_key="reply_body")
    settings["request"]["headers"] = {"X-Key": "{secret.client_secret}"}
    hook = world.hook("rest-api-export", settings, secrets={"client_secret": secret})
    payload = hook.payload(annotation)

    reply = hook.finished(hook.send(payload))

    assert world.erp.seen[0].header("X-Key") == secret
    assert kinds(reply) == [("error", "You sent [secret:client_secret]")]
    kept = [path for path in world.folder.rglob("*") if path.is_file() and path.suffix != ".log"]
    logs = list(world.children.logs.glob("*.log"))
    for hidden in (secret, payload["rossum_authorization_token"], SECRETS[0]):
        assert [path.name for path in [*kept, *logs] if hidden.encode() in path.read_bytes()] == []


def test_doors_that_are_no_extension_say_so(world):
    hook = world.hook("rest-api-export", {})
    payload = hook.payload(world.annotation())

    assert hook.send(payload, path="/extensions/rest-api-exports").status_code == 404
    assert hook.send(payload, path="/").status_code == 404
    assert requests.get(f"{world.url}/extensions/rest-api-export", timeout=10).status_code == 405
    assert requests.get(f"{world.url}/extensions/calls/1~forged", timeout=10).status_code == 404
    assert requests.post(f"{world.url}/extensions/calls/1~forged", timeout=10).status_code == 405


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("rest-api-export.pipelines.example", "/"),
        ("us.rest-api-export.pipelines.example", "/"),
        ("", "/extensions/rest-api-export/"),
        ("", "/extensions/rest-api-export"),
    ],
)
def test_an_extension_is_found_by_host_or_path_and_never_by_a_redirect(world, host, path):
    annotation = world.annotation()
    world.store(annotation, "invoice", b"no;INV-7")
    hook = world.hook("rest-api-export", send(world), host=host)

    answer = hook.send(hook.payload(annotation), path=path)

    assert (answer.status_code, answer.json()) == (200, {"messages": []})
    assert len(world.erp.seen) == 1
