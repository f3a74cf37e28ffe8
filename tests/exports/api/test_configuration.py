"""Queues, schemas, pipelines with stages and revisions, destinations and secrets over the API."""

from __future__ import annotations

import json

import pytest

from audit.models import Event
from pipelines import vault
from pipelines.models import Destination, Pipeline, Queue, Revision, Schema, Secret, Stage
from tests.exports.api import world as worlds

PURGE = {"name": "Clean", "kind": "purge", "config": '{"keys": ["erp_reply"]}'}


def test_a_queue_is_made_changed_and_deleted(api, world):
    made = api.post("queues", {"name": "AP", "schema": world.schema.pk, "pipeline": world.pipeline.pk})
    path = f"queues/{made.json()['id']}"
    changed = api.patch(path, {"use_confirmed_state": False})
    gone = api.delete(path)

    assert (made.status_code, changed.status_code, gone.status_code) == (201, 200, 204)
    assert made["Location"] == f"http://testserver/api/v1/{path}"
    assert (made.json()["use_confirmed_state"], changed.json()["use_confirmed_state"]) == (True, False)
    assert api.get(path).status_code == 404
    trail = Event.objects.filter(subject=f"queue:{made.json()['id']}").order_by("id")
    assert [event.verb for event in trail] == ["queue.add", "queue.change", "queue.delete"]
    assert trail[1].detail == {"name": "AP", "changed": ["use_confirmed_state"]}


def test_two_queues_of_one_name_are_refused(api, world):
    reply = api.post("queues", {"name": world.queue.name})

    assert reply.status_code == 400
    assert reply.json()["errors"] == [
        {"place": "name", "message": f'There is already a queue named "{world.queue.name}".'}
    ]
    assert api.patch(f"queues/{world.queue.pk}", {"name": world.queue.name}).status_code == 200


@pytest.mark.parametrize("path", ["queues/{w.queue.pk}", "schemas/{w.schema.pk}", "pipelines/{w.pipeline.pk}"])
def test_what_is_still_needed_is_not_deleted(api, world, path):
    reply = api.delete(path.format(w=world))

    assert (reply.status_code, reply.json()["code"]) == (409, "in_use")


def test_a_destination_that_a_stage_uses_is_not_deleted(api, world):
    Stage.objects.update(destination=world.destination)

    reply = api.delete(f"destinations/{world.destination.pk}")

    assert reply.json()["detail"] == f'"{world.destination.name}" cannot be deleted. It is needed by 1 stage.'
    assert Destination.objects.exists()


def test_a_schema_with_mistakes_is_refused(api, organization):
    wrong = api.post("schemas", {"name": "S", "content": [{"category": "datapoint", "id": "x"}]})
    right = api.post(
        "schemas",
        {
            "name": "S",
            "content": [
                {
                    "category": "section",
                    "id": "header",
                    "children": [{"category": "datapoint", "id": "total", "type": "number"}],
                }
            ],
        },
    )

    assert (wrong.status_code, wrong.json()["errors"][0]["place"]) == (400, "content")
    assert right.status_code == 201
    assert Schema.objects.get().content[0]["id"] == "header"


def test_a_pipeline_is_built_stage_by_stage_and_published(api, organization):
    pipeline = api.post("pipelines", {"name": "Simple"}).json()
    path = f"pipelines/{pipeline['id']}"

    stage = api.post(f"{path}/stages", PURGE)
    checked = api.post(f"{path}/check")
    published = api.post(f"{path}/publish", {"note": "first"})
    again = api.post(f"{path}/publish", {"note": "nothing new"})

    assert stage.status_code == 201
    assert stage.json()["config"] == PURGE["config"], "kept as it was typed"
    assert checked.json() == {"publishable": True, "problems": checked.json()["problems"]}
    assert (published.status_code, published.json()["number"], published.json()["note"]) == (201, 1, "first")
    assert (again.status_code, again.json()["id"]) == (200, published.json()["id"])
    shown = api.get(path).json()
    assert (shown["published"], [stage["name"] for stage in shown["stages"]]) == (1, ["Clean"])
    revision = api.get(f"revisions/{published.json()['id']}").json()
    assert revision["definition"]["stages"][0]["name"] == "Clean"


