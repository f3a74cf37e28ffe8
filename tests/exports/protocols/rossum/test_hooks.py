"""Hooks by the protocol: stages of published pipelines, listed, changed, tried; and their runs as logs."""

from __future__ import annotations

import pytest

from exports.models import Attempt, StageRun
from pipelines import publishing, vault
from pipelines.models import Stage
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import API, caller, hooked, send, stage

SEND = {
    "request": {
        "method": "POST",
        "url": "https://erp.example/invoices",
        "headers": {"Authorization": "Bearer {secret.token}"},
        "content": {"number": "12"},
    },
    "response_payload_reference_key": "reply",
}
AT = f"http://testserver{API}"


@pytest.fixture
def queue(organization):
    return hooked()


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


def test_the_stages_of_published_pipelines_are_hooks_in_their_order(owner, queue):
    builders.pipeline({"name": "Draft only", "kind": "template", "config": desk.TEMPLATE})

    render, clean = owner.get(f"{API}/hooks").json()["results"]

    assert (render["name"], clean["name"]) == ("Render", "Clean")
    assert render["url"] == f"{AT}/hooks/{stage('Render').pk}"
    assert render["queues"] == [f"{AT}/queues/{queue.pk}"]
    assert clean["run_after"] == [render["url"]]
    assert render["settings"] == desk.TEMPLATE
    assert render["config"]["url"] == "http://testserver/extensions/custom-format-templating"
    assert owner.get(render["url"].removeprefix("http://testserver")).json() == render


def test_hooks_are_filtered(owner, queue):
    elsewhere = builders.queue("Others", pipeline=desk.pipeline("Other"))
    Stage.objects.filter(name="Clean").update(active=False)

    def names(query):
        return sorted(one["name"] for one in owner.get(f"{API}/hooks?page_size=100&{query}").json()["results"])

    other = Stage.objects.get(pipeline=elsewhere.pipeline)
    assert names(f"queue={queue.pk}&ordering=id") == ["Clean", "Render"]
    assert names(f"queue={elsewhere.pk}") == ["Render"]
    assert names("active=false") == ["Clean"]
    assert names("name=Clean") == ["Clean"]
    assert names(f"id={other.pk}") == ["Render"]
    assert names("events=annotation_content.export") == names("type=webhook") == ["Clean", "Render", "Render"]
    assert names("config_url=https://x.example/extensions/custom-format-templating-purge") == ["Clean"]
    for nothing in ("events=upload.created", "type=function", "extension_source=rossum_store", "config_app_url=x"):
        assert names(nothing) == []


def test_the_number_of_queries_of_hooks_does_not_grow(owner, queue, django_assert_max_num_queries):
    owner.get(f"{API}/hooks")
    with django_assert_max_num_queries(20) as few:
        owner.get(f"{API}/hooks?page_size=100")
    for number in range(5):
        builders.queue(pipeline=desk.pipeline(f"More {number}"))
    with django_assert_max_num_queries(len(few)):
        assert len(owner.get(f"{API}/hooks?page_size=100").json()["results"]) == 7


def test_names_of_secrets_are_told_and_values_never(owner, queue, organization):
    vault.put("token", "hidden-value", by=builders.owner(), pipeline=queue.pipeline)
    pk = stage("Render").pk

    assert owner.get(f"{API}/hooks/{pk}/secrets_keys").json() == ["token"]
    assert caller(organization, "operator").get(f"{API}/hooks/{pk}/secrets_keys").status_code == 403
    assert "hidden-value" not in owner.get(f"{API}/hooks/{pk}").content.decode()


def test_a_payload_is_made_for_an_annotation_and_tells_no_secret(owner, queue):
    vault.put("token", "hidden-value", by=builders.owner(), pipeline=queue.pipeline)
    document = desk.document(queue)
    body = {"event": "annotation_content", "action": "export", "annotation": f"{AT}/annotations/{document.pk}"}

    reply = send(owner, "post", f"hooks/{stage('Render').pk}/generate_payload", body)

    made = reply.json()
    assert (made["hook"], made["settings"]) == (f"{AT}/hooks/{stage('Render').pk}", desk.TEMPLATE)
    assert made["secrets"] == {"token": "[redacted...]"}
    assert "hidden-value" not in reply.content.decode()
    (header,) = made["annotation"]["content"]
    assert [(one["schema_id"], one["content"]["value"]) for one in header["children"]] == [("document_id", "INV-1")]
    assert made["schemas"][0]["id"] == queue.schema_id
    for wrong, name in (
        ({}, "annotation"),
        ({**body, "event": "upload"}, "event"),
        ({**body, "action": "confirm"}, "event"),
        ({**body, "status": "x"}, "status"),
    ):
        assert list(send(owner, "post", f"hooks/{stage('Render').pk}/generate_payload", wrong).json()) == [name]


