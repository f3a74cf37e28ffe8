"""The card of an unknown outcome: whether the other side can be asked, else what to look for there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exports import inquiry
from exports.admin import fieldtables, payloads
from exports.admin.actions import Scene
from exports.admin.asks import Ask
from exports.models import Attempt, Exchange, StageRun
from exports.states import Reason, State
from pipelines.models import Destination

FIELDS = {"number": "Number", "party": "Party", "amount": "Amount", "currency": "Currency", "due": "Due"}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Nobody knows whether it arrived."""

    attempt: Attempt
    may_settle: bool
    can_ask: bool
    stage: str
    where: str
    """The request's method and address, as it is kept."""
    destination: str
    since: datetime | None
    until: datetime | None
    key: str
    """The Idempotency-Key that it carried."""
    known_by: list[tuple[str, str]]
    changed: bool
    """The fields have changed since: rebuilt, it is not the same bytes."""
    payload: Ask


def of(scene: Scene, user: Any) -> Doubt | None:
    """None where the outcome is known. Five queries at most."""
    attempt, document = scene.attempt, scene.document
    if attempt.state != State.FAILED or attempt.reason != Reason.UNCONFIRMED:
        return None
    run = StageRun.objects.filter(attempt=attempt, name=attempt.stage).only("organization", "marked_at").first()
    exchanges = Exchange.objects.filter(attempt=attempt, purpose__in=["request", "file"])
    if run is not None and exchanges.filter(run=run).exists():
        exchanges = exchanges.filter(run=run)
    last = exchanges.order_by("-id").first()
    headline = fieldtables.headline(document.fields.content if document.fields else [])
    known_by = [("External id", document.external_id)]
    known_by += [(label, headline[name]) for name, label in FIELDS.items() if headline[name]]
    ended = attempt.finished_at
    return Doubt(
        attempt,
        user.has_perm("exports.settle_attempt"),
        inquiry.can_ask(attempt),
        attempt.stage,
        f"{last.method} {last.url}" if last else "",
        _destination(attempt),
        last.begun_at if last else attempt.started_at,
        (last.ended_at if last else None) or ended,
        last.idempotency_key if last else "",
        known_by,
        bool(ended and document.fields and document.fields.at > ended),
        payloads.ask(attempt, document, None, scene.exact, payloads.SENT),
    )


def _destination(attempt: Attempt) -> str:
    part = attempt.lane.rpartition("/")[2]
    there = Destination.objects.filter(pk=int(part)).only("organization", "name").first() if part.isdigit() else None
    return there.name if there else ""
