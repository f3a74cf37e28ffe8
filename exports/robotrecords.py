"""The rows of an export that an outside robot did by itself: an attempt that has ended, its one stage run, and the
robot's own request with our reply as its exchange. Which documents, and whether they may, is for exports/robots.py."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from accounts.policy import Principal
from audit import rows, trail
from audit.models import Event
from exports import contents, transitions, worklist
from exports.attempts import OUTSIDE
from exports.ids import uuid7
from exports.models import Attempt, Content, Document, Exchange, StageRun
from exports.states import Reason, RunState, State
from pipelines import keepable

STAGE = "Robot"
KIND = "client_action"
PURPOSE = "robot"
"""Of the exchange: its request came from outside, and the reply is ours."""
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


@dataclass(frozen=True, slots=True)
class RobotRequest:
    """What the robot sent, and what it is answered. Headers that open doors are left out when it is kept."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    begun_at: datetime | None = None
    status: int = 200
    reply_headers: Sequence[tuple[str, str]] = ()
    reply: bytes | Callable[[Sequence[Document]], Mapping[int, bytes]] = b""
    """The whole of it, or what of it is about each of these documents (by id), as they stand once they have moved."""


def keep(
    moved: Collection[int],
    to: State,
    *,
    by: Principal,
    why: str,
    request: RobotRequest,
    revision_id: int,
    changes: Mapping[str, str],
) -> dict[int, Attempt]:
    """The ended attempts of documents that have just moved, each with its run and its exchange."""
    if not moved:
        return {}
    now = timezone.now()
    begun = min(request.begun_at or now, now)
    last = {
        row["document_id"]: row
        for row in Attempt.objects.filter(document__in=moved)
        .order_by("number")
        .values("document_id", "pk", "number", "lineage")
    }
    attempts = [
        rows.new(
            Attempt,
            organization_id=by.organization_id,
            document_id=pk,
            revision_id=revision_id,
            number=last[pk]["number"] + 1 if pk in last else 1,
            lineage=(last[pk]["lineage"] or last[pk]["pk"]) if pk in last else None,
            trigger=OUTSIDE,
            requested_by=by.name[:200],
            why=why,
            state=State.RUNNING,
            lane=worklist.lane(by.organization_id, None),
            created_at=now,
            started_at=begun,
        )
        for pk in sorted(moved)
    ]
    ids = rows.insert_returning(Attempt, attempts, "document_id")
    for attempt in attempts:
        attempt.pk = ids[attempt.document_id]
    _record_queued(attempts, by=by, why=why)
    _insert_runs(attempts, to, request=request, begun=begun, message=changes.get("message", ""))
    transitions.leave([(attempt.pk, attempt.organization_id, to, changes) for attempt in attempts], actor=by.name)
    return {attempt.document_id: attempt for attempt in Attempt.objects.filter(pk__in=list(ids.values()))}


def _record_queued(attempts: Sequence[Attempt], *, by: Principal, why: str) -> None:
    events = [
        trail.event(
            "attempt.queue",
            f"attempt:{attempt.pk}",
            organization_id=attempt.organization_id,
            actor=by.name,
            why=why,
            detail={"document": attempt.document_id, "revision": attempt.revision_id, "repeats": None},
        )
        for attempt in attempts
    ]
    rows.insert(Event, events)


def _insert_runs(
    attempts: Sequence[Attempt], to: State, *, request: RobotRequest, begun: datetime, message: str
) -> None:
    """One stage run and one exchange each, with its own bytes: a purge of one document takes those of no other."""
    now = timezone.now()
    told: Mapping[int, bytes] = {}
    if callable(request.reply):
        found = Document.objects.filter(pk__in=[attempt.document_id for attempt in attempts])
        told = request.reply(list(found.select_related("fields")))
    runs, exchanges, kept = [], [], []
    for attempt in attempts:
        run = rows.new(
            StageRun,
            id=uuid7(),
            organization_id=attempt.organization_id,
            attempt_id=attempt.pk,
            name=STAGE,
            kind=KIND,
            position=1,
            state=RunState.FINISHED if to == State.SUCCEEDED else RunState.FAILED,
            begun_at=begun,
            finished_at=now,
            reason="" if to == State.SUCCEEDED else Reason.REJECTED,
            note=message,
        )
        reply = told.get(attempt.document_id or 0, b"") if callable(request.reply) else request.reply
        sent, answered = (_content(body, attempt.organization_id) for body in (request.body, reply))
        kept += [row for row in (sent, answered) if row is not None]
        exchanges.append(
            rows.new(
                Exchange,
                id=uuid7(),
                organization_id=attempt.organization_id,
                run_id=run.pk,
                attempt_id=attempt.pk,
                purpose=PURPOSE,
                method=request.method[:10],
                url=keepable.text(request.url),
                request_headers=_headers(request.headers),
                request_content_id=sent.pk if sent else None,
                request_size=len(request.body),
                request_sha256=hashlib.sha256(request.body).hexdigest() if request.body else "",
                status=request.status,
                reply_headers=_headers(request.reply_headers),
                reply_content_id=answered.pk if answered else None,
                reply_size=len(reply),
                reply_truncated=len(reply) > settings.KEPT_BODY_BYTES,
                begun_at=begun,
                ended_at=now,
            )
        )
        runs.append(run)
    rows.insert(Content, kept)
    rows.insert(StageRun, runs)
    rows.insert(Exchange, exchanges)


def _content(body: bytes, organization_id: int) -> Content | None:
    return contents.keep(body[: settings.KEPT_BODY_BYTES], organization_id) if body else None


def _headers(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[keepable.text(name), keepable.text(value)] for name, value in pairs if name.lower() not in SECRET_HEADERS]
