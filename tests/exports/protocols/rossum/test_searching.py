"""Searching by the protocol: every operator on real rows, both styles of paging, and nobody else's rows."""

from __future__ import annotations

import pytest

from accounts.policy import Principal
from exports import documents, searching
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices")


@pytest.fixture
def found(robot):
    def search(query=None, text=None, parameters=""):
        body = {"query": query} if text is None else {"query": query, "query_string": {"string": text}}
        reply = robot.post(f"{API}/annotations/search?{parameters}", body, content_type="application/json")
        assert reply.status_code == 200, reply.content
        return [one["id"] for one in reply.json()["results"]]

    return search


@pytest.fixture
def three(queue):
    made = [
        builders.document(
            queue, {"sender": "Acme Paper Ltd", "total": "10.50", "due": "2026-03-01"}, file_name="a.pdf"
        ),
        builders.document(queue, {"sender": "Bolt", "total": "20", "due": "2026-03-02"}, status="exported"),
        builders.document(queue, {"sender": "", "lines": [{"qty": "3"}]}, status="to_review"),
    ]
    searching.index_new()
    return [document.pk for document in made]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"field.sender.string": {"$eq": "acme paper LTD"}}, [0]),
        ({"field.sender.string": {"$ne": "bolt"}}, [0, 2]),
        ({"field.sender.string": {"$in": ["Bolt", "Nobody"]}}, [1]),
        ({"field.sender.string": {"$nin": ["Bolt"]}}, [0, 2]),
        ({"field.sender.string": {"$startsWith": "acme p"}}, [0]),
        ({"field.sender.string": {"$startsWith": "paper"}}, []),
        ({"field.sender.string": {"$anyTokenStartsWith": "pap"}}, [0]),
        ({"field.sender.string": {"$containsPrefixes": "lt ac"}}, [0]),
        ({"field.sender.string": {"$containsPrefixes": "bolt paper"}}, []),
        ({"field.sender.string": {"$emptyOrMissing": True}}, [2]),
        ({"field.sender.string": {"$emptyOrMissing": False}}, [0, 1]),
        ({"field.sender.string": {"$gt": "b"}}, [1]),
        ({"field.total.number": {"$eq": 10.5}}, [0]),
        ({"field.total.number": {"$gt": 10.5}}, [1]),
        ({"field.total.number": {"$gte": "10.50", "$lt": 20}}, [0]),
        ({"field.total.number": {"$in": [20, 30]}}, [1]),
        ({"field.due.date": {"$lte": "2026-03-01"}}, [0]),
        ({"field.qty.number": 3}, [2]),
        ({"status": "exported"}, [1]),
        ({"status": {"$nin": ["exported"]}}, [0, 2]),
        ({"original_file_name": {"$startsWith": "A."}}, [0]),
        ({"original_file_name": {"$emptyOrMissing": True}}, [1, 2]),
        ({"automated": False}, [0, 1, 2]),
        ({"exported_at": {"$emptyOrMissing": True}}, [0, 1, 2]),
        ({"arrived_at": {"$gt": "2000-01-01", "$lt": "2100-01-01"}}, [0, 1, 2]),
        ({"arrived_at": {"$lt": "2000-01-01"}}, []),
        ({"$or": [{"status": "exported"}, {"field.qty.number": 3}]}, [1, 2]),
        ({"$and": [{"status": {"$in": ["confirmed", "exported"]}}, {"field.total.number": {"$lt": 15}}]}, [0]),
        ({"$or": []}, []),
        ({}, [0, 1, 2]),
        ({"assignees": {"$emptyOrMissing": True}}, [0, 1, 2]),
        ({"modifier": {"$emptyOrMissing": False}}, []),
    ],
)
def test_every_operator_finds_what_it_says(found, three, query, expected):
    assert found(query) == [three[index] for index in expected]


def test_ids_are_found_as_numbers_and_as_urls(found, three, queue):
    at = f"http://testserver{API}"

    assert found({"id": {"$in": [three[0], str(three[1])]}}) == three[:2]
    assert found({"url": f"{at}/annotations/{three[2]}"}) == [three[2]]
    assert found({"queue": {"$ne": f"{at}/queues/{queue.pk}"}}) == []
    assert found({"workspace": queue.organization_id}) == three


def test_people_are_found_by_what_they_did(found, three, queue, organization):
    anna = builders.user("anna", organization=organization)
    document = builders.document(queue, status="to_review")
    documents.confirm(document, by=Principal.of_user(anna, organization.pk))

    assert found({"confirmed_by": anna.pk}) == [document.pk]
    assert found({"confirmed_by": {"$nin": [anna.pk]}}) == three
    assert found({"confirmed_by": {"$emptyOrMissing": False}}) == [document.pk]


def test_words_are_found_anywhere_and_with_the_query(found, three):
    assert found({}, "acme") == [three[0]]
    assert found(None, "bol") == [three[1]]
    assert found({"status": "exported"}, "acme") == []


def test_what_was_deleted_is_found_by_whoever_asks_for_it(found, three, queue):
    gone = builders.document(queue, status="deleted")

    assert gone.pk not in found({})
    assert found({"status": "deleted"}) == [gone.pk]


def test_pages_by_number_and_from_one_id_to_the_next_show_the_same(robot, queue):
    made = [builders.document(queue).pk for _ in range(25)]
    body = {"query": {"status": {"$in": ["confirmed"]}}}

    def page(url):
        return robot.post(url, body, content_type="application/json").json()

    first = page(f"{API}/annotations/search?page_size=10")
    followed, reply = [*first["results"]], first
    while reply["pagination"]["next"]:
        reply = page(reply["pagination"]["next"].removeprefix("http://testserver"))
        followed += reply["results"]
    numbered = [one for n in (1, 2, 3) for one in page(f"{API}/annotations/search?page_size=10&page={n}")["results"]]

    assert (first["pagination"]["total"], first["pagination"]["total_pages"]) == (25, 3)
    assert [one["id"] for one in followed] == [one["id"] for one in numbered] == made


def test_ordering_and_sideloads_work_as_in_lists(robot, three):
    reply = robot.post(
        f"{API}/annotations/search?ordering=-id&sideload=content&content.schema_id=sender",
        {"query": {}},
        content_type="application/json",
    ).json()

    assert [one["id"] for one in reply["results"]] == three[::-1]
    assert {one["schema_id"] for one in reply["content"]} == {"sender"}


def test_a_wrong_query_is_a_400_that_names_the_place(robot, three):
    for body in ({}, {"query": {"colour": 1}}, {"query": "x"}, []):
        reply = robot.post(f"{API}/annotations/search", body, content_type="application/json")
        assert reply.status_code == 400, reply.content
    assert (
        robot.post(
            f"{API}/annotations/search?search_after=x", {"query": {}}, content_type="application/json"
        ).status_code
        == 400
    )


def test_organizations_do_not_find_each_others(three, other, queue):
    reply = caller(other).post(
        f"{API}/annotations/search", {"query": {"id": {"$in": three}}}, content_type="application/json"
    )

    assert reply.json()["results"] == []
    assert reply.json()["pagination"]["total"] == 0
