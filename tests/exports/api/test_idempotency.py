"""Idempotency-Key: the same request twice is carried out once."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from exports.models import Attempt, Job
from exports.replies import ApiReply
from pipelines.models import Queue
from tests.exports.api import world as worlds


def test_the_same_request_with_the_same_key_is_carried_out_once(api):
    first = api.post("queues", {"name": "AP", "metadata": {}}, idempotency_key="k-1")
    second = api.post("queues", {"metadata": {}, "name": "AP"}, idempotency_key="k-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second["Location"] == first["Location"]
    assert (first.get("Idempotency-Replayed"), second["Idempotency-Replayed"]) == (None, "true")
    assert Queue.objects.filter(name="AP").count() == 1


def test_another_request_with_the_same_key_is_refused(api):
    api.post("queues", {"name": "AP"}, idempotency_key="k-1")

    other_body = api.post("queues", {"name": "AR"}, idempotency_key="k-1")
    other_place = api.post("schemas", {"name": "AP"}, idempotency_key="k-1")

    assert (other_body.status_code, other_body.json()["code"]) == (422, "key_reused")
    assert other_place.json()["code"] == "key_reused"
    assert list(Queue.objects.values_list("name", flat=True)) == ["AP"]


def test_a_request_still_being_answered_is_not_begun_again(api):
    api.post("queues", {"name": "AP"}, idempotency_key="k-1")
    ApiReply.objects.update(status=None, body="")

    reply = api.post("queues", {"name": "AP"}, idempotency_key="k-1")

    assert (reply.status_code, reply.json()["code"], reply["Retry-After"]) == (409, "in_progress", "2")


def test_a_claim_whose_worker_died_is_taken_over(api):
    api.post("queues", {"name": "AP"}, idempotency_key="k-1")
    Queue.objects.all().delete()
    ApiReply.objects.update(status=None, body="", created_at=timezone.now() - timedelta(minutes=6))

    reply = api.post("queues", {"name": "AP"}, idempotency_key="k-1")

    assert reply.status_code == 201
    assert ApiReply.objects.get().status == 201


def test_a_refused_request_leaves_its_key_free(api):
    wrong = api.post("queues", {"name": ""}, idempotency_key="k-1")
    right = api.post("queues", {"name": "AP"}, idempotency_key="k-1")

    assert (wrong.status_code, right.status_code) == (400, 201)


def test_a_key_may_be_used_anew_after_a_day(api):
    api.post("queues", {"name": "AP"}, idempotency_key="k-1")
    ApiReply.objects.update(created_at=timezone.now() - timedelta(hours=25))

    reply = api.post("queues", {"name": "AR"}, idempotency_key="k-1")

    assert reply.status_code == 201
    assert set(Queue.objects.values_list("name", flat=True)) == {"AP", "AR"}


def test_a_key_is_one_callers_own(api):
    other = worlds.caller("owner")
    api.post("queues", {"name": "AP"}, idempotency_key="k-1")

    reply = other.post("queues", {"name": "AR"}, idempotency_key="k-1")

    assert reply.status_code == 201


def test_a_key_too_long_or_unprintable_is_refused(api):
    assert (
        api.post("queues", {"name": "AP"}, idempotency_key="k" * 256).json()["errors"][0]["place"] == "Idempotency-Key"
    )
    assert not Queue.objects.exists()


def test_an_attempt_re_queued_twice_with_one_key_is_re_queued_once(api, world):
    path = f"attempts/{world.attempt.pk}/requeue"

    first = api.post(path, {"why": "supplier exists now"}, idempotency_key="k-1")
    second = api.post(path, {"why": "supplier exists now"}, idempotency_key="k-1")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert Attempt.objects.filter(repeats=world.attempt).count() == 1


def test_a_bulk_job_asked_twice_with_one_key_is_one_job_even_after_the_reply_is_forgotten(api, world):
    asked = {"attempts": [world.attempt.pk], "why": "the ERP is back"}
    first = api.post("jobs", asked, idempotency_key="k-1")
    ApiReply.objects.all().delete()

    second = api.post("jobs", asked, idempotency_key="k-1")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert Job.objects.count() == 2, "the world's own and this one"
