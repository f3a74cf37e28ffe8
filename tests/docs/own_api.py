"""What the examples of docs/api and docs/events.md find."""

from __future__ import annotations

import json
import time
from typing import Any

from django.utils import timezone

from exports import worklist
from exports.models import Attempt, Job
from pipelines import signing
from pipelines.models import Pipeline
from tests import builders
from tests.docs.worlds import WORLDS, Found, later, plain, world
from tests.exports.api import world as worlds


@world("api/")
def a_row_of_each(given: dict[str, str]) -> Found:
    """One row of every kind that the API shows, under the names that the pages use."""
    made = worlds.make()
    made.queue.name, made.queue.schema = "AP invoices", None
    made.queue.save()
    made.stage.config = '{"keys": ["erp_reply"]}'
    made.stage.save()

    def attempt(status: str = "failed_export", **values: Any) -> Any:
        return worlds.attempt_of(worlds.document_of(made.queue, status=status), made.revision, **values)

    due = {"reason": "", "due_at": later()}
    asked = {"kind": "ignore", "predicate": {"ids": "0"}, "upto": 0, "requested_by": "user:anna", "why": "down"}
    paused = Job.own(**asked, token="paused", state="paused")
    paused.save()
    running = {"state": "running", "begun_at": timezone.now(), "next_at": later()}
    Job.objects.filter(pk=made.job.pk).update(**running)
    subjects = {
        "DOCUMENT": made.document, "IN_REVIEW": worlds.document_of(made.queue, status="to_review"),
        "ATTEMPT": made.attempt, "UNCONFIRMED": attempt(reason="unconfirmed"), "OPEN": attempt(),
        "WAITING": attempt("exporting", state="waiting", **due), "QUEUED": attempt("exporting", state="queued", **due),
        "JOB": made.job, "PAUSED_JOB": paused, "EXCHANGE": made.exchange, "ARTIFACT": made.artifact, "QUEUE": made.queue,
        "PIPELINE": made.pipeline, "STAGE": made.stage, "DESTINATION": made.destination, "TRIGGER": made.trigger,
        "GROUP": made.failure_group, "OTHER_GROUP": worlds.group_of(attempt()), "CHANNEL": made.channel,
        "MESSAGE": made.event_delivery,
    }  # fmt: skip
    Attempt.objects.update(lane=worklist.lane(made.queue.organization_id, made.destination.pk))
    key = worlds.caller("owner").key
    return Found(
        {"WAYBILL_KEY": key, **{name: str(row.pk) for name, row in subjects.items()}},
        {"inv-0043.pdf": b"%PDF-1.7\n"},
    )


WORLDS["api/client.md"] = plain


@world("api/subscriptions.md")
def a_queue_to_push_into(given: dict[str, str]) -> Found:
    """What every page has, and a queue without confirmed state whose pipeline is the same ($INTO)."""
    found = plain(given)
    pipeline = Pipeline.objects.get(pk=int(found.variables["PIPELINE"]))
    into = builders.queue("To the warehouse", pipeline=pipeline, use_confirmed_state=False)
    found.variables["INTO"] = str(into.pk)
    return found


@world("events.md")
def a_message(given: dict[str, str]) -> Found:
    """A signed message as a receiver gets it: body.json, headers.json and the secret."""
    secret = signing.new_secret()
    body = json.dumps({"type": "document.exported", "timestamp": "2026-03-02T09:10:00Z", "data": {}}).encode()
    headers = signing.headers([secret], message_id="msg_1", timestamp=int(time.time()), body=body)
    key = worlds.caller("owner").key
    channel = worlds.make().channel
    return Found(
        {"WEBHOOK_SECRET": secret, "WAYBILL_KEY": key, "CHANNEL": str(channel.pk)},
        {"body.json": body, "headers.json": json.dumps(headers).encode()},
    )
