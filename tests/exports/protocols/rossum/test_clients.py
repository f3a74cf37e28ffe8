"""Rossum's official clients, both of them, on a live Waybill: what they read, change and are refused."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import pytest
from rossum.lib.api_client import RossumClient, RossumException
from rossum_api import APIClientError, AsyncRossumAPIClient, SyncRossumAPIClient
from rossum_api.dtos import Token, UserCredentials

from accounts import scope
from accounts.models import AccessToken
from exports import searching
from exports.models import Attempt, Document
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import key_of

PASSWORD = "correct horse"


@dataclass
class Site:
    url: str
    queue: object
    key: str

    def sync(self, key: str = "") -> SyncRossumAPIClient:
        return SyncRossumAPIClient(f"{self.url}/api/v1", Token(key or self.key))


@pytest.fixture
def site(transactional_db, live_server):
    """A queue with a published pipeline, a key, and a person; the organization is in scope of the test only."""
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        queue = builders.queue("Invoices", schema=builders.schema("number", "sender"), pipeline=desk.pipeline())
        builders.user("anna", organization=acme, role="owner")
        yield Site(f"{live_server.url}/rossum", queue, key_of(acme, "owner", "erp-robot"))


def many(queue, count, **values):
    return [builders.document(queue, {"number": str(n), "sender": "Acme"}, **values).pk for n in range(count)]


def test_logging_in_in_every_way_that_they_know(site):
    ways = [
        site.sync(), SyncRossumAPIClient(f"{site.url}/v1", Token(site.key)),
        SyncRossumAPIClient(f"{site.url}/api/v1", UserCredentials("anna", PASSWORD)),
        SyncRossumAPIClient(f"{site.url}/v1", UserCredentials("anna", PASSWORD)),
        SyncRossumAPIClient(f"{site.url}/api/v1", UserCredentials("whoever", site.key)),
    ]  # fmt: skip
    assert [client.retrieve_own_organization().name for client in ways] == ["Acme"] * 5

    older = [
        RossumClient(None, f"{site.url}/api/v1", "anna", PASSWORD), RossumClient(None, f"{site.url}/v1", "anna", PASSWORD),
        RossumClient(None, f"{site.url}/v1", "anna", PASSWORD, auth_using_token=False),
    ]  # fmt: skip
    for client in older:
        with client:
            assert client.get_organization()["name"] == "Acme"
    assert AccessToken.objects.filter(revoked_at__isnull=False).count() == 2

    for wrong in (UserCredentials("anna", "wrong"), Token("wrong")):
        with pytest.raises(APIClientError) as told:
            SyncRossumAPIClient(f"{site.url}/api/v1", wrong).retrieve_own_organization()
        assert told.value.status_code == 401
    with pytest.raises(RossumException, match="Login failed"):
        RossumClient(None, f"{site.url}/v1", "anna", "wrong").get_organization()


def test_a_token_that_was_ended_is_renewed_by_logging_in_once_more(site):
    client = SyncRossumAPIClient(f"{site.url}/api/v1", UserCredentials("anna", PASSWORD))
    client.retrieve_own_organization()
    AccessToken.objects.all().delete()

    assert client.retrieve_own_organization().name == "Acme"
    assert AccessToken.objects.count() == 1


def test_250_annotations_are_listed_by_pages_and_by_next(site):
    made = many(site.queue, 250)

    counted = [one.id for one in site.sync().list_annotations(queue=site.queue.pk, status="confirmed")]
    with RossumClient(None, f"{site.url}/v1", "anna", PASSWORD) as older:
        followed = [one["id"] for one in older.get_annotations(queue=site.queue.pk, status=["confirmed", "exported"])]

    assert counted == followed == made


def test_the_asynchronous_client_lists_searches_and_changes_the_same(site):
    made = many(site.queue, 120, status="to_review")
    searching.index_new()

    async def ask():
        client = AsyncRossumAPIClient(f"{site.url}/api/v1", Token(site.key))
        listed = [one.id async for one in client.list_annotations(ordering=["-document__arrived_at"], id=made)]
        query = {"$and": [{"status": {"$in": ["to_review"]}}, {"field.number.number": {"$lt": 110}}]}
        found = [one.id async for one in client.search_for_annotations(query=query)]
        await client.start_annotation(made[0])
        await client.confirm_annotation(made[0])
        changed = await client.update_part_annotation(made[1], {"status": "postponed"})
        return listed, found, (await client.retrieve_annotation(made[0])).status, changed.status

    listed, found, confirmed, postponed = asyncio.run(ask())

    assert sorted(listed) == sorted(found) + made[110:] == made
    assert (confirmed, postponed) == ("confirmed", "postponed")


def test_sideloads_are_embedded_content_included(site):
    many(site.queue, 3)
    anna = SyncRossumAPIClient(f"{site.url}/api/v1", UserCredentials("anna", PASSWORD))
    for one in list(anna.list_annotations()):
        anna.start_annotation(one.id)

    found = list(
        anna.list_annotations(
            sideloads=["documents", "modifiers", "content"], content_schema_ids=["number"], status="reviewing"
        )
    )

    assert [one.document.original_file_name for one in found] == [""] * 3
    assert {one.modifier.username for one in found} == {"anna"}
    assert [[node["content"]["value"] for node in one.content] for one in found] == [["0"], ["1"], ["2"]]
    single = anna.retrieve_annotation(found[0].id, sideloads=["content", "documents", "modifiers"])
    assert single.content[0]["children"][0]["content"]["value"] == "0"
    assert single.modifier.username == "anna"


def test_queues_schemas_users_and_workspaces_are_read_as_their_own(site):
    many(site.queue, 2)
    client = site.sync()

    (queue,), (schema,), (workspace,) = client.list_queues(), client.list_schemas(), client.list_workspaces()

    assert (queue.name, queue.counts["confirmed"]) == ("Invoices", 2)
    assert client.retrieve_queue(queue.id).url == queue.url
    assert [node.id for node in client.retrieve_schema(schema.id).content[0].children] == ["number", "sender"]
    assert [one.username for one in client.list_users()] == ["anna"]
    assert workspace.queues == [queue.url]
    assert [one.name for one in client.list_organizations()] == ["Acme"]


def test_content_operations_are_seen_by_the_next_read(site):
    (pk,) = many(site.queue, 1, status="to_review")
    client = site.sync()
    node = client.retrieve_annotation(pk, sideloads=["content"]).content[0]["children"][0]

    client.bulk_update_annotation_data(
        pk, [{"op": "replace", "id": node["id"], "value": {"content": {"value": "4711"}}}]
    )

    after = client.retrieve_annotation(pk, sideloads=["content"]).content[0]["children"][0]
    assert (after["schema_id"], after["content"]["value"]) == ("number", "4711")
    with pytest.raises(APIClientError) as told:
        client.bulk_update_annotation_data(pk, [{"op": "remove", "id": 99}])
    assert told.value.status_code == 400


def test_a_failure_is_told_and_a_wrong_move_is_refused(site):
    (pk,) = many(site.queue, 1)
    client = site.sync()

    failed = client.update_part_annotation(
        pk, {"status": "failed_export", "messages": [{"type": "error", "content": "Unknown supplier", "id": "all"}]}
    )
    with pytest.raises(APIClientError) as told:
        client.update_part_annotation(pk, {"status": "postponed"})

    assert (failed.status, failed.messages[0]["content"]) == ("failed_export", "Unknown supplier")
    assert Attempt.objects.get().message == "Unknown supplier"
    assert (
        told.value.status_code,
        "Transition from failed_export to postponed is not allowed." in told.value.error,
    ) == (400, True)
    assert client.update_part_annotation(pk, {"status": "to_review"}).status == "to_review"


def test_verbs_one_after_the_other(site):
    (pk,) = many(site.queue, 1, status="to_review")
    client = site.sync()

    client.start_annotation(pk)
    client.cancel_annotation(pk)
    client.start_annotation(pk)
    client.confirm_annotation(pk)
    assert client.retrieve_annotation(pk).confirmed_by is not None
    client.request_json("POST", f"annotations/{pk}/postpone")
    client.delete_annotation(pk)
    assert client.retrieve_annotation(pk).status == "deleted"
    client.request_json("POST", "annotations/purge_deleted", json={"annotations": [client.retrieve_annotation(pk).url]})

    assert Document.objects.get().status == "purged"
    assert client.retrieve_annotation_processing_duration(pk).time_spent_overall == 0


def test_hooks_and_logs_are_read_and_a_hook_is_changed(site):
    document = desk.document(site.queue)
    run = desk.run(desk.attempt(document), "Render", "failed", note="No such supplier")
    desk.exchange(run, sent=b"{}", reply=b"No such supplier", status=422)
    client = site.sync()

    (hook,) = client.list_hooks(queue=site.queue.pk)
    (logged,) = client.list_hook_run_data(hook=hook.id)
    changed = client.update_part_hook(hook.id, {"name": "Write the file"})
    tried = client.request_json("POST", f"hooks/{hook.id}/generate_payload", json={"annotation": document.pk})

    assert (hook.name, hook.events[0].value) == ("Render", "annotation_content.export")
    assert (logged.hook_id, logged.annotation_id, logged.status_code, logged.log_level) == (
        hook.id,
        document.pk,
        422,
        "ERROR",
    )
    assert changed.name == client.retrieve_hook(hook.id).name == "Write the file"
    assert tried["annotation"]["id"] == document.pk
    assert list(client.list_hook_templates()) == []


def test_two_clients_that_race_for_one_annotation_do_not_both_get_it(site):
    found = many(site.queue, 8, status="to_review")
    clients = [site.sync(key_of(site.queue.organization, name=f"robot {n}")) for n in range(2)]
    got: list[list[int]] = [[], []]
    refused: list[int] = []

    def race(number):
        for pk in found:
            try:
                clients[number].start_annotation(pk)
                got[number].append(pk)
            except APIClientError as error:
                refused.append(error.status_code)

    threads = [threading.Thread(target=race, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got[0] + got[1]) == found
    assert refused == [409] * len(found)


def test_somebody_of_another_organization_finds_nothing(site):
    many(site.queue, 2)
    stranger = site.sync(key_of(builders.organization("Other"), "owner"))

    assert list(stranger.list_annotations()) == list(stranger.list_queues()) == list(stranger.list_hooks()) == []
    with pytest.raises(APIClientError) as told:
        stranger.retrieve_annotation(Document.objects.first().pk)
    assert told.value.status_code == 404
