"""Aluma's tasks as a robot sees them: listed, taken, fetched, reported on; and what the attempt becomes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import clienttasks
from exports.models import ClientTask
from exports.states import Reason, State
from exports.wire import aluma, alumaclient
from tests.exports.protocols.aluma.conftest import BASE, PDF, WAITING, act, after, at, exported, ids, key_of, robot_of


def test_a_waiting_task_is_listed_as_the_guide_shows(robot, task):
    (told,) = robot.get(WAITING).json()["tasks"]

    pipeline = task.attempt.revision.pipeline
    assert told == {
        "id": aluma.short(task.pk),
        "name": "delivery-0007.pdf",
        "file_collection_id": aluma.short(task.collection),
        "project_id": aluma.project(pipeline.pk),
        "project_name": pipeline.name,
        "created_at": aluma.moment(task.created_at),
        "documents_count": 1,
        "state": "pending:start_client_action",
        "client_action": "export",
    }
    assert robot.get(at(task)).json() == told


def test_the_oldest_is_first_and_filters_go_together(robot, organization):
    first, second = exported(), exported()
    act(robot, first, "start")

    assert ids(robot.get(f"{BASE}/tasks")) == [aluma.short(first.pk), aluma.short(second.pk)]
    assert ids(robot.get(WAITING)) == [aluma.short(second.pk)]
    assert ids(robot.get(f"{BASE}/tasks?state=pending%3Acomplete_client_action")) == [aluma.short(first.pk)]
    assert ids(robot.get(f"{BASE}/tasks?client_action=export")) == [aluma.short(first.pk), aluma.short(second.pk)]
    project = aluma.project(second.attempt.revision.pipeline_id)
    assert ids(robot.get(f"{BASE}/tasks?project_id={project}")) == [aluma.short(second.pk)]


@pytest.mark.parametrize("query", ["client_action=validation", "state=queued", "state=completed", "project_id=x"])
def test_what_nothing_answers_to_is_an_empty_list(robot, task, query):
    assert robot.get(f"{BASE}/tasks?{query}").json() == {"tasks": []}


@pytest.mark.parametrize("query", ["state=waiting", "state=", "client_action=print"])
def test_an_unknown_filter_is_refused(robot, query):
    reply = robot.get(f"{BASE}/tasks?{query}")

    assert (reply.status_code, reply.json()["status"]) == (422, 422)
    assert "Known are" in reply.json()["message"]


def test_a_start_answers_with_every_file(robot, task):
    reply = act(robot, task, "start")

    text, scan = reply.json()["documents"][0]["files"]
    assert (reply.status_code, len(reply.json()["documents"])) == (202, 1)
    assert (text["folder"], text["filename"], text["source"], text["url"]) == ("", "0007.csv", "content", None)
    assert "0007" in text["content"]
    assert "\r" not in text["content"]
    assert (scan["folder"], scan["filename"], scan["source"], scan["content"]) == (
        "scans/2026", "0007.pdf", "url", None,
    )  # fmt: skip
    assert robot.get(at(task)).json()["state"] == "pending:complete_client_action"


@pytest.mark.parametrize("base", [BASE, ""])
def test_a_file_is_fetched_below_the_base_and_at_the_root(robot, task, base):
    url = act(robot, task, "start").json()["documents"][0]["files"][1]["url"]

    reply = robot.get(f"{base}{url}")

    assert reply.status_code == 200
    assert b"".join(reply.streaming_content) == PDF
    assert (reply["Content-Type"], reply["Content-Length"]) == ("application/pdf", str(len(PDF)))
    assert reply["X-Content-Type-Options"] == "nosniff"


def test_a_file_is_there_only_while_the_task_is_taken(robot, task):
    url = act(robot, task, "start").json()["documents"][0]["files"][1]["url"]
    act(robot, task, "cancel")
    assert robot.get(f"{BASE}{url}").status_code == 404

    act(robot, task, "start")
    assert robot.get(f"{BASE}{url}").status_code == 200
    act(robot, task, "complete")

    assert robot.get(f"{BASE}{url}").status_code == 404


def test_a_completed_task_ends_its_attempt(robot, task):
    act(robot, task, "start")

    reply = act(robot, task, "complete")

    assert reply.status_code == 202
    assert robot.get(at(task)).json()["state"] == "running"
    assert after(task).state == State.SUCCEEDED
    assert robot.get(at(task)).json()["state"] == "completed"
    assert robot.get(at(task)).json()["client_action"] is None
    assert ids(robot.get(f"{BASE}/tasks")) == [aluma.short(task.pk)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "key:the robot reported that the export failed, without saying why."),
        ({"message": "Supplier 77 unknown"}, "Supplier 77 unknown"),
        ({"message": None}, "key:the robot reported that the export failed, without saying why."),
    ],
)
def test_a_failed_task_fails_its_attempt(robot, task, body, message):
    act(robot, task, "start")

    assert act(robot, task, "fail", body).status_code == 202

    attempt = after(task)
    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, Reason.REJECTED, message)
    assert robot.get(at(task)).json()["state"] == "failed"


def test_a_cancelled_task_can_be_started_at_once(robot, task):
    act(robot, task, "start")

    assert act(robot, task, "cancel").status_code == 202
    assert ids(robot.get(WAITING)) == [aluma.short(task.pk)]
    assert act(robot, task, "start").status_code == 202


def test_a_second_robot_is_too_late(robot, task, organization):
    other = robot_of(key_of(organization, name="other"))
    assert act(robot, task, "start").status_code == 202

    late = act(other, task, "start")

    assert late.status_code == 409
    assert alumaclient.message(late.content) == "A client has started it already."
    assert act(other, task, "complete").status_code == 409


def test_a_lost_answer_is_given_again_to_the_same_key(robot, task):
    first = act(robot, task, "start", **{"Idempotency-Key": "k-1"})

    again = act(robot, task, "start", **{"Idempotency-Key": "k-1"})

    assert (again.status_code, again.json()) == (202, first.json())
    assert act(robot, task, "start", **{"Idempotency-Key": "k-2"}).status_code == 409
    assert act(robot, task, "start").status_code == 409


def test_a_report_may_be_repeated_and_not_contradicted(robot, task):
    act(robot, task, "start")
    act(robot, task, "complete")

    assert act(robot, task, "complete").status_code == 202
    after(task)
    assert act(robot, task, "complete").status_code == 202
    assert [act(robot, task, name).status_code for name in ("fail", "cancel", "start")] == [409, 409, 409]


def test_after_half_an_hour_of_silence_it_is_offered_again(robot, task):
    act(robot, task, "start")
    clienttasks.tend(timezone.now() + timedelta(minutes=31))

    late = act(robot, task, "complete")

    assert late.status_code == 409
    assert "offered again after a silence" in late.json()["message"]
    assert after(task).state == State.PARKED
    assert act(robot, task, "start").status_code == 202


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"", "content_type": ""},
        {"data": b"", "content_type": "application/json"},
        {"data": b"{}", "content_type": "application/json"},
        {"data": b"{", "content_type": "text/nonsense"},
        {"data": b"", "content_type": "multipart/form-data"},
    ],
)
def test_a_body_that_nobody_needs_is_not_looked_at(robot, task, sent):
    for name in ("start", "cancel", "start", "complete"):
        assert robot.put(at(task, name), **sent).status_code == 202


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("?action=", 400), ("?action=validation", 422), ("?action=x", 422)]
)
def test_the_action_has_to_be_the_tasks_own(robot, task, query, status):
    reply = robot.put(f"{at(task)}/start_client_action{query}")

    assert (reply.status_code, reply.json()["errors"].keys()) == (status, {"action"})
    assert ClientTask.objects.get().starts == 0


def test_a_task_may_have_several_documents(robot, organization):
    files = [
        {"type": "document", "filename_template": "second", "document": 2},
        {"type": "annotation_content", "format": "json", "filename_template": "first.json"},
    ]
    task = exported(files=files)

    documents = act(robot, task, "start").json()["documents"]

    assert [[file["filename"] for file in one["files"]] for one in documents] == [["first.json"], ["second.pdf"]]
    assert robot.get(at(task)).json()["documents_count"] == 2
