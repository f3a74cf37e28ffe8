"""Queues, schemas, users and what stands around them: as clients read them, in pages, and of one organization only."""

from __future__ import annotations

import pytest

from accounts.models import Membership
from pipelines.models import Queue
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import API, caller


def test_a_queue_has_its_counts_its_schema_and_its_hooks(robot, organization):
    schema = builders.schema("number")
    pipeline = desk.pipeline()
    queue = builders.queue("Invoices", schema=schema, pipeline=pipeline, metadata={"erp": "100"})
    for status in ("confirmed", "confirmed", "exported"):
        builders.document(queue, status=status)

    shown = robot.get(f"{API}/queues/{queue.pk}").json()

    at = f"http://testserver{API}"
    assert (shown["id"], shown["name"], shown["url"]) == (queue.pk, "Invoices", f"{at}/queues/{queue.pk}")
    assert shown["schema"] == f"{at}/schemas/{schema.pk}"
    assert shown["workspace"] == f"{at}/workspaces/{organization.pk}"
    assert shown["hooks"] == [f"{at}/hooks/{pipeline.stages.get().pk}"]
    assert {status: count for status, count in shown["counts"].items() if count} == {"confirmed": 2, "exported": 1}
    assert len(shown["counts"]) == 15
    assert (shown["use_confirmed_state"], shown["metadata"]) == (True, {"erp": "100"})


def test_a_stage_of_some_queues_is_a_hook_of_those_only(robot, organization):
    pipeline = desk.pipeline()
    first, second = (builders.queue(pipeline=pipeline) for _ in range(2))
    pipeline.stages.get().queues.add(second)

    hooks = {one["id"]: len(one["hooks"]) for one in robot.get(f"{API}/queues").json()["results"]}

    assert hooks == {first.pk: 0, second.pk: 1}


def test_a_draft_that_was_never_published_has_no_hooks(robot, organization):
    draft = builders.pipeline({"name": "Render", "kind": "template", "config": desk.TEMPLATE})
    queue = builders.queue(pipeline=draft)

    assert robot.get(f"{API}/queues/{queue.pk}").json()["hooks"] == []


def test_lists_are_paged_both_by_number_and_by_next(robot, organization):
    made = [builders.queue(f"Queue {number:03}").pk for number in range(105)]

    first = robot.get(f"{API}/queues?page_size=100&ordering=&sideload=&content.schema_id=&include_total=true").json()
    second = robot.get(first["pagination"]["next"].removeprefix("http://testserver")).json()
    by_number = robot.get(f"{API}/queues?page_size=100&page=2").json()

    assert (first["pagination"]["total"], first["pagination"]["total_pages"]) == (105, 2)
    assert [one["id"] for one in first["results"] + second["results"]] == made
    assert second["results"] == by_number["results"]
    assert (second["pagination"]["next"], first["pagination"]["previous"]) == (None, None)


def test_twenty_is_a_page_unless_more_are_asked_for_and_a_hundred_the_most(robot, organization):
    Queue.objects.bulk_create([Queue.own(name=f"Queue {number:03}") for number in range(120)])

    assert len(robot.get(f"{API}/queues").json()["results"]) == 20
    assert len(robot.get(f"{API}/queues?page_size=1000").json()["results"]) == 100


def test_the_number_of_queries_of_a_list_does_not_grow(robot, organization, django_assert_max_num_queries):
    def some(count):
        for _ in range(count):
            queue = builders.queue(
                pipeline=desk.pipeline(name=f"P{Queue.objects.count()}"), schema=builders.schema("a")
            )
            builders.document(queue)

    some(2)
    robot.get(f"{API}/queues")
    with django_assert_max_num_queries(20) as few:
        robot.get(f"{API}/queues?page_size=100")
    some(10)
    with django_assert_max_num_queries(len(few)):
        robot.get(f"{API}/queues?page_size=100")


def test_queues_are_filtered_and_ordered(robot, organization):
    schema = builders.schema("a")
    first, second, third = builders.queue("B", schema=schema), builders.queue("A"), builders.queue("C", schema=schema)

    def ids(query):
        return [one["id"] for one in robot.get(f"{API}/queues?{query}").json()["results"]]

    assert ids(f"id={first.pk}&id={third.pk}") == ids(f"id={first.pk},{third.pk}") == [first.pk, third.pk]
    assert ids(f"schema={schema.pk}") == [first.pk, third.pk]
    assert ids("name=A") == [second.pk]
    assert ids("ordering=name") == [second.pk, first.pk, third.pk]
    assert ids("ordering=-name") == [third.pk, first.pk, second.pk]
    assert ids("ordering=colour&colour=red") == [first.pk, second.pk, third.pk]
    assert ids(f"workspace={organization.pk + 1}") == []


