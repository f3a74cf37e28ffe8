"""Tasks of several documents and files of any kind pass through whole; and what a purge leaves of a task."""

from __future__ import annotations

import hashlib

from exports import arrivals, documents, loop, sweep
from exports.models import ClientFile, ClientTask
from exports.received import Files
from exports.states import State
from pipelines import publishing
from pipelines.blobs import Blob
from pipelines.contract import Received
from tests import builders
from tests.exports.protocols.aluma.conftest import BASE, act, exported

CSV = "PO,Qty\nä,3".encode()
SEARCHABLE = b"%PDF-1.7\n/ToUnicode \r\n\xff\x00\xfe" + bytes(range(256)) * 20_000
"""5 MB: kept in storage, streamed from there."""


def came() -> list[Received]:
    return [
        Received("received.1.1", "", Blob.of(CSV, name="00001.csv", media_type="text/csv"), text=True),
        Received("received.1.2", "scans/2026", Blob.of(SEARCHABLE, name="00001.pdf", media_type="application/pdf")),
        Received("received.2.1", "", Blob.of(b"PK\x03\x04", name="00002.zip", media_type="application/zip")),
    ]


def handed_on(config) -> ClientTask:
    """The task of a document that came with several files, in two parts."""
    draft = builders.pipeline({"name": "hand on", "kind": "client_action", "config": config})
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    queue = builders.queue(pipeline=draft, use_confirmed_state=False)
    with Files(came(), queue.organization_id) as files:
        arrived = arrivals.take_in(
            queue, by=builders.owner(), external_id="T-1", fields={"number": "1"}, confirmed=True, files=files
        )
    attempt = arrived.document.attempts.get()
    attempt = loop.run_now(attempt.pk)
    assert attempt.state == State.PARKED, attempt.message
    return ClientTask.objects.get(attempt=attempt)


def fetched(robot, file):
    if file["source"] == "content":
        return file["content"].encode()
    return b"".join(robot.get(f"{BASE}{file['url']}").streaming_content)


def test_every_file_of_every_part_is_handed_on_as_it_came(robot):
    for config in ({}, {"files": [{"type": "received_files"}]}):
        task = handed_on(config)

        parts = act(robot, task, "start").json()["documents"]

        told = [[(file["folder"], file["filename"], file["source"]) for file in part["files"]] for part in parts]
        assert told == [
            [("", "00001.csv", "content"), ("scans/2026", "00001.pdf", "url")],
            [("", "00002.zip", "url")],
        ]
        assert task.documents_count == 2
        got = [hashlib.sha256(fetched(robot, file)).hexdigest() for part in parts for file in part["files"]]
        assert got == [file.blob.sha256 for file in came()]
        act(robot, task, "cancel")
        ClientTask.objects.all().delete()


def test_the_sweep_offers_a_silent_task_again(robot):
    task = exported()
    act(robot, task, "start")
    ClientTask.objects.update(silent_at=task.created_at)

    sweep.run()

    assert (ClientTask.objects.get().state, ClientTask.objects.get().silences) == ("offered", 1)


def test_a_purge_takes_the_names_of_a_task_too(robot):
    task = exported()
    act(robot, task, "start")
    act(robot, task, "fail", {"message": "Jane Doe is unknown"})
    document = loop.run_now(task.attempt_id).document

    documents.delete(document, by=builders.owner(), why="asked for")
    documents.purge(document, by=builders.owner(), why="asked for")

    assert not ClientTask.objects.exists()
    assert not ClientFile.objects.exists()
