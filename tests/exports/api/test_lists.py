"""Lists: pages, filters, and what they cost."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports import searching
from exports.models import Document
from tests.exports.api import world as worlds

LISTS = [
    "documents", "attempts", "stage_runs", "exchanges", "artifacts", "deliveries", "jobs", "audit_events", "queues",
    "schemas", "pipelines", "revisions", "destinations", "secrets", "failure_groups",
]  # fmt: skip
HEAVY = [
    '."inline"', "traceback", '"exports_jobitem"', "reply_headers", '."sealed"', '."wrapped"',
    '"exports_fieldsversion"."content"', '."definition"', '."answer"', '."checkpoint"',
]  # fmt: skip


def ids(reply):
    return [row["id"] for row in reply.json()["results"]]


@pytest.mark.parametrize("path", LISTS)
def test_a_list_shows_what_there_is(api, world, path):
    reply = api.get(path)

    assert reply.status_code == 200
    assert len(reply.json()["results"]) >= 1
    assert set(reply.json()) == {"next", "previous", "results"}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_asks_as_many_questions_for_four_rows_as_for_one(api, world, path):
    api.get(path)
    with CaptureQueriesContext(connection) as few:
        api.get(path)
    for _ in range(3):
        worlds.make()

    with CaptureQueriesContext(connection) as many:
        reply = api.get(path)

    assert len(reply.json()["results"]) >= 4
    assert len(many) == len(few)
    assert len(many) <= 6


@pytest.mark.parametrize("path", LISTS)
def test_a_list_reads_no_bodies(api, world, path):
    with CaptureQueriesContext(connection) as queries:
        api.get(path)

    read = [query["sql"].split(" FROM ")[0] for query in queries if query["sql"].startswith("SELECT")]

    assert [sql for sql in read if any(heavy in sql for heavy in HEAVY)] == []


def test_an_attempt_with_three_stages_costs_as_much_as_with_one(api, world):
    path = f"attempts/{world.attempt.pk}"
    api.get(path)
    with CaptureQueriesContext(connection) as few:
        api.get(path)
    for position in (1, 2):
        run = worlds.run_of(world.attempt, f"Stage {position}", position)
        worlds.exchange_of(run)
        worlds.artifact_of(run)

    with CaptureQueriesContext(connection) as many:
        reply = api.get(path)

    assert [run["name"] for run in reply.json()["runs"]] == ["Send", "Stage 1", "Stage 2"]
    assert len(many) == len(few)


def test_pages_follow_one_another_without_gap_or_repeat(api, world):
    made = [worlds.document_of(world.queue).pk for _ in range(6)]
    everything = [*reversed(made), world.document.pk]

    first = api.get("documents?page_size=3")
    worlds.document_of(world.queue)
    second = api.get(first.json()["next"])
    third = api.get(second.json()["next"])
    back = api.get(third.json()["previous"])

    assert first.json()["previous"] is None
    assert ids(first) + ids(second) + ids(third) == everything
    assert third.json()["next"] is None
    assert ids(back) == ids(second)


def test_a_page_keeps_the_filters_of_the_first(api, world):
    for _ in range(3):
        worlds.document_of(world.queue, status="exported")

    first = api.get("documents?status=exported&page_size=2")
    second = api.get(first.json()["next"])

    assert len(ids(first)) == 2
    assert [row["status"] for row in second.json()["results"]] == ["exported"]


@pytest.mark.parametrize("cursor", ["bm90IGEgbnVtYmVy", "%00", "bjE_", "x", "äöü", "bjk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_forged_cursor_is_refused(api, world, cursor):
    reply = api.get(f"documents?cursor={cursor}")

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["place"] == "cursor"


def test_the_cursor_of_another_list_is_refused(api, world):
    worlds.document_of(world.queue)
    cursor = api.get("documents?page_size=1").json()["next"].partition("cursor=")[2].partition("&")[0]

    reply = api.get(f"exchanges?cursor={cursor}")

    assert reply.json()["code"] == "invalid"


@pytest.mark.parametrize("size", ["0", "201", "-1", "ten", "", "٣"])
def test_a_page_size_out_of_bounds_is_refused(api, world, size):
    reply = api.get(f"documents?page_size={size}")

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["place"] == "page_size"


def test_a_misspelt_filter_is_refused_with_advice(api, world):
    reply = api.get("documents?statsu=exported")

    assert reply.status_code == 400
    assert reply.json()["detail"] == 'There is no parameter "statsu". Did you mean "status"?'


def test_a_repeated_filter_is_refused(api, world):
    reply = api.get("documents?status=exported&status=confirmed")

    assert reply.json()["detail"] == '"status" is given 2 times. Separate several values by commas.'


def test_an_unknown_status_is_refused(api, world):
    reply = api.get("documents?status=exportd")

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["place"] == "status"


def test_documents_by_queue_status_and_external_id(api, world):
    other = worlds.make()
    done = worlds.document_of(world.queue, status="exported", external_id="a-1")

    assert ids(api.get(f"documents?queue={world.queue.pk}")) == [done.pk, world.document.pk]
    assert ids(api.get(f"documents?queue={world.queue.pk},{other.queue.pk}&status=failed_export")) == [
        other.document.pk,
        world.document.pk,
    ]
    assert ids(api.get("documents?external_id=a-1,a-2")) == [done.pk]
    assert ids(api.get(f"documents?queue={other.queue.pk}&status=exported")) == []


def test_documents_by_time_after_is_inclusive_before_is_not(api, world):
    noon = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    Document.objects.filter(pk=world.document.pk).update(created_at=noon)

    assert ids(api.get("documents?created_after=2026-03-02T12:00:00Z&created_before=2026-03-02T12:00:01Z")) == [
        world.document.pk
    ]
    assert ids(api.get("documents?created_before=2026-03-02T12:00:00Z")) == []
    assert ids(api.get("documents?created_before=2026-03-02T14:00:01%2B02:00")) == [world.document.pk]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("field.document_id=INV-42", True),
        ("field.document_id=INV-4", False),
        ("field.document_id=inv-42", True),
        ("field.document_id=INV-4*", True),
        ("field.amount_total=1000..1250.40", True),
        ("field.amount_total=1250.41..", False),
        ("field.amount_total=1250.40", True),
        ("field.amount_total=1%20250,40", True),
        ("field.item_code=FURN_7777", True),
        ("field.item_code=FURN_7777&field.document_id=INV-42", True),
        ("field.item_code=FURN_7777&field.document_id=INV-43", False),
        ("field.document_id=FURN_7777", False),
        ("field.nothing=INV-42", False),
        ("field.document_id=%25", False),
        ("field.document_id=INV-42'%20OR%201=1", False),
    ],
)
def test_documents_by_a_captured_value(api, world, query, found):
    searching.index_new()

    reply = api.get(f"documents?{query}")

    assert ids(reply) == ([world.document.pk] if found else [])


def test_attempts_by_everything_staff_ask_for(api, world):
    other = worlds.make()
    waits = worlds.attempt_of(
        worlds.document_of(world.queue), world.revision, state="waiting", reason="", stage="Store", http_status=503
    )
    both = [waits.pk, world.attempt.pk]

    assert ids(api.get("attempts?state=failed&reason=rejected&stage=Send")) == [other.attempt.pk, world.attempt.pk]
    assert ids(api.get("attempts?http_status=503")) == [waits.pk]
    assert ids(api.get(f"attempts?queue={world.queue.pk}")) == both
    assert ids(api.get(f"attempts?pipeline={world.pipeline.pk}")) == both
    assert ids(api.get(f"attempts?document={world.document.pk}")) == [world.attempt.pk]
    assert ids(api.get("attempts?created_before=2000-01-01T00:00:00Z")) == []


def test_exchanges_and_artifacts_by_document(api, world):
    worlds.make()

    exchanges = api.get(f"exchanges?document={world.document.pk}&status=422")
    artifacts = api.get(f"artifacts?attempt={world.attempt.pk}&key=erp_payload")

    assert ids(exchanges) == [str(world.exchange.pk)]
    assert ids(artifacts) == [str(world.artifact.pk)]
