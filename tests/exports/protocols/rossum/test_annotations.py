"""Annotations as clients list them: filters, orders, pages, what stands beside them; and nothing of other organizations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts import keys
from accounts.policy import Principal
from exports import documents
from exports.models import Document
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", schema=builders.schema("number", "sender"))


def ids(robot, query=""):
    reply = robot.get(f"{API}/annotations?page_size=100&{query}")
    assert reply.status_code == 200, reply.content
    return [one["id"] for one in reply.json()["results"]]


def moved(document, **columns):
    Document.objects.filter(pk=document.pk).update(**columns)


def test_a_list_shows_what_was_confirmed_by_whom(robot, queue, organization):
    anna = builders.user("anna", organization=organization)
    document = builders.document(queue, status="to_review", metadata={"batch": "B7"}, file_name="inv.pdf")
    documents.confirm(document, by=Principal.of_user(anna, organization.pk))

    (shown,) = robot.get(f"{API}/annotations").json()["results"]

    at = f"http://testserver{API}"
    assert (shown["id"], shown["status"], shown["metadata"]) == (document.pk, "confirmed", {"batch": "B7"})
    assert shown["confirmed_by"] == f"{at}/users/{anna.pk}"
    assert (shown["url"], shown["document"]) == (f"{at}/annotations/{document.pk}", f"{at}/documents/{document.pk}")
    assert (shown["queue"], shown["schema"]) == (f"{at}/queues/{queue.pk}", f"{at}/schemas/{queue.schema_id}")
    assert shown["confirmed_at"].endswith("Z")
    assert robot.get(shown["url"].removeprefix("http://testserver")).json() == shown


def test_what_was_sent_back_is_confirmed_by_nobody(robot, queue, organization):
    anna = builders.user("anna", organization=organization)
    by = Principal.of_user(anna, organization.pk)
    document = builders.document(queue, status="to_review")
    documents.confirm(document, by=by)
    documents.reject(documents.send_back(document, by=by), by=by)

    shown = robot.get(f"{API}/annotations/{document.pk}").json()

    assert shown["rejected_at"] is not None
    assert shown["rejected_by"].endswith(f"/users/{anna.pk}")


def test_statuses_ids_and_queues_filter_as_comma_lists_and_repeated(robot, queue):
    other_queue = builders.queue()
    first, second = builders.document(queue), builders.document(queue, status="exported")
    third = builders.document(other_queue, status="failed_export")

    assert ids(robot) == [first.pk, second.pk, third.pk]
    assert ids(robot, "status=confirmed,exported") == ids(robot, "status=confirmed&status=exported")
    assert ids(robot, "status=confirmed,exported") == [first.pk, second.pk]
    assert ids(robot, f"id={third.pk},{first.pk}") == [first.pk, third.pk]
    assert (
        ids(robot, f"queue={other_queue.pk}") == ids(robot, f"queue=http://x/v1/queues/{other_queue.pk}") == [third.pk]
    )
    assert ids(robot, f"status=exported&queue={other_queue.pk}") == []
    assert ids(robot, f"document={second.pk}") == [second.pk]
    assert ids(robot, f"queue__workspace={queue.organization_id}") == [first.pk, second.pk, third.pk]
    assert ids(robot, f"queue__workspace={queue.organization_id + 1}") == []
    assert ids(robot, "flavour=sweet") == [first.pk, second.pk, third.pk]


def test_what_was_deleted_is_shown_to_whoever_asks_for_it(robot, queue):
    kept, deleted = builders.document(queue), builders.document(queue, status="deleted")

    assert ids(robot) == [kept.pk]
    assert ids(robot, "status=deleted") == [deleted.pk]
    assert ids(robot, f"id={deleted.pk}") == [deleted.pk]


def test_from_then_on_and_until_just_before_then(robot, queue):
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    early, late = builders.document(queue), builders.document(queue, status="exported")
    moved(early, created_at=datetime(2026, 3, 2, 11, tzinfo=UTC), confirmed_at=noon)
    moved(late, created_at=noon, exported_at=noon)

    assert ids(robot, "arrived_at_after=2026-03-02T12:00:00Z") == [late.pk]
    assert ids(robot, "arrived_at_before=2026-03-02 12:00:00") == [early.pk]
    assert ids(robot, "arrived_at_after=2026-03-02&arrived_at_before=2026-03-03") == [early.pk, late.pk]
    assert ids(robot, "confirmed_at_after=2026-03-02") == [early.pk]
    assert ids(robot, "exported_at_before=2026-03-02T12:00:00.000001Z") == [late.pk]
    assert ids(robot, "export_failed_at_after=2000-01-01") == []


def test_who_did_it_filters_by_people_and_robots(robot, queue, organization):
    anna, otto = (builders.user(name, organization=organization) for name in ("anna", "otto"))
    first, second, third = (builders.document(queue, status="to_review") for _ in range(3))
    documents.confirm(first, by=Principal.of_user(anna, organization.pk))
    documents.reject(second, by=Principal.of_user(otto, organization.pk))
    documents.start_review(third, by=Principal.of_user(otto, organization.pk))

    assert ids(robot, f"confirmed_by={anna.pk}") == [first.pk]
    assert ids(robot, f"confirmed_by={otto.pk}") == []
    assert ids(robot, f"rejected_by={otto.pk}&rejected_at_after=2000-01-01") == [second.pk]
    assert ids(robot, "rejected_at_before=2000-01-01") == []
    assert ids(robot, f"modifier={otto.pk}") == [third.pk]
    assert ids(robot, f"modifier={anna.pk},{otto.pk}") == [third.pk]


def test_what_waybill_has_not_no_document_has(robot, queue):
    document = builders.document(queue)

    for query in ("labels=1", "relations__parent=1", "relations__type=duplicate", "restricted_access=true"):
        assert ids(robot, query) == []
    assert ids(robot, "restricted_access=false&labels=&automated=false") == [document.pk]
    assert ids(robot, "automated=true") == []


def test_search_finds_captured_values_and_names(robot, queue):
    acme = builders.document(queue, {"number": "12", "sender": "Acme Paper"}, external_id="A")
    builders.document(queue, {"number": "13", "sender": "Other"}, external_id="B")
    from exports import searching

    searching.index_new()

    assert ids(robot, "search=acme+pap") == [acme.pk]
    assert ids(robot, "search=ACME") == [acme.pk]
    assert ids(robot, "search=nobody") == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("status=confirmd", "status"),
        ("id=x", "id"),
        ("arrived_at_after=soon", "arrived_at_after"),
        ("automated=maybe", "automated"),
        ("queue=%00", "queue"),
    ],
)
def test_a_wrong_filter_is_named_and_never_widens(robot, queue, query, name):
    builders.document(queue)

    reply = robot.get(f"{API}/annotations?{query}")

    assert (reply.status_code, list(reply.json())) == (400, [name])


def test_order_as_asked_with_the_id_last(robot, queue):
    first, second, third = (builders.document(queue, status=status) for status in ("exported", "confirmed", "exported"))

    assert ids(robot, "ordering=status") == [second.pk, first.pk, third.pk]
    assert ids(robot, "ordering=-status,id") == [first.pk, third.pk, second.pk]
    assert ids(robot, "ordering=-document__arrived_at") == [third.pk, second.pk, first.pk]
    for key in ("document", "document__original_file_name", "modifier__username", "queue", "confirmed_at", "nonsense"):
        assert len(ids(robot, f"ordering={key}")) == 3


def test_every_array_that_is_asked_for_is_there(robot, queue, organization):
    anna = builders.user("anna", organization=organization)
    document = builders.document(queue, {"number": "12", "lines": [{"qty": "2"}]}, status="to_review", assignee=anna)
    documents.start_review(document, by=Principal.of_user(anna, organization.pk))

    wanted = "documents,queues,modifiers,content,schemas,automation_blockers,assignees,pages,results,nonsense"
    reply = robot.get(f"{API}/annotations?sideload={wanted}&content.schema_id=qty").json()

    assert set(reply) == {
        "pagination", "results", "documents", "queues", "modifiers", "content", "schemas", "automation_blockers",
        "assignees", "pages",
    }  # fmt: skip
    assert [one["id"] for one in reply["documents"]] == [document.pk] == [one["id"] for one in reply["results"]]
    assert [one["id"] for one in reply["queues"]] == [queue.pk]
    assert [one["id"] for one in reply["modifiers"]] == [anna.pk] == [one["id"] for one in reply["assignees"]]
    assert [(one["schema_id"], one["content"]["value"]) for one in reply["content"]] == [("qty", "2")]
    assert f"/annotations/{document.pk}/content/" in reply["content"][0]["url"]
    assert reply["automation_blockers"] == reply["pages"] == []


def test_fields_narrow_what_is_shown(robot, queue):
    document = builders.document(queue)

    assert robot.get(f"{API}/annotations?fields=id,status").json()["results"] == [
        {"id": document.pk, "status": "confirmed"}
    ]
    assert "messages" not in robot.get(f"{API}/annotations/{document.pk}?fields!=messages").json()


def test_the_number_of_queries_does_not_grow_with_the_rows(robot, queue, organization, django_assert_max_num_queries):
    def some(count):
        for _ in range(count):
            person = builders.user(organization=organization)
            documents.confirm(
                builders.document(queue, status="to_review"), by=Principal.of_user(person, organization.pk)
            )

    url = f"{API}/annotations?page_size=100&sideload=documents,queues,modifiers,content&content.schema_id=number"
    some(2)
    robot.get(url)
    with django_assert_max_num_queries(20) as few:
        robot.get(url)
    some(20)
    with django_assert_max_num_queries(len(few)):
        assert len(robot.get(url).json()["results"]) == 22


def test_a_tree_is_shown_whole(robot, queue):
    document = builders.document(queue, {"number": "12"})

    shown = robot.get(f"{API}/annotations/{document.pk}/content").json()

    assert shown["content"] == shown["results"]
    assert shown["content"][0]["children"][0]["content"]["value"] == "12"


def test_a_document_without_fields_has_an_empty_tree(robot, queue):
    document = Document.own(queue=queue, external_id="bare")
    document.save()

    assert robot.get(f"{API}/annotations/{document.pk}/content").json() == {"content": [], "results": []}
    assert robot.get(f"{API}/annotations/{document.pk}").json()["modifier"] is None


def test_organizations_do_not_see_each_other(robot, queue, other, within):
    with within(other):
        theirs = builders.document(builders.queue("secret"))
    mine = builders.document(queue)

    assert ids(robot) == [mine.pk]
    assert ids(robot, f"id={theirs.pk}") == []
    for path in ("", "/content", "/processing_duration"):
        assert robot.get(f"{API}/annotations/{theirs.pk}{path}").status_code == 404
    assert ids(caller(other)) == [theirs.pk]


def test_how_long_it_took_is_not_measured(robot, queue):
    document = builders.document(queue)

    shown = robot.get(f"{API}/annotations/{document.pk}/processing_duration").json()

    assert shown["annotation"] == f"http://testserver{API}/annotations/{document.pk}"
    assert shown["time_spent_active"] == 0


def test_a_key_that_is_narrowed_to_a_queue_sees_and_moves_nothing_of_another(queue):
    elsewhere = builders.queue("Elsewhere")
    mine, theirs = builders.document(queue), builders.document(elsewhere)
    narrowed = keys.create(builders.owner(), "narrow", "operator", queues=[queue.pk])[1]
    robot = Client(headers={"authorization": f"Bearer {narrowed}"})
    token = robot.post(f"{API}/auth/login", {"username": "x", "password": narrowed}, content_type="application/json")
    by_token = Client(headers={"authorization": f"Token {token.json()['key']}"})

    for client in (robot, by_token):
        assert ids(client) == [mine.pk]
        assert [one["id"] for one in client.get(f"{API}/queues").json()["results"]] == [queue.pk]
        assert client.get(f"{API}/annotations/{theirs.pk}").status_code == 404
        moved = client.patch(f"{API}/annotations/{theirs.pk}", {"status": "postponed"}, content_type="application/json")
        assert moved.status_code == 404
        found = client.post(f"{API}/annotations/search", {"query": {}}, content_type="application/json").json()
        assert [one["id"] for one in found["results"]] == [mine.pk]
    told = robot.patch(
        f"{API}/annotations/{mine.pk}",
        {"status": "failed_export", "messages": [{"error": "No"}]},
        content_type="application/json",
    )
    assert (told.status_code, told.json()["status"]) == (200, "failed_export")