def test_a_hook_is_tried_with_its_payload_and_nothing_is_sent_or_kept(owner, queue):
    document = desk.document(queue)
    pk = stage("Render").pk
    payload = send(owner, "post", f"hooks/{pk}/generate_payload", {"annotation": document.pk}).json()
    other = {
        "export_configs": [{"export_reference_key": "out", "file_content_template": "Tried {{ field.document_id }}"}]
    }

    plain = send(owner, "post", f"hooks/{pk}/test", {"payload": payload}).json()["response"]
    tried = send(owner, "post", f"hooks/{pk}/test", {"payload": {**payload, "settings": other}}).json()["response"]

    assert [(one["key"], one["text"]) for one in plain["files"]] == [("out", "No INV-1")]
    assert [one["text"] for one in tried["files"]] == ["Tried INV-1"]
    assert plain["messages"] == []
    assert (Attempt.objects.count(), StageRun.objects.count()) == (0, 0)


def test_what_goes_wrong_in_a_trial_is_a_message(owner, queue):
    document = desk.document(queue)
    broken = {
        "annotation": {"id": document.pk},
        "settings": {"export_configs": [{"export_reference_key": "out", "file_content_template": "{{ 1 / 0 }}"}]},
    }

    reply = send(owner, "post", f"hooks/{stage('Render').pk}/test", {"payload": broken})

    (message,) = reply.json()["response"]["messages"]
    assert (reply.status_code, message["type"]) == (200, "error")
    for body in ({}, {"payload": "x"}, {"payload": {}}, {"payload": {"annotation": {"id": 999999}}}):
        assert send(owner, "post", f"hooks/{stage('Render').pk}/test", body).status_code == 400


def test_a_request_is_shown_with_its_secrets_named(owner, organization):
    draft = builders.pipeline(
        {"name": "Send", "kind": "rest_api", "config": SEND, "destination": builders.destination("ERP")}
    )
    vault.put("token", "hidden-value", by=builders.owner(), pipeline=draft)
    queue = builders.queue(pipeline=draft)
    publishing.publish(draft, by=builders.owner())
    document = desk.document(queue)

    reply = send(owner, "post", f"hooks/{stage('Send').pk}/test", {"payload": {"annotation": document.pk}})

    request = reply.json()["response"]["request"]
    assert (request["method"], request["url"]) == ("POST", "https://erp.example/invoices")
    assert request["headers"]["Authorization"] == "Bearer <secret:token>"
    assert "hidden-value" not in reply.content.decode()


def test_stages_are_not_invoked_and_templates_there_are_none(owner, queue):
    reply = send(owner, "post", f"hooks/{stage('Render').pk}/invoke", {"a": 1})

    assert reply.status_code == 409
    assert "status exporting" in reply.json()["detail"]
    assert owner.get(f"{API}/hook_templates").json()["results"] == []
    assert owner.get(f"{API}/hook_templates/1").status_code == 404


def test_organizations_do_not_see_each_others_hooks_and_logs(queue, other):
    desk.run(desk.attempt(desk.document(queue)), "Render")
    stranger = caller(other, "owner")
    pk = stage("Render").pk

    assert stranger.get(f"{API}/hooks").json()["results"] == []
    assert stranger.get(f"{API}/hooks/logs").json()["results"] == []
    assert stranger.get(f"{API}/hooks/logs?hook={pk}").json()["results"] == []
    for path in ("", "/secrets_keys"):
        assert stranger.get(f"{API}/hooks/{pk}{path}").status_code == 404
    for path in ("test", "generate_payload", "invoke"):
        assert send(stranger, "post", f"hooks/{pk}/{path}").status_code == 404
    assert send(stranger, "patch", f"hooks/{pk}", {"active": False}).status_code == 404
    assert stranger.delete(f"{API}/hooks/{pk}").status_code == 404
    assert stage("Render").active is True
