"""Hooks made, changed and deleted by the protocol: published at once, or refused by name."""

from __future__ import annotations

import json

import pytest

from pipelines import drafts
from pipelines.definition import StageDraft
from pipelines.models import Revision, Stage
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import API, caller, hooked, send, stage

AT = f"http://testserver{API}"


@pytest.fixture
def queue(organization):
    return hooked()


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


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
