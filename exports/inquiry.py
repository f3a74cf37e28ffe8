"""Asking the other side now, at a person's wish, what became of a send whose outcome nobody knows.

The same probe that a worker sends (exports/probing.py), through the same guard, bounded so that a page may wait for it.
What was asked and answered is kept beside the attempt's other exchanges."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.policy import Principal, require
from audit import rows, trail
from exports import attempts, cases, probing
from exports.ledger import Entry
from exports.models import Attempt, Content, Delivery, Exchange, FieldsVersion, StageRun
from exports.payloads import Payload
from exports.runner import Drive
from exports.states import Reason, State
from exports.tools import StageTools
from exports.world import World
from pipelines import fields
from pipelines.contract import Inbox
from pipelines.definition import Step
from pipelines.errors import StageError, Unavailable
from pipelines.refusals import Refused
from pipelines.transports.http import Client, Reply, Request

SECONDS = 10.0
"""For the whole inquiry, sign-in at the other side included."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. `arrived` None: it did not say."""

    arrived: bool | None
    told: str
    reference: str = ""


def can_ask(attempt: Attempt) -> bool:
    """Whether the stage whose outcome is unknown names a probe."""
    return attempt.state == State.FAILED and attempt.reason == Reason.UNCONFIRMED and _doubtful(attempt) is not None


def ask(attempt: Attempt, *, by: Principal) -> Answer:
    """Ask, and settle the attempt where the answer is that it arrived. That it did not arrive is only told: whoever
    asked decides whether it is sent again. Raises Refused where there is nothing to ask, or nothing to ask with."""
    require(by, "exports.settle_attempt", attempt)
    if attempt.state != State.FAILED or attempt.reason != Reason.UNCONFIRMED:
        raise Refused("Its outcome is known: there is nothing to ask.")
    found = _doubtful(attempt)
    if found is None:
        raise Refused("Its stage names no probe that could ask. Look at the other side, then say whether it arrived.")
    answer = _asked(attempt, *found)
    trail.record(
        "attempt.ask",
        f"attempt:{attempt.pk}",
        organization_id=by.organization_id,
        actor=by.name,
        detail={"arrived": answer.arrived, "reference": answer.reference},
    )
    if answer.arrived:
        attempts.settle(attempt, by=by, delivered=True, reference=answer.reference, why=answer.told)
    return answer


def _doubtful(attempt: Attempt) -> tuple[Step, StageRun] | None:
    """The stage whose send nobody saw end, and its run, where it has a probe."""
    if attempt.document is None:
        return None
    try:
        steps = cases.definition_of(attempt.revision_id).for_queue(attempt.document.queue_id)
    except StageError:
        return None
    runs = {run.name: run for run in StageRun.objects.filter(attempt=attempt).defer("traceback", "checkpoint")}
    for step in steps:
        run = runs.get(step.name)
        doubtful = run is not None and (run.marked_at is not None or run.reason == Reason.UNCONFIRMED)
        if run is not None and (doubtful or step.name == attempt.stage) and probing.has_probe(step):
            return step, run
    return None


def _asked(attempt: Attempt, step: Step, run: StageRun) -> Answer:
    world = World(_Beside())
    world.http = _Hasty()
    case = cases.of_ended(attempt)
    content = _as_sent(attempt, case.fields)
    drive = Drive(case, world)
    tools = StageTools(drive, step, run)
    inbox = Inbox(
        stage=step.name,
        document=case.facts,
        fields=content,
        artifacts=dict(case.artifacts),
        received=case.received,
        original=case.original,
        schema=case.schema,
        attempt_id=attempt.pk,
        payload=Payload(case, content),
    )
    try:
        proof = step.module.probe(step.config, inbox, tools)
        if proof is not None:
            tools.prove(step.name, proof)
    except StageError as error:
        return Answer(None, drive.record.text(f"The other side did not say: {error.message}"))
    finally:
        drive.record.commit(None)
        world.close()
    if proof is None:
        return Answer(False, "The other side says that it is not there.")
    place = drive.record.text(proof.place)
    return Answer(True, f"Asked the other side: {proof.how}.", reference=place[:200])


def _as_sent(attempt: Attempt, now: fields.Content) -> fields.Content:
    """The fields as they were when it was sent: by them the other side knows it."""
    until: datetime | None = attempt.finished_at
    versions = FieldsVersion.objects.filter(document_id=attempt.document_id)
    version = versions.filter(at__lte=until).order_by("-number").first() if until else None
    return fields.Content(version.content) if version is not None else now


class _Beside:
    """A ledger for what an ended attempt learns later: no lease is held, and nothing of the attempt moves."""

    def commit(self, entry: Entry) -> None:
        with transaction.atomic():
            rows.insert(Content, entry.contents)
            rows.insert(Exchange, list(entry.exchanges.values()))
            rows.insert(Delivery, entry.deliveries)


class _Hasty(Client):
    """Waits no longer than a person does, for all requests together."""

    def __init__(self) -> None:
        super().__init__()
        self._until = time.monotonic() + SECONDS

    def send(self, request: Request, **how: Any) -> Reply:
        left = self._until - time.monotonic()
        if left <= 0.5:
            raise Unavailable(f"It took longer than {SECONDS:g} seconds to answer.")
        return super().send(replace(request, timeout=min(request.timeout, left)), **how)