def test_a_draft_with_mistakes_is_not_published_and_each_is_named(api, organization):
    pipeline = api.post("pipelines", {"name": "Wrong"}).json()
    path = f"pipelines/{pipeline['id']}"
    api.post(f"{path}/stages", {**PURGE, "config": '{"export_reference_kees": ["a"]}'})
    api.post(f"{path}/stages", {**PURGE, "name": "Later", "run_after": ["Nobody"]})

    checked = api.post(f"{path}/check").json()
    reply = api.post(f"{path}/publish")

    assert checked["publishable"] is False
    assert (reply.status_code, reply.json()["code"]) == (422, "not_publishable")
    assert {error["stage"] for error in reply.json()["errors"] if error["severity"] == "error"} == {"Clean", "Later"}
    assert not Revision.objects.exists()


def test_the_differences_of_a_draft(api, world):
    world.stage.delete()
    api.post(f"pipelines/{world.pipeline.pk}/stages", PURGE)

    found = api.get(f"pipelines/{world.pipeline.pk}/differences").json()

    assert [(difference["stage"], difference["what"]) for difference in found["differences"]] == [("Clean", "added")]


def test_two_editors_of_one_draft_do_not_overwrite_each_other(api, world):
    path = f"pipelines/{world.pipeline.pk}/stages/{world.stage.pk}"
    read = api.get(path)

    first = api.patch(path, {"active": False}, if_match=read["ETag"])
    second = api.patch(path, {"config": "{}"}, if_match=read["ETag"])

    assert (read["ETag"], first.status_code, first["ETag"]) == ('"1"', 200, '"2"')
    assert (second.status_code, second.json()["code"], second["ETag"]) == (412, "precondition_failed", '"2"')
    assert Stage.objects.get().config == world.stage.config
    assert api.get(f"pipelines/{world.pipeline.pk}")["ETag"] == '"2"'


def test_every_change_of_a_draft_raises_its_version(api, world):
    path = f"pipelines/{world.pipeline.pk}"

    api.post(f"{path}/stages", {**PURGE, "name": "Second"})
    api.patch(f"{path}/stages/{world.stage.pk}", {"position": 3})
    api.delete(f"{path}/stages/{world.stage.pk}")
    api.patch(path, {"description": "Better"})

    assert Pipeline.objects.get(pk=world.pipeline.pk).version == 5
    assert [stage["name"] for stage in api.get(f"{path}/stages").json()["results"]] == ["Second"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "teleport"}, "kind"),
        ({"name": ""}, "name"),
        ({"name": "Clean"}, "name"),
        ({"run_after": "Clean"}, "run_after"),
        ({"run_after": [1]}, "run_after"),
        ({"destination": 10**30}, "destination"),
        ({"queues": ["x"]}, "queues"),
        ({"position": -1}, "position"),
        ({"config": {"a": 1}}, "config"),
    ],
)
def test_a_wrong_stage_is_refused(api, world, change, place):
    reply = api.post(f"pipelines/{world.pipeline.pk}/stages", {**PURGE, "name": "New", **change})

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["place"].split("[")[0] == place
    assert Stage.objects.count() == 1


def test_a_draft_returns_to_a_revision(api, organization):
    pipeline = api.post("pipelines", {"name": "Simple"}).json()
    path = f"pipelines/{pipeline['id']}"
    stage = api.post(f"{path}/stages", PURGE).json()
    api.post(f"{path}/publish")
    api.patch(f"{path}/stages/{stage['id']}", {"name": "Renamed"})

    returned = api.post(f"{path}/return_to", {"revision": 1})
    unknown = api.post(f"{path}/return_to", {"revision": 7})

    assert (returned.status_code, returned.json()["lost"]) == (200, [])
    assert [stage["name"] for stage in api.get(path).json()["stages"]] == ["Clean"]
    assert (unknown.status_code, unknown.json()["errors"][0]["place"]) == (400, "revision")


def test_a_stage_of_another_pipeline_is_not_found_there(api, world):
    other = worlds.make()

    assert api.get(f"pipelines/{other.pipeline.pk}/stages/{world.stage.pk}").status_code == 404


@pytest.mark.parametrize("networks", [["10.0.0.0/99"], ["example.com"], "10.0.0.0/8", [7]])
def test_a_network_that_is_none_is_refused(api, world, networks):
    reply = api.patch(f"destinations/{world.destination.pk}", {"allowed_networks": networks})

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, "allowed_networks")


