"""One row of every kind that the API shows, and a caller who speaks to it as a robot does."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts import keys, scope
from audit import trail
from exports import contents
from exports.models import (
    Artifact,
    Attempt,
    Claim,
    Delivery,
    Document,
    EventDelivery,
    Exchange,
    FailureGroup,
    FieldsVersion,
    Job,
    StageRun,
)
from pipelines import channels, vault
from pipelines.definition import Definition
from pipelines.models import Channel, Destination, Pipeline, Queue, Revision, Schema, Secret, Source, Stage, Trigger
from tests import builders
from tests.exports.api.taken import sent, taken

_numbers = itertools.count(1)

SECTIONS = [
    {
        "id": 1,
        "category": "section",
        "schema_id": "header",
        "children": [
            {
                "id": 2,
                "category": "datapoint",
                "schema_id": "document_id",
                "content": {"value": "INV-42", "normalized_value": "INV-42"},
            },
            {
                "id": 3,
                "category": "datapoint",
                "schema_id": "amount_total",
                "content": {"value": "1 250,40", "normalized_value": "1250.40"},
            },
        ],
    },
    {
        "id": 4,
        "category": "section",
        "schema_id": "tables",
        "children": [
            {
                "id": 5,
                "category": "multivalue",
                "schema_id": "line_items",
                "children": [
                    {
                        "id": 6,
                        "category": "tuple",
                        "schema_id": "line_item",
                        "children": [
                            {
                                "id": 7,
                                "category": "datapoint",
                                "schema_id": "item_code",
                                "content": {"value": "FURN_7777", "normalized_value": "FURN_7777"},
                            }
                        ],
                    }
                ],
            }
        ],
    },
]


class Caller:
    """A robot with a key: JSON in, JSON out, paths below /api/v1/."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.client = Client()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        given = {
            "authorization": f"Bearer {self.key}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        path = path if path.startswith(("/", "http")) else f"/api/v1/{path}"
        if body is None:
            return self.client.generic(method, path, headers=given)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.generic(method, path, raw, content_type="application/json", headers=given)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, **headers)

    def form(self, path: str, parts: dict[str, Any], **headers: str) -> Any:
        given = {
            "authorization": f"Bearer {self.key}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        return self.client.post(f"/api/v1/{path}", parts, headers=given)


def caller(role: str = "owner", name: str = "") -> Caller:
    """A robot of the organization in scope."""
    _, plain = keys.create(builders.owner(), name or f"robot {next(_numbers)}", role)
    return Caller(plain)


@dataclass
class World:
    """One row of each kind, of one organization."""

    schema: Schema
    queue: Queue
    pipeline: Pipeline
    stage: Stage
    revision: Revision
    destination: Destination
    secret: Secret
    document: Document
    attempt: Attempt
    run: StageRun
    exchange: Exchange
    artifact: Artifact
    delivery: Delivery
    job: Job
    trigger: Trigger
    channel: Channel
    event_delivery: EventDelivery
    failure_group: FailureGroup
    source: Source
    claim: Claim


def revision_of(pipeline: Pipeline, number: int = 1) -> Revision:
    definition = Definition.build(pipeline.pk, [])
    revision = Revision.own(
        pipeline=pipeline,
        number=number,
        definition=definition.dump(),
        digest=definition.digest,
        published_by="user:anna",
    )
    revision.save()
    pipeline.published = revision
    pipeline.save()
    return revision


def kept(given: bytes) -> Any:
    organization_id = scope.current()
    assert organization_id is not None
    row = contents.keep(given, organization_id)
    row.save(force_insert=True)
    return row


def document_of(queue: Queue, **values: Any) -> Document:
    number = next(_numbers)
    given = {"external_id": f"doc-{number}", "status": "failed_export", **values}
    document = Document.own(queue=queue, **given)
    document.save()
    version = FieldsVersion.own(document=document, number=1, content=SECTIONS, by="user:anna")
    version.save()
    document.fields = version
    document.save()
    return document


def attempt_of(document: Document, revision: Revision, **values: Any) -> Attempt:
    number = Attempt.objects.filter(document=document).count() + 1
    given = {"state": "failed", "reason": "rejected", "stage": "Send", "message": "Unknown supplier", **values}
    attempt = Attempt.own(
        document=document, revision=revision, number=number, trigger="person", requested_by="user:anna",
        lane="1/", finished_at=timezone.now(), **given,
    )  # fmt: skip
    attempt.save()
    return attempt


def run_of(attempt: Attempt, name: str = "Send", position: int = 0) -> StageRun:
    run = StageRun.own(
        attempt=attempt, name=name, kind="rest_api", position=position, state="failed", begun_at=timezone.now(),
        traceback="inner secrets",
    )  # fmt: skip
    run.save(force_insert=True)
    return run


def exchange_of(
    run: StageRun, *, reply: bytes = b'{"error": "Unknown supplier"}', media_type: str = "application/json"
) -> Exchange:
    exchange = Exchange.own(
        run=run, attempt=run.attempt, purpose="request", method="POST", url="https://erp.example/api/invoices",
        request_headers=[["Content-Type", "application/json"]], request_content=kept(b'{"number": "INV-42"}'),
        request_size=20, status=422, reply_headers=[["Content-Type", media_type], ["Set-Cookie", "[redacted]"]],
        reply_content=kept(reply), reply_size=len(reply), begun_at=timezone.now(), ended_at=timezone.now(),
    )  # fmt: skip
    exchange.save(force_insert=True)
    return exchange


def artifact_of(
    run: StageRun, given: bytes = b"a;b\n1;2\n", name: str = "export.csv", media_type: str = "text/csv"
) -> Artifact:
    content = kept(given)
    artifact = Artifact.own(
        attempt=run.attempt, run=run, key="erp_payload", name=name, media_type=media_type, content=content,
        size=content.size, sha256=content.sha256,
    )  # fmt: skip
    artifact.save(force_insert=True)
    return artifact


def group_of(attempt: Attempt) -> FailureGroup:
    group = FailureGroup.own(
        signature=f"{next(_numbers):064}", reason=attempt.reason, stage=attempt.stage, code=422, attempts_seen=1,
        pattern="Unknown supplier ‹value›", sample=attempt.message, pipeline=attempt.revision.pipeline,
    )  # fmt: skip
    group.save()
    Attempt.objects.filter(pk=attempt.pk).update(group=group)
    return group


def make() -> World:
    """A whole world in the organization in scope."""
    number = next(_numbers)
    schema = Schema.own(name=f"Invoices {number}", content=[])
    schema.save()
    pipeline = Pipeline.own(name=f"Pipeline {number}")
    pipeline.save()
    destination = Destination.own(name=f"ERP {number}", credentials={"type": "folder", "path": "out"})
    destination.save()
    stage = Stage.own(pipeline=pipeline, name="Clean", kind="purge", config='{"export_reference_keys": ["a"]}')
    stage.save()
    queue = Queue.own(name=f"Queue {number}", schema=schema, pipeline=pipeline)
    queue.save()
    trigger = Trigger.own(name=f"Nightly {number}", queue=queue, every_minutes=1440)
    trigger.save()
    revision = revision_of(pipeline)
    secret = vault.put("erp_token", "s3cr3t", by=builders.owner(), destination=destination)
    document = document_of(
        queue, file_name="Rechnung März.pdf", media_type="application/pdf", original=kept(b"%PDF-1.7 original")
    )
    attempt = attempt_of(document, revision)
    run = run_of(attempt)
    exchange = exchange_of(run)
    artifact = artifact_of(run)
    delivery = Delivery.own(
        attempt=attempt, run=run, key="erp_payload", place="sftp://files.example/in/42.csv", size=8, sha256="0" * 64,
        how="size compared after rename", delivered_at=timezone.now(),
    )  # fmt: skip
    delivery.save(force_insert=True)
    channel = Channel.own(name=f"Hook {number}", events=["document.*"])
    channels.save(channel, by=builders.owner(), address="http://127.0.0.1:9/hook")  # closed to it: nothing is sent
    message = sent(channel, document)
    job = Job.own(
        kind="requeue", predicate={"ids": str(attempt.pk)}, upto=attempt.pk, requested_by="user:anna", why="down",
        token=f"token {number}",
    )  # fmt: skip
    job.save()
    trail.record(
        "attempt.queue",
        f"attempt:{attempt.pk}",
        organization_id=attempt.organization_id,
        actor="user:anna",
        why="down",
    )
    return World(
        schema, queue, pipeline, stage, revision, destination, secret, document, attempt, run, exchange, artifact,
        delivery, job, trigger, channel, message, group_of(attempt), *taken(queue, document, number),
    )  # fmt: skip
