"""Attempts over the API: read whole, repeat, cancel, settle."""

from __future__ import annotations

import pytest

from exports.bulk import working
from exports.models import Attempt, Document, Job
from exports.states import Reason, State, Status
from tests.exports.api import world as worlds


def test_an_attempt_is_shown_with_its_stages_and_what_they_sent(api, world):
    shown = api.get(f"attempts/{world.attempt.pk}").json()

    assert (shown["state"], shown["reason"], shown["external_id"]) == ("failed", "rejected", world.document.external_id)
    (run,) = shown["runs"]
    assert (run["name"], run["state"]) == ("Send", "failed")
    assert [exchange["status"] for exchange in run["exchanges"]] == [422]
    assert [artifact["key"] for artifact in run["artifacts"]] == ["erp_payload"]
    assert [delivery["place"] for delivery in run["deliveries"]] == ["sftp://files.example/in/42.csv"]


def test_a_traceback_is_never_shown(api, world):
    for path in (f"attempts/{world.attempt.pk}", f"stage_runs/{world.run.pk}", "stage_runs"):
        assert b"inner secrets" not in api.get(path).content


def test_a_re_queue_makes_a_new_attempt_and_says_where(api, world):
    reply = api.post(f"attempts/{world.attempt.pk}/requeue", {"why": "supplier exists now"})

    made = Attempt.objects.get(repeats=world.attempt)
    assert reply.status_code == 202
    assert reply["Location"] == f"http://testserver/api/v1/attempts/{made.pk}"
    assert (made.state, made.why, made.trigger) == (State.QUEUED, "supplier exists now", "robot")
    assert made.requested_by.startswith("key:")
    assert Document.objects.get(pk=world.document.pk).status == Status.EXPORTING
    assert Attempt.objects.get(pk=world.attempt.pk).state == State.FAILED


def test_a_re_queue_needs_a_reason(api, world):
    reply = api.post(f"attempts/{world.attempt.pk}/requeue", {"why": "  "})

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, "why")
    assert Attempt.objects.count() == 1


def test_an_attempt_with_an_unknown_outcome_is_not_simply_sent_again(api, world):
    Attempt.objects.update(reason=Reason.UNCONFIRMED)

    reply = api.post(f"attempts/{world.attempt.pk}/requeue", {"why": "again"})

    assert (reply.status_code, reply.json()["code"]) == (409, "refused")
    assert "Look at the other side first" in reply.json()["detail"]


def test_an_unknown_outcome_is_settled_as_delivered(api, world):
    Attempt.objects.update(reason=Reason.UNCONFIRMED)

    reply = api.post(
        f"attempts/{world.attempt.pk}/settle", {"delivered": True, "reference": "ERP-991", "why": "found by number"}
    )

    assert (reply.status_code, reply.json()["state"]) == (200, "succeeded")
    assert Document.objects.get(pk=world.document.pk).status == Status.EXPORTED


def test_delivered_needs_the_other_sides_reference(api, world):
    reply = api.post(f"attempts/{world.attempt.pk}/settle", {"delivered": True, "why": "found"})

    assert reply.json()["errors"][0]["place"] == "reference"


def test_an_unknown_outcome_that_did_not_arrive_is_queued_again(api, world):
    Attempt.objects.update(reason=Reason.UNCONFIRMED)

    reply = api.post(f"attempts/{world.attempt.pk}/settle", {"delivered": False, "why": "not in the ERP"})

    assert (reply.status_code, reply.json()["state"], reply.json()["repeats"]) == (202, "queued", world.attempt.pk)


def test_a_waiting_attempt_is_cancelled(api, world):
    Attempt.objects.update(state=State.WAITING)
    Document.objects.update(status=Status.EXPORTING)

    reply = api.post(f"attempts/{world.attempt.pk}/cancel", {"why": "wrong supplier"})

    assert (reply.status_code, reply.json()["state"]) == (200, "cancelled")
    assert Document.objects.get(pk=world.document.pk).status == Status.CONFIRMED


def test_an_ended_attempt_is_not_cancelled(api, world):
    reply = api.post(f"attempts/{world.attempt.pk}/cancel", {"why": "x"})

    assert (reply.status_code, reply.json()["detail"]) == (409, "The attempt has failed already.")


def test_many_are_re_queued_as_a_job_that_shows_its_progress(api, world):
    others = [worlds.attempt_of(worlds.document_of(world.queue), world.revision).pk for _ in range(2)]

    reply = api.post("jobs", {"attempts": [world.attempt.pk, *others], "why": "the ERP is back"})

    job = Job.objects.get(pk=reply.json()["id"])
    assert reply.status_code == 202
    assert (reply.json()["state"], reply.json()["done"]) == ("gathering", 0)
    working.slice_of(job.pk)
    shown = api.get(f"jobs/{job.pk}").json()
    assert (shown["why"], shown["report"]["todo"]) == ("the ERP is back", 3)
    items = api.get(f"jobs/{job.pk}/items").json()["results"]
    assert [item["attempt"] for item in reversed(items)] == [world.attempt.pk, *others]


def test_a_job_of_a_filter_is_previewed_and_then_asked_for(api, world):
    worlds.attempt_of(worlds.document_of(world.queue), world.revision, state="succeeded", reason="")
    asked = {"filter": {"pipeline": world.pipeline.pk}, "options": {"canary": 1}}

    preview = api.post("jobs/preview", asked).json()
    reply = api.post("jobs", {**asked, "why": "the ERP is back", "expected": preview["count"]}).json()

    assert (preview["total"], preview["count"], preview["excluded"]) == (2, 1, {"delivered": 1})
    assert (reply["filter"], reply["options"], reply["expected"]) == (
        {"pipeline": str(world.pipeline.pk)}, {"canary": 1}, 1
    )  # fmt: skip


def test_a_job_is_paused_and_goes_on(api, world):
    paused = api.post(f"jobs/{world.job.pk}/pause", {"why": "wait"}).json()
    going = api.post(f"jobs/{world.job.pk}/go_on").json()

    assert (paused["state"], paused["paused_why"]) == ("paused", "wait")
    assert (going["state"], going["paused_why"]) == ("gathering", "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"filter": {"reasn": "rejected"}}, "reasn"),
        ({"filter": {"reason": "sad"}}, "reason"),
        ({"filter": {"open": 1}, "options": {"speed": 9}}, 'no option "speed"'),
        ({"filter": {"open": 1}, "kind": "explode"}, "explode"),
    ],
)
def test_a_filter_or_option_that_is_wrong_is_named_and_nothing_happens(api, world, asked, said):
    reply = api.post("jobs", {**asked, "why": "x"})

    assert 400 <= reply.status_code < 500
    assert said in reply.content.decode().replace('\\"', '"')
    assert Job.objects.count() == 1


def test_a_job_is_cancelled(api, world):
    reply = api.post(f"jobs/{world.job.pk}/cancel")

    assert reply.status_code == 200
    assert reply.json()["cancelled_at"] is not None


def test_a_job_of_nothing_or_of_nonsense_is_refused(api, world):
    assert api.post("jobs", {"attempts": [], "why": "x"}).json()["errors"][0]["place"] == "attempts"
    assert api.post("jobs", {"attempts": [2**70], "why": "x"}).status_code == 400
    assert api.post("jobs", {"attempts": [1]}).json()["errors"][0]["place"] == "why"
