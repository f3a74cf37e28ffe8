"""Hooks by the protocol: stages of published pipelines, listed, changed, tried; and their runs as logs."""

from __future__ import annotations

import json
import time
import uuid
from datetime import timedelta

import pytest

from exports.models import Attempt, StageRun
from pipelines import drafts, publishing, vault
from pipelines.definition import StageDraft
from pipelines.models import Revision, Stage
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import API, caller

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
    draft = builders.pipeline(
        {"name": "Render", "kind": "template", "config": desk.TEMPLATE},
        {"name": "Clean", "kind": "purge", "config": {"keys": ["old"]}},
        name="To the ERP",
    )
    made = builders.queue("Invoices", pipeline=draft, schema=builders.schema("document_id"))
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    made.refresh_from_db()
    return made


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


def stage(name):
    return Stage.objects.get(name=name)


def send(robot, method, path, body=None):
    return getattr(robot, method)(f"{API}/{path}", body or {}, content_type="application/json")


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


def test_a_change_is_published_at_once(owner, queue):
    config = {"export_configs": [{"export_reference_key": "out", "file_content_template": "Changed"}]}

    reply = send(
        owner, "patch", f"hooks/{stage('Render').pk}", {"name": "Write", "settings": config, "secrets": {"token": "x"}}
    )

    assert (reply.status_code, reply.json()["name"], reply.json()["settings"]) == (200, "Write", config)
    newest = Revision.objects.order_by("-number")[0]
    assert (newest.number, newest.published_by, newest.note) == (2, "key:erp-robot", "Changed over Rossum's protocol.")
    assert [one["name"] for one in newest.definition["stages"]] == ["Write", "Clean"]
    assert stage("Clean").run_after == ["Write"]
    assert "secrets" not in reply.json()
    assert owner.get(f"{API}/hooks/{stage('Write').pk}/secrets_keys").json() == ["token"]


def test_what_cannot_be_published_is_not_saved(owner, queue):
    reply = send(owner, "patch", f"hooks/{stage('Render').pk}", {"settings": {"export_configs": "x"}})

    assert (reply.status_code, list(reply.json())) == (400, ["settings"])
    assert json.loads(stage("Render").config) == desk.TEMPLATE
    assert Revision.objects.count() == 1


def test_changes_of_others_are_not_a_robots_to_publish(owner, queue):
    drafts.save(queue.pipeline, StageDraft("Half done", "template", "{"), by=builders.owner())

    for reply in (
        send(owner, "patch", f"hooks/{stage('Render').pk}", {"active": False}),
        owner.delete(f"{API}/hooks/{stage('Render').pk}"),
    ):
        assert reply.status_code == 409
        assert "nobody has published yet" in reply.json()["detail"]
    assert Revision.objects.count() == 1
    assert stage("Render").active is True


def test_a_hook_whose_address_names_an_extension_becomes_a_stage(owner, queue):
    body = {
        "name": "Purge more", "type": "webhook", "events": ["annotation_content"], "queues": [f"{AT}/queues/{queue.pk}"],
        "config": {"url": "https://us.custom-format-templating-purge.rossum-ext.app/"}, "settings": {"keys": ["x"]},
        "run_after": [f"{AT}/hooks/{stage('Clean').pk}"], "sideload": ["schemas"], "token_owner": f"{AT}/users/1",
    }  # fmt: skip

    reply = send(owner, "post", "hooks", body)

    made = stage("Purge more")
    assert reply.status_code == 201
    assert (reply.json()["id"], made.kind, made.run_after) == (made.pk, "purge", ["Clean"])
    assert reply.json()["events"] == ["annotation_content.export"]
    assert Revision.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"type": "function"}, "type"), ({"events": ["upload.created"]}, "events"), ({"events": []}, "events"),
        ({"config": {"url": "https://erp.example/hook"}}, "config"), ({"config": None}, "config"), ({"queues": []}, "queues"),
        ({"queues": [999999]}, "queues"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"settings": []}, "settings"),
        ({"run_after": [999999]}, "run_after"), ({"active": "yes"}, "active"), ({"secrets": {"a": 1}}, "secrets"),
        ({"secrets": {"bad name!": "x"}}, "secrets"),
    ],
)  # fmt: skip
def test_what_no_stage_can_carry_is_refused_by_name(owner, queue, change, name):
    body = {
        "name": "More", "queues": [queue.pk], "config": {"url": "https://x/extensions/custom-format-templating-purge"},
        "settings": {"keys": ["x"]}, **change,
    }  # fmt: skip

    reply = send(owner, "post", "hooks", body)

    assert (reply.status_code, list(reply.json())) == (400, [name]), reply.content
    assert Stage.objects.count() == 2
    assert Revision.objects.count() == 1


