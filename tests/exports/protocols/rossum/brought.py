"""A document with its original, a pipeline's artifact under a reference key, and ways to bring files."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from exports import arrivals
from exports.models import Artifact, Attachment, Content, StageRun
from pipelines.blobs import Blob
from tests import builders
from tests.exports.protocols.rossum.conftest import API

HOST = "http://testserver"
FILES, MADE = 10**12, 2 * 10**12


@pytest.fixture
def document(organization):
    queue = builders.queue(schema=builders.schema("number"))
    blob = Blob.of(b"%PDF-1 the original", name="inv-0042.pdf", media_type="application/pdf")
    made, _ = arrivals.receive(
        queue, by=builders.owner(), fields={"number": "7"}, original=blob, metadata={"batch": "B7"}
    )
    return made


@pytest.fixture
def artifact(document):
    """What a pipeline keeps under a reference key."""
    attempt = builders.attempt({"name": "clean", "kind": "purge", "config": {"keys": ["a"]}})
    run = StageRun.own(attempt=attempt, name="render", kind="template", position=1, begun_at=document.created_at)
    run.save()
    content = Content.own(sha256="ab" * 32, size=4, inline=b"made")
    content.save()
    made = Artifact.own(
        attempt=attempt, run=run, key="erp_payload", name="payload.json", media_type="application/json",
        content=content, size=4, sha256="ab" * 32,
    )  # fmt: skip
    made.save()
    attached = Attachment.own(document=document, key="erp_payload", artifact=made)
    attached.save()
    return attached


def send(robot, name="reply.json", body=b'{"ok": true}', media_type="application/json", **parts):
    file = SimpleUploadedFile(name, body, content_type=media_type)
    return robot.post(f"{API}/documents", {"content": file, **parts})


def json_(robot, method, path, body):
    return getattr(robot, method)(f"{API}/{path}", json.dumps(body), content_type="application/json")


def read(reply):
    return b"".join(reply.streaming_content)