def test_a_wrong_value_is_named(robot, organization):
    reply = robot.get(f"{API}/queues?id=x")

    assert (reply.status_code, reply.json()) == (400, {"id": ['"x" is not a valid id.']})
    assert robot.get(f"{API}/queues?page=x").json() == {"detail": "Invalid page."}


def test_a_schema_has_what_clients_read_without_asking(robot, organization):
    bare = {"category": "datapoint", "id": "iban", "type": "iban?", "constraints": None}
    table = {
        "category": "multivalue", "id": "lines", "children":
        {"category": "tuple", "id": "line", "children": [{"category": "datapoint", "id": "qty", "type": "number"}]},
    }  # fmt: skip
    schema = builders.schema(bare, table)
    queue = builders.queue(schema=schema)

    shown = robot.get(f"{API}/schemas/{schema.pk}").json()

    (section,) = shown["content"]
    iban, lines = section["children"]
    assert shown["queues"] == [f"http://testserver{API}/queues/{queue.pk}"]
    assert (iban["type"], iban["constraints"], iban["label"]) == ("string", {}, "iban")
    assert lines["children"]["children"][0]["constraints"] == {}
    assert [one["id"] for one in robot.get(f"{API}/schemas?queue={queue.pk}").json()["results"]] == [schema.pk]


def test_the_organization_names_its_members_and_its_workspace_its_queues(robot, organization):
    anna = builders.user("anna", organization=organization)
    queue = builders.queue()

    shown = robot.get(f"{API}/organizations/{organization.pk}").json()
    space = robot.get(shown["workspaces"][0].removeprefix("http://testserver")).json()
    users = robot.get(f"{API}/users").json()["results"]

    assert shown["users"] == [f"http://testserver{API}/users/{anna.pk}"]
    assert space["queues"] == [f"http://testserver{API}/queues/{queue.pk}"]
    assert [one["username"] for one in users] == ["anna"]
    assert "password" not in users[0]


@pytest.mark.parametrize("kind", ["organizations", "workspaces", "users", "queues", "schemas"])
def test_organizations_do_not_see_each_other(robot, organization, other, within, kind):
    with within(other):
        queue = builders.queue("secret", schema=builders.schema("secret"))
        person = builders.user("otto", organization=other)
    theirs = {
        "organizations": other.pk,
        "workspaces": other.pk,
        "users": person.pk,
        "queues": queue.pk,
        "schemas": queue.schema_id,
    }[kind]

    listed = robot.get(f"{API}/{kind}?page_size=100").json()["results"]
    shown = robot.get(f"{API}/{kind}/{theirs}")

    assert theirs not in [one["id"] for one in listed]
    assert (shown.status_code, shown.json()) == (404, {"detail": "Not found."})


def test_a_key_of_another_organization_is_no_user_here(robot, organization, other):
    theirs = caller(other).get(f"{API}/auth/user").json()["id"]

    assert robot.get(f"{API}/users/{theirs}").status_code == 404


def test_a_member_who_left_is_no_user_any_more(robot, organization):
    anna = builders.user("anna", organization=organization)
    Membership.objects.filter(user=anna).delete()

    assert robot.get(f"{API}/users/{anna.pk}").status_code == 404


@pytest.mark.parametrize(
    "path", ["queues", "queues/", "nothing", "nothing/here/", "", "queues/12345678901234567890", "queues/1/x"]
)
@pytest.mark.parametrize("prefix", ["/rossum/api/v1/", "/rossum/v1/"])
def test_no_address_is_ever_a_redirect(robot, organization, prefix, path):
    reply = robot.get(f"{prefix}{path}")

    assert reply.status_code == (200 if path.startswith("queues") and path.strip("/") == "queues" else 404)
    assert reply["Content-Type"] == "application/json"


def test_a_method_that_an_address_does_not_have_is_a_405(robot, organization):
    reply = robot.post(f"{API}/organizations", {}, content_type="application/json")

    assert reply.status_code == 405
    assert list(reply.json()) == ["detail"]


def test_above_so_many_requests_a_minute_the_answer_is_429_with_the_seconds_to_wait(
    robot, organization, settings, monkeypatch
):
    from accounts import rates

    monkeypatch.setattr(rates.rates, "clock", lambda: 6_000_000_030.0)
    settings.API_REQUESTS = 2

    replies = [robot.get(f"{API}/queues") for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[0]["RateLimit"] == '"minute";r=1;t=30'
    assert replies[2]["Retry-After"] == "30"
    assert replies[2].json() == {"detail": "More than 2 requests within a minute. Expected available in 30 seconds."}
    assert robot.get("/rossum/v1/queues").status_code == 429