def test_a_secret_among_the_credentials_is_refused(api, world):
    reply = api.patch(f"destinations/{world.destination.pk}", {"credentials": {"type": "sftp", "password": "x"}})

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, "credentials")
    assert "password" not in Destination.objects.get().credentials


def test_a_destination_is_made_and_changed(api, organization):
    made = api.post("destinations", {"name": "ERP", "allowed_hosts": ["erp.example"]})
    changed = api.patch(f"destinations/{made.json()['id']}", {"rate": 2.5, "concurrency": 4})

    assert (made.status_code, changed.status_code) == (201, 200)
    assert (changed.json()["rate"], changed.json()["concurrency"], changed.json()["allowed_hosts"]) == (
        2.5,
        4,
        ["erp.example"],
    )


def test_a_destination_is_paused_and_resumed(api, world):
    paused = api.post(f"destinations/{world.destination.pk}/pause", {"why": "maintenance until six"})
    resumed = api.post(f"destinations/{world.destination.pk}/resume")

    assert (paused.status_code, resumed.status_code) == (200, 200)
    assert paused.json()["paused_why"] == "maintenance until six"
    assert paused.json()["paused_at"] is not None
    assert (resumed.json()["paused_at"], resumed.json()["paused_why"]) == (None, "")


def test_a_connection_is_tested_and_the_answer_is_for_people(api, world):
    reply = api.post(f"destinations/{world.destination.pk}/test")

    assert reply.status_code == 200
    assert (reply.json()["ok"], reply.json()["reason"]) == (False, "misconfigured")
    assert reply.json()["message"]


def test_a_secret_goes_in_and_never_comes_out(api, world):
    put = api.put("secrets/client_secret", {"value": "very s3cret", "destination": world.destination.pk})
    again = api.put("secrets/client_secret", {"value": "n3wer", "destination": world.destination.pk})

    assert (put.status_code, again.status_code) == (200, 200)
    assert put.json()["name"] == "client_secret"
    known = vault.secrets_for(world.destination.organization_id, destination_id=world.destination.pk, pipeline_id=None)
    assert known["client_secret"] == "n3wer"
    for path in ("secrets", f"destinations/{world.destination.pk}", "destinations", "audit_events"):
        assert b"s3cret" not in api.get(path).content
        assert b"n3wer" not in api.get(path).content
    assert b"s3cret" not in put.content


def test_a_secret_is_removed_where_it_is(api, world):
    api.put("secrets/erp_token", {"value": "the organization's"})

    at_home = api.delete("secrets/erp_token")
    at_destination = api.delete(f"secrets/erp_token?destination={world.destination.pk}")
    once_more = api.delete("secrets/erp_token")

    assert (at_home.status_code, at_destination.status_code, once_more.status_code) == (204, 204, 404)
    assert not Secret.objects.exists()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("two%20words", {"value": "x"}),
        ("1st", {"value": "x"}),
        ("ok", {"value": ""}),
        ("ok", {}),
        ("ok", {"value": 7, "destination": "x"}),
        ("ok", {"value": ["x"]}),
    ],
)
def test_a_wrong_secret_is_refused(api, world, name, body):
    reply = api.put(f"secrets/{name}", body)

    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")
    assert Secret.objects.count() == 1


def test_the_audit_trail_is_read_by_subject(api, world):
    api.patch(f"queues/{world.queue.pk}", {"metadata": {"team": "AP"}})

    (event,) = api.get(f"audit_events?subject=queue:{world.queue.pk}").json()["results"]

    assert (event["verb"], event["actor"].startswith("key:"), event["sealed"]) == ("queue.change", True, False)
    assert api.get(f"audit_events/{event['id']}").json() == event
    assert api.delete(f"audit_events/{event['id']}").status_code == 405


def test_a_config_that_is_no_json_is_kept_as_a_draft(api, world):
    reply = api.patch(f"pipelines/{world.pipeline.pk}/stages/{world.stage.pk}", {"config": '{"a": // later\n'})

    assert (reply.status_code, reply.json()["config"]) == (200, '{"a": // later\n')
    assert Queue.objects.count() == 1
    assert json.loads(world.stage.config)
