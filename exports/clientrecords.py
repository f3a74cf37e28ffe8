"""What clients asked about tasks and were answered, kept as exchanges of the stage run: the attempt's page shows them
beside everything else that was sent and came back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from audit import rows
from exports import contents
from exports.ids import uuid7
from exports.models import ClientTask, Content, Exchange
from exports.robotrecords import PURPOSE, SECRET_HEADERS, RobotRequest
from pipelines import keepable

MOST = 200
"""Of one task: a client that turns in a circle must not fill the database."""


def keep(task: ClientTask, request: RobotRequest, reply: bytes) -> None:
    """One request of a client with our reply to it. In the caller's transaction, or in its own."""
    if Exchange.objects.filter(run_id=task.run_id).count() >= MOST:
        return
    sent, answered = (_content(body, task.organization_id) for body in (request.body, reply))
    rows.insert(Content, [row for row in (sent, answered) if row is not None])
    now = timezone.now()
    begun: datetime = min(request.begun_at or now, now)
    exchange = rows.new(
        Exchange,
        id=uuid7(),
        organization_id=task.organization_id,
        run_id=task.run_id,
        attempt_id=task.attempt_id,
        purpose=PURPOSE,
        method=request.method[:10],
        url=keepable.text(request.url),
        request_headers=_headers(request.headers),
        request_content_id=sent.pk if sent else None,
        request_size=len(request.body),
        request_sha256=hashlib.sha256(request.body).hexdigest() if request.body else "",
        idempotency_key=_header(request, "Idempotency-Key")[:64],
        status=request.status,
        reply_headers=_headers(request.reply_headers),
        reply_content_id=answered.pk if answered else None,
        reply_size=len(reply),
        reply_truncated=len(reply) > settings.KEPT_BODY_BYTES,
        begun_at=begun,
        ended_at=now,
    )
    rows.insert(Exchange, [exchange])


def _content(body: bytes, organization_id: int) -> Content | None:
    return contents.keep(body[: settings.KEPT_BODY_BYTES], organization_id) if body else None


def _headers(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[keepable.text(name), keepable.text(value)] for name, value in pairs if name.lower() not in SECRET_HEADERS]


def _header(request: RobotRequest, wanted: str) -> str:
    return next((value for name, value in request.headers if name.lower() == wanted.lower()), "")
