"""Bringing documents in over Rossum's protocol, once each."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from exports.models import Document, RobotUpload
from pipelines.fields import Content
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller

HOST = "http://testserver"


@pytest.fixture
def queue(organization):
    unit = {"category": "datapoint", "id": "unit", "type": "string", "rir_field_names": ["upload:organization_unit"]}
    return builders.queue(schema=builders.schema("number", unit))


def upload(robot, path, body=b"%PDF-1 x", **parts):
    file = SimpleUploadedFile("inv.pdf", body, content_type="application/octet-stream")
    return robot.post(f"{API}/{path}", {"content": file, **parts})


def test_an_upload_is_a_document_to_review_with_its_values_and_metadata(robot, queue):
    values = json.dumps({"upload:organization_unit": "Sales", "number": 7, "upload:unknown": "x"})

    reply = upload(robot, f"queues/{queue.pk}/upload", values=values, metadata='{"batch": "B7"}')

    document = Document.objects.get()
    assert reply.status_code == 201
    assert reply.json()["results"] == [
        {"annotation": f"{HOST}{API}/annotations/{document.pk}", "document": f"{HOST}{API}/documents/{document.pk}"}
    ]
    assert (document.status, document.file_name, document.media_type) == ("to_review", "inv.pdf", "application/pdf")
    assert document.metadata == {"batch": "B7"}
    fields = Content(document.fields.content)
    assert (fields.text("unit"), fields.text("number")) == ("Sales", "7")


def test_the_same_file_twice_is_one_annotation(robot, queue):
    first = upload(robot, f"queues/{queue.pk}/upload").json()
    again = upload(robot, f"queues/{queue.pk}/upload").json()
    other = upload(robot, f"queues/{queue.pk}/upload", body=b"%PDF-1 y").json()

    assert first == again != other
    assert Document.objects.count() == 2


def test_an_upload_answers_with_a_task_that_is_done(robot, queue):
    sent = upload(robot, f"uploads?queue={queue.pk}").json()

    task = robot.get(sent["url"].removeprefix(HOST) + "?no_redirect=True").json()
    made = robot.get(task["result_url"].removeprefix(HOST)).json()

    assert (task["type"], task["status"], task["content"]) == (
        "upload_created", "succeeded", {"upload": task["result_url"]},
    )  # fmt: skip
    document = Document.objects.get()
    assert made["queue"] == f"{HOST}{API}/queues/{queue.pk}"
    assert made["annotations"] == [f"{HOST}{API}/annotations/{document.pk}"]
    assert made["creator"] == robot.get(f"{API}/auth/user").json()["url"]


@pytest.mark.parametrize("path", ["uploads", "uploads?queue=999999", "uploads?queue=x"])
def test_an_upload_names_its_queue(robot, queue, path):
    reply = upload(robot, path)

    assert (reply.status_code, list(reply.json())) == (400, ["queue"])
    assert Document.objects.count() == 0


@pytest.mark.parametrize(("part", "text"), [("values", "[1]"), ("values", '{"number": {}}'), ("metadata", "{")])
def test_what_is_wrong_beside_the_file_is_named(robot, queue, part, text):
    reply = upload(robot, f"queues/{queue.pk}/upload", **{part: text})

    assert (reply.status_code, list(reply.json())) == (400, [part])
    assert Document.objects.count() == 0


def test_another_organizations_queue_takes_nothing(queue, other, robot):
    stranger = caller(other)
    task = upload(robot, f"uploads?queue={queue.pk}").json()["url"].removeprefix(HOST)

    assert upload(stranger, f"queues/{queue.pk}/upload").status_code == 404
    assert upload(stranger, f"uploads?queue={queue.pk}").status_code == 400
    assert stranger.get(task).status_code == 404
    assert (Document.objects.count(), RobotUpload.objects.count()) == (1, 1)