def test_a_stage_keeps_its_kind(owner, queue):
    reply = send(
        owner, "patch", f"hooks/{stage('Render').pk}", {"config": {"url": "https://x/extensions/rest-api-export"}}
    )

    assert (reply.status_code, list(reply.json())) == (400, ["config"])


def test_a_queue_without_a_pipeline_takes_no_hook(owner, organization):
    bare = builders.queue()

    reply = send(
        owner,
        "post",
        "hooks",
        {"name": "X", "queues": [bare.pk], "config": {"url": "https://x/extensions/rest-api-export"}},
    )

    assert (reply.status_code, list(reply.json())) == (400, ["queues"])


def test_a_deleted_hook_is_gone_from_the_next_revision(owner, queue):
    assert owner.delete(f"{API}/hooks/{stage('Render').pk}").status_code == 204

    assert list(Stage.objects.values_list("name", flat=True)) == ["Clean"]
    assert [one["name"] for one in Revision.objects.order_by("-number")[0].definition["stages"]] == ["Clean"]


def test_who_may_not_publish_changes_nothing(organization, queue):
    operator = caller(organization, "operator")

    assert send(operator, "patch", f"hooks/{stage('Render').pk}", {"active": False}).status_code == 403
    assert send(operator, "post", "hooks", {}).status_code == 403
    assert operator.delete(f"{API}/hooks/{stage('Render').pk}").status_code == 403
    assert operator.get(f"{API}/hooks").status_code == 200


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


@pytest.fixture
def logged(queue):
    """Three runs of two attempts: one that failed with its exchange, one that was blocked, one that went well."""
    first, second = (desk.attempt(desk.document(queue, number)) for number in ("1", "2"))
    failed = desk.run(first, "Render", "failed", kind="rest_api", note="Unknown supplier 4711")
    desk.exchange(failed, sent=b'{"number": "1"}', reply=b"Unknown supplier", status=422)
    time.sleep(0.002)  # ids tell milliseconds apart
    blocked = desk.run(first, "Clean", "blocked", 1)
    time.sleep(0.002)
    well = desk.run(second, "Render")
    return failed, blocked, well


def test_runs_are_logs_the_newest_first(owner, queue, logged):
    failed, blocked, well = logged

    body = owner.get(f"{API}/hooks/logs?page_size=100&ordering=&sideload=&content.schema_id=").json()

    assert list(body) == ["results"]
    assert [one["uuid"] for one in body["results"]] == [str(run.pk) for run in (well, blocked, failed)]
    shown = body["results"][2]
    assert (shown["log_level"], shown["status"], shown["status_code"]) == ("ERROR", "failed", 422)
    assert (shown["hook_id"], shown["annotation_id"]) == (stage("Render").pk, failed.attempt.document_id)
    assert (shown["queue_id"], shown["message"]) == (queue.pk, "Unknown supplier 4711")
    assert json.loads(shown["request"])["body"] == '{"number": "1"}'
    assert json.loads(shown["response"])["body"] == "Unknown supplier"


def test_logs_are_filtered(owner, queue, logged):
    failed, blocked, well = logged

    def found(query):
        return [one["uuid"] for one in owner.get(f"{API}/hooks/logs?{query}").json()["results"]]

    def these(*runs):
        return [str(run.pk) for run in runs]

    assert found(f"hook={stage('Clean').pk}") == these(blocked)
    assert found(f"annotation={well.attempt.document_id}") == these(well)
    assert found(f"queue={queue.pk}") == these(well, blocked, failed)
    assert found("log_level=ERROR,WARNING") == these(blocked, failed)
    assert found("status=completed") == these(well)
    assert found("status_code=422") == these(failed)
    assert found("search=SUPPLIER") == these(failed)
    assert found(f"request_id={failed.pk}") == these(failed)
    assert found(f"request_id={uuid.uuid4()}") == found("email=1") == found(f"queue={queue.pk + 1}") == []
    assert found("timestamp_after=2000-01-01&start_before=2100-01-01&page_size=1") == these(well)
    assert found(f"start_before={(failed.begun_at - timedelta(days=1)).isoformat()[:19]}") == []
    assert owner.get(f"{API}/hooks/logs?request_id=x").status_code == 400


def test_the_number_of_queries_of_logs_does_not_grow(owner, queue, logged, django_assert_max_num_queries):
    owner.get(f"{API}/hooks/logs")
    with django_assert_max_num_queries(20) as few:
        owner.get(f"{API}/hooks/logs")
    for number in range(5):
        desk.exchange(desk.run(desk.attempt(desk.document(queue, f"m{number}")), "Render"), sent=b"x", reply=b"y")
    with django_assert_max_num_queries(len(few)):
        assert len(owner.get(f"{API}/hooks/logs").json()["results"]) == 8


def test_organizations_do_not_see_each_others_hooks_and_logs(queue, logged, other):
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
