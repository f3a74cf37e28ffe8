"""An attempt's stage runs as the page draws them: state, duration, messages, exchanges, artifacts, receipts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.display import BAD, BUSY, GOOD, WARN
from exports import looks, offering
from exports.admin import bodies
from exports.looks import Look
from exports.models import Artifact, Attempt, ClientTask, Delivery, Exchange, StageRun
from exports.states import ENDED, RunState
from pipelines import stages

BODIES_SHOWN = 40
"""Exchanges and artifacts of one page whose bodies are read for it; the rest are downloads."""

PARTS = ("dns", "connect", "tls", "first_byte")
PURPOSES = {"auth": "authentication", "probe": "probe", "file": "file", "robot": "from a robot", "request": ""}


@dataclass(slots=True)
class Sent:
    """One exchange as the page shows it."""

    row: Exchange
    tone: str
    told: str
    """How it ended, in a word: the status, the error, or that nobody knows."""
    request: bodies.Body | None
    reply: bodies.Body | None
    timings: list[dict[str, Any]]
    lasted: timedelta | None
    purpose: str


@dataclass(slots=True)
class Made:
    """One artifact."""

    row: Artifact
    body: bodies.Body | None


@dataclass(slots=True)
class Step:
    """One stage run on the timeline."""

    run: StageRun
    look: Look
    kind: str
    lasted: timedelta | None
    unknown: bool
    """A mark without its end: nobody saw whether the send arrived."""
    messages: list[dict[str, str]] = field(default_factory=list)
    exchanges: list[Sent] = field(default_factory=list)
    artifacts: list[Made] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    progress: Mapping[str, Any] | None = None
    opened: bool = False
    task: ClientTask | None = None
    """What is offered to outside clients, and who has it; forgotten some days after its end."""


def of(attempt: Attempt) -> list[Step]:
    """In the order of the run. Six queries and one for each large body, whatever the attempt's length."""
    runs = list(StageRun.objects.filter(attempt=attempt))
    exchanges = Exchange.objects.filter(attempt=attempt).select_related("request_content", "reply_content")
    artifacts = Artifact.objects.filter(attempt=attempt).select_related("content")
    by_run, made, delivered = defaultdict(list), defaultdict(list), defaultdict(list)
    for index, exchange in enumerate(exchanges):
        read = index < BODIES_SHOWN
        by_run[exchange.run_id].append(sent(exchange, over=attempt.state in ENDED, request=read, reply=read))
    for index, artifact in enumerate(artifacts):
        body = bodies.shown(artifact.content) if index < BODIES_SHOWN else None
        made[artifact.run_id].append(Made(artifact, body))
    for delivery in Delivery.objects.filter(attempt=attempt):
        delivered[delivery.run_id].append(delivery)
    clients = any(run.kind == offering.KIND for run in runs)
    tasks = {task.run_id: task for task in ClientTask.objects.filter(attempt=attempt)} if clients else {}
    steps = []
    for run in runs:
        unknown = run.marked_at is not None and (attempt.state in ENDED or run.state == RunState.FAILED)
        look = looks.OUTCOME_UNKNOWN if unknown else looks.RUNS.get(run.state, Look(run.state))
        failed = unknown or run.state == RunState.FAILED
        steps.append(
            Step(
                run=run,
                look=look,
                kind=stages.KINDS.get(run.kind, run.kind).partition(":")[0],
                lasted=None if run.finished_at is None and attempt.state in ENDED else lasted(run),
                unknown=unknown,
                messages=[message for message in run.messages if isinstance(message, dict)],
                exchanges=by_run[run.pk],
                artifacts=made[run.pk],
                deliveries=delivered[run.pk],
                changes=list(_changes(run.operations)),
                progress=run.progress,
                opened=failed or run.state in {RunState.BEGUN, RunState.WAITING, RunState.PARKED},
                task=tasks.get(run.pk),
            )
        )
    return steps


def lasted(run: StageRun) -> timedelta:
    return (run.finished_at or timezone.now()) - run.begun_at


def ending(row: Exchange, *, over: bool) -> tuple[str, str]:
    """The tone of an exchange, and how it ended in a word."""
    if row.status is not None:
        return GOOD if row.status < 400 else WARN if row.status in {429, 503} else BAD, str(row.status)
    if row.error:
        return BAD, "no reply"
    if row.ended_at is not None:
        return GOOD, "done"
    return (BAD, "outcome unknown") if over else (BUSY, "under way")


def sent(row: Exchange, *, over: bool, request: bool = True, reply: bool = True) -> Sent:
    """One exchange with the bodies that are asked for; its `request_content` and `reply_content` are read then."""
    tone, told = ending(row, over=over)
    return Sent(
        row=row,
        tone=tone,
        told=told,
        request=bodies.shown(row.request_content, whole=row.request_size) if request else None,
        reply=bodies.shown(row.reply_content, whole=row.reply_size, truncated=row.reply_truncated) if reply else None,
        timings=timings(row.timings),
        lasted=row.ended_at - row.begun_at if row.ended_at else None,
        purpose=PURPOSES.get(row.purpose, row.purpose),
    )


def timings(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of the total in order, each with its share in percent."""
    known = {name: float(told[name]) for name in PARTS if isinstance(told.get(name), int | float)}
    total = told.get("total")
    if not isinstance(total, int | float) or total <= 0:
        return []
    rest = max(float(total) - sum(known.values()), 0.0)
    parts = [*known.items(), ("rest", rest)]
    whole = sum(value for _, value in parts) or 1.0
    labels = {"dns": "DNS", "connect": "connect", "tls": "TLS", "first_byte": "first byte", "rest": "rest of the reply"}
    return [
        {"name": name, "label": labels[name], "ms": value, "share": f"{100 * value / whole:.1f}"}
        for name, value in parts
        if value > 0
    ]


def _changes(operations: Iterable[Any]) -> Iterable[str]:
    """What a stage changed in the document's fields, a line each."""
    for operation in operations:
        if not isinstance(operation, dict):
            continue
        name = operation.get("schema_id") or operation.get("id")
        value = ((operation.get("value") or {}) if isinstance(operation.get("value"), dict) else {}).get("content")
        shown = (value or {}).get("value") if isinstance(value, dict) else operation.get("value")
        text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
        yield f"{operation.get('op', 'replace')} {name} = {text[:200]}"
