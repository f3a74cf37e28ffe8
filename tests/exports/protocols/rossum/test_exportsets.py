"""Result sets of exports: pages, replays, two robots on one queue, and answers that nobody got."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from exports import exportsets
from exports.models import Attempt, Document, ExportSet
from tests.exports.protocols.rossum.conftest import API, caller
from tests.exports.protocols.rossum.exported import confirmed, cut, export, ids_of, queue, read, statuses  # noqa: F401  # a fixture among them


def test_pages_of_a_moving_export_skip_nothing(robot, queue):
    documents = confirmed(queue, 5)
    query = {"status": "confirmed", "to_status": "exported", "page_size": 2}

    pages = [read(export(robot, queue, "post", **query, **({"page": n} if n > 1 else {}))) for n in (1, 2, 3)]

    assert [pk for page in pages for pk in ids_of(page)] == [document.pk for document in documents]
    assert [page["pagination"]["total"] for page in pages] == [5, 5, 5]
    assert pages[0]["pagination"]["next"].endswith("status=confirmed&to_status=exported&page_size=2&page=2")
    assert statuses() == ["exported"] * 5


def test_what_no_page_has_shown_is_not_moved(robot, queue):
    confirmed(queue, 5)

    read(export(robot, queue, "post", status="confirmed", to_status="exported", page_size=2))

    assert statuses() == ["confirmed"] * 3 + ["exported"] * 2


def test_a_page_asked_for_twice_is_the_same_page(robot, queue):
    confirmed(queue, 4)
    query = {"status": "confirmed", "to_status": "exported", "page_size": 2}
    read(export(robot, queue, "post", **query))

    once = read(export(robot, queue, "post", **query, page=2))
    twice = read(export(robot, queue, "post", **query, page=2))

    assert once == twice
    assert Attempt.objects.count() == 4


def test_an_answer_that_was_cut_off_is_handed_out_again(robot, queue):
    documents = confirmed(queue, 2)
    query = {"status": "confirmed", "to_status": "exported"}
    cut(export(robot, queue, "post", **query))  # moved, and nobody read the reply

    body = read(export(robot, queue, "post", **query))

    assert ids_of(body) == [document.pk for document in documents]
    assert Attempt.objects.count() == 2


def test_the_next_run_does_not_get_what_the_last_one_got(robot, queue):
    confirmed(queue, 2)
    query = {"status": "confirmed", "to_status": "exported"}
    read(export(robot, queue, "post", **query))
    (fresh,) = confirmed(queue, 1)

    body = read(export(robot, queue, "post", **query))

    assert ids_of(body) == [fresh.pk]


def test_a_client_that_repeats_by_itself_gets_the_lost_answer_and_later_only_what_is_new(robot, queue):
    documents = confirmed(queue, 2)
    query = {"status": "confirmed", "to_status": "exported", "include_total": "true"}
    official = {"headers": {"user-agent": "python-httpx/0.28.1"}}
    url = f"{API}/queues/{queue.pk}/export"
    read(robot.post(url, query_params=query, **official))

    again = read(robot.post(url, query_params=query, **official))
    ExportSet.objects.update(answered_at=timezone.now() - timedelta(seconds=11))
    later = read(robot.post(url, query_params=query, **official))

    assert ids_of(again) == [document.pk for document in documents]
    assert ids_of(later) == []
    assert Attempt.objects.count() == 2


def test_a_client_that_asked_for_the_next_page_had_got_the_first(robot, queue):
    documents = confirmed(queue, 4)
    query = {"status": "confirmed", "to_status": "exported", "include_total": "true", "page_size": 2}
    official = {"headers": {"user-agent": "python-httpx/0.28.1"}}
    url = f"{API}/queues/{queue.pk}/export"
    read(robot.post(url, query_params=query, **official))
    read(robot.post(url, query_params={**query, "page": 2}, **official))
    (fresh,) = confirmed(queue, 1)

    body = read(robot.post(url, query_params=query, **official))

    assert ids_of(body) == [fresh.pk]
    assert len(documents) == 4


def test_an_idempotency_key_makes_it_exact(robot, queue):
    documents = confirmed(queue, 2)
    url, query = f"{API}/queues/{queue.pk}/export", {"status": "confirmed", "to_status": "exported"}
    read(robot.post(url, query_params=query, headers={"Idempotency-Key": "run-1"}))
    (fresh,) = confirmed(queue, 1)

    again = read(robot.post(url, query_params=query, headers={"Idempotency-Key": "run-1"}))
    other = read(robot.post(url, query_params=query, headers={"Idempotency-Key": "run-2"}))
    wrong = robot.post(url, query_params={**query, "format": "xml"}, headers={"Idempotency-Key": "run-1"})

    assert ids_of(again) == [document.pk for document in documents]
    assert ids_of(other) == [fresh.pk]
    assert wrong.status_code == 409


def test_what_somebody_took_back_meanwhile_is_not_handed_out_again(robot, queue):
    (document,) = confirmed(queue, 1)
    query = {"status": "confirmed", "to_status": "exported"}
    cut(export(robot, queue, "post", **query))
    Document.objects.filter(pk=document.pk).update(status="to_review")

    assert read(export(robot, queue, "post", **query))["results"] == []


def test_two_robots_on_one_queue_share_the_work_and_never_do_the_same(organization, queue):
    documents = confirmed(queue, 6)
    one, two = caller(organization, name="one"), caller(organization, name="two")
    query = {"status": "confirmed", "to_status": "exported", "page_size": 2}

    pages = [
        ids_of(read(export(robot, queue, "post", **query, **({"page": page} if page > 1 else {}))))
        for page in (1, 2, 3)
        for robot in (one, two)
    ]

    got = [pk for page in pages for pk in page]
    assert sorted(got) == [document.pk for document in documents]
    assert Attempt.objects.count() == 6


def test_sets_are_forgotten_after_a_day(robot, queue):
    confirmed(queue, 1)
    read(export(robot, queue, "post", status="confirmed", to_status="exported"))

    assert exportsets.forget(timezone.now()) == 0
    assert exportsets.forget(timezone.now() + timedelta(hours=25)) == 1
