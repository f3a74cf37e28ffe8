"""`queues/{id}/export` with to_status: what moves, what does not, and who may."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports.models import Attempt, Document, Exchange
from exports.states import State, Status
from pipelines import publishing
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller
from tests.exports.protocols.rossum.exported import confirmed, cut, export, ids_of, queue, read, statuses  # noqa: F401  # a fixture among them


def test_moving_is_an_attempt_with_the_robots_request_and_what_it_was_told(robot, queue):
    (document,) = confirmed(queue, 1)

    body = read(export(robot, queue, "post", status="confirmed", to_status="exported", format="json"))

    document.refresh_from_db()
    attempt = Attempt.objects.get()
    exchange = Exchange.objects.get()
    assert document.status == Status.EXPORTED
    assert (body["results"][0]["status"], body["results"][0]["exported_at"]) == (
        "exported", document.exported_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    )  # fmt: skip
    assert (attempt.document, attempt.state, attempt.requested_by) == (document, State.SUCCEEDED, "key:operator-robot")
    assert (exchange.method, exchange.status) == ("POST", 200)
    assert exchange.url.endswith(f"/queues/{queue.pk}/export?status=confirmed&to_status=exported&format=json")
    assert json.loads(bytes(exchange.reply_content.inline)) == body["results"][0]
    assert "wb_" not in json.dumps(exchange.request_headers)


@pytest.mark.parametrize("form", ["xml", "csv", "xlsx"])
def test_files_move_as_well(robot, queue, form):
    confirmed(queue, 3)

    reply = export(robot, queue, "post", status="confirmed", to_status="exported", format=form)

    assert len(b"".join(reply.streaming_content)) > 20
    assert statuses() == ["exported"] * 3
    assert Attempt.objects.filter(state=State.SUCCEEDED).count() == 3


@pytest.mark.parametrize(
    "body",
    [
        ({"status": "confirmed", "to_status": "exported", "id": "{ids}"}, "application/x-www-form-urlencoded"),
        ({"status": ["confirmed"], "to_status": "exported", "id": ["{ids}"]}, "application/json"),
    ],
)
def test_parameters_may_stand_in_the_body(robot, queue, body):
    from urllib.parse import urlencode

    (first, second) = confirmed(queue, 2)
    given, kind = body
    text = urlencode(given) if "form" in kind else json.dumps(given)
    text = text.replace("%7Bids%7D", str(first.pk)).replace("{ids}", str(first.pk))

    reply = robot.post(f"{API}/queues/{queue.pk}/export", text, content_type=kind)

    assert ids_of(read(reply)) == [first.pk]
    second.refresh_from_db()
    assert second.status == Status.CONFIRMED


def test_a_multipart_form_works_too(robot, queue):
    confirmed(queue, 1)

    reply = robot.post(f"{API}/queues/{queue.pk}/export", {"status": "confirmed", "to_status": "exported"})

    assert len(read(reply)["results"]) == 1
    assert statuses() == ["exported"]


def test_without_saying_which_only_what_is_confirmed_moves(robot, queue):
    for status in ("confirmed", "to_review", "failed_export", "postponed", "deleted"):
        builders.document(queue, status=status)

    read(export(robot, queue, "post", to_status="exported"))

    assert statuses() == ["deleted", "exported", "failed_export", "postponed", "to_review"]


def test_what_is_exported_already_is_shown_and_left_untouched(robot, queue):
    done = builders.document(queue, status="exported")
    (fresh,) = confirmed(queue, 1)

    body = read(export(robot, queue, "post", status="confirmed,exported", to_status="exported"))

    assert ids_of(body) == [done.pk, fresh.pk]
    assert list(Attempt.objects.values_list("document", flat=True)) == [fresh.pk]


def test_with_ids_each_listed_one_is_shown_and_doing_it_twice_does_it_once(robot, queue):
    documents = confirmed(queue, 3)
    query = {"status": "confirmed", "to_status": "exported", "id": ",".join(str(d.pk) for d in documents[:2])}

    first = read(export(robot, queue, "post", **query))
    again = read(export(robot, queue, "post", **query))

    assert ids_of(first) == ids_of(again) == [document.pk for document in documents[:2]]
    assert {one["status"] for one in again["results"]} == {"exported"}
    assert Attempt.objects.count() == 2
    assert statuses() == ["confirmed", "exported", "exported"]


def test_an_id_that_somebody_took_back_to_review_is_neither_moved_nor_shown(robot, queue):
    (kept, taken) = confirmed(queue, 2)
    Document.objects.filter(pk=taken.pk).update(status="to_review")

    body = read(export(robot, queue, "post", status="confirmed", to_status="exported", id=f"{kept.pk},{taken.pk}"))

    assert ids_of(body) == [kept.pk]
    assert statuses() == ["exported", "to_review"]


def test_exporting_begins_the_queues_own_pipeline(robot, organization):
    pipeline = builders.pipeline({"name": "clean", "kind": "purge", "config": {"keys": ["a"]}})
    revision = publishing.publish(pipeline, by=builders.owner())
    queue = builders.queue(pipeline=pipeline)
    documents = confirmed(queue, 2)

    body = read(export(robot, queue, "post", status="confirmed", to_status="exporting"))

    assert [one["status"] for one in body["results"]] == ["exporting", "exporting"]
    assert list(Attempt.objects.order_by("pk").values_list("document", "revision", "state", "trigger")) == [
        (document.pk, revision.pk, "queued", "robot") for document in documents
    ]


def test_exporting_needs_a_pipeline(robot, queue):
    confirmed(queue, 1)

    reply = export(robot, queue, "post", status="confirmed", to_status="exporting")

    assert reply.status_code == 409
    assert "no published pipeline" in reply.json()["detail"]
    assert statuses() == ["confirmed"]


def test_a_viewer_reads_and_moves_nothing(organization, queue):
    viewer = caller(organization, "viewer")
    confirmed(queue, 1)

    assert len(read(export(viewer, queue, status="confirmed"))["results"]) == 1
    assert export(viewer, queue, "post", status="confirmed", to_status="exported").status_code == 403
    assert statuses() == ["confirmed"]


def test_another_organizations_queue_is_not_there_and_its_documents_do_not_move(queue, other):
    stranger = caller(other)
    (document,) = confirmed(queue, 1)

    assert export(stranger, queue).status_code == 404
    assert export(stranger, queue, "post", to_status="exported", id=document.pk).status_code == 404
    assert statuses() == ["confirmed"]


def test_ids_of_another_queue_do_not_move(robot, queue):
    elsewhere = builders.document(builders.queue())

    assert read(export(robot, queue, "post", to_status="exported", id=elsewhere.pk))["results"] == []
    assert statuses() == ["confirmed"]


def test_moving_a_page_costs_the_same_queries_whatever_its_length(robot, queue):
    confirmed(queue, 1)
    read(export(robot, queue, "post", status="confirmed", to_status="exported", page_size=100))  # makes the revision
    confirmed(queue, 2)
    with CaptureQueriesContext(connection) as few:
        read(export(robot, queue, "post", status="confirmed", to_status="exported", page_size=100))
    confirmed(queue, 60)

    with CaptureQueriesContext(connection) as many:
        read(export(robot, queue, "post", status="confirmed", to_status="exported", page_size=100))

    assert len(many) == len(few)
    assert statuses() == ["exported"] * 63
