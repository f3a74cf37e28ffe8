"""`hooks/logs`: stage runs as Rossum's API shows the runs of hooks, the newest first. No pages, only the first ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from exports.models import Content, Exchange, StageRun
from exports.protocols.rossum.view import View
from exports.wire.rossum import hooks as wire
from exports.wire.rossum.paging import MOST, Page
from exports.wire.rossum.parameters import Given, WrongValue
from pipelines.models import Stage

SHOWN = 4096
"""Bytes of a body; the whole of it is in Waybill's own API."""
READ = 16_384
"""Bytes of a body that is read for that at all."""
MOST_HOOKS = 100


class HookLogs(View):
    verbs = {"get": ("exports.view_stagerun", "exports.view_exchange")}

    def get(self, request: Request) -> Response:
        rows = narrowed(StageRun.objects.all(), self.given)
        size = Page.read(self.given, size=MOST).size
        found = list(
            rows.select_related("attempt__document", "attempt__revision")
            .only(
                "organization_id", "name", "state", "begun_at", "finished_at", "note", "messages",
                "attempt__document__queue_id", "attempt__revision__pipeline_id",
            )
            .order_by("-id")[:size]
        )  # fmt: skip
        return Response({"results": [wire.log(run) for run in runs(found)]})


def runs(rows: Sequence[StageRun]) -> list[wire.Run]:
    pipelines = {row.attempt.revision.pipeline_id for row in rows}
    names = Stage.objects.filter(pipeline__in=pipelines).values_list("pipeline_id", "name", "pk")
    hooks = {(pipeline_id, name): pk for pipeline_id, name, pk in names}
    last = {exchange.run_id: exchange for exchange in _exchanges(rows)}
    wanted = {pk for one in last.values() for pk in (one.request_content_id, one.reply_content_id) if pk}
    short = Content.objects.filter(pk__in=wanted, size__lte=READ, inline__isnull=False)
    bodies = {pk: bytes(inline) for pk, inline in short.values_list("pk", "inline")}
    return [
        wire.Run(
            row.pk,
            organization=row.organization_id,
            hook=hooks.get((row.attempt.revision.pipeline_id, row.name), 0),
            state=row.state,
            begun_at=row.begun_at,
            finished_at=row.finished_at,
            queue=row.attempt.document.queue_id if row.attempt.document else None,
            annotation=row.attempt.document_id,
            message=_said(row),
            request=_request(last.get(row.pk), bodies),
            response=_response(last.get(row.pk), bodies),
            status_code=last[row.pk].status if row.pk in last else None,
        )
        for row in rows
    ]


def narrowed(rows: QuerySet[StageRun], given: Given) -> QuerySet[StageRun]:
    if texts := given.words("request_id"):
        rows = rows.filter(pk__in=[_uuid(text) for text in texts])
    if (ids := given.numbers("hook")) is not None:
        found = Q(pk__in=[])
        for pipeline_id, name in Stage.objects.filter(pk__in=ids[:MOST_HOOKS]).values_list("pipeline_id", "name"):
            found |= Q(attempt__revision__pipeline=pipeline_id, name=name)
        rows = rows.filter(found)
    if (ids := given.numbers("queue")) is not None:
        rows = rows.filter(attempt__document__queue__in=ids)
    if (ids := given.numbers("annotation")) is not None:
        rows = rows.filter(attempt__document__in=ids)
    if wanted := given.words("log_level"):
        rows = rows.filter(state__in=[state for state in wire.STATUSES if wire.LEVELS.get(state, "INFO") in wanted])
    if wanted := given.words("status"):
        rows = rows.filter(state__in=[state for state, status in wire.STATUSES.items() if status in wanted])
    if (codes := given.numbers("status_code")) is not None:
        rows = rows.filter(Exists(Exchange.objects.filter(run=OuterRef("pk"), status__in=codes)))
    if text := given.text("search"):
        rows = rows.filter(note__icontains=text[:200])
    rows = rows.none() if "email" in given else rows
    return _begun(rows, given)


def _begun(rows: QuerySet[StageRun], given: Given) -> QuerySet[StageRun]:
    for name, column in (("timestamp", "begun_at"), ("start", "begun_at"), ("end", "finished_at")):
        if (after := given.moment(f"{name}_after")) is not None:
            rows = rows.filter(**{f"{column}__gte": after})
        if (before := given.moment(f"{name}_before")) is not None:
            rows = rows.filter(**{f"{column}__lt": before})
    return rows


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise WrongValue("request_id", f'"{text[:60]}" is not a valid UUID.') from None


def _exchanges(rows: Sequence[StageRun]) -> list[Exchange]:
    """Of each run the newest one last, so that it wins."""
    every = Exchange.objects.filter(run__in=[row.pk for row in rows]).exclude(purpose="auth")
    return list(
        every.only(
            "run_id", "method", "url", "request_headers", "request_content_id", "request_size", "status",
            "reply_headers", "reply_content_id", "reply_size", "error",
        ).order_by("id")
    )  # fmt: skip


def _said(row: StageRun) -> str:
    messages = [str(one.get("content") or "") for one in row.messages if isinstance(one, dict)]
    return row.note or "\n".join(text for text in messages if text)


def _request(exchange: Exchange | None, bodies: dict[UUID, bytes]) -> str | None:
    if exchange is None:
        return None
    told: dict[str, Any] = {"method": exchange.method, "url": exchange.url, "headers": exchange.request_headers}
    return _json(told, exchange.request_content_id, exchange.request_size, bodies)


def _response(exchange: Exchange | None, bodies: dict[UUID, bytes]) -> str | None:
    if exchange is None or (exchange.status is None and not exchange.error):
        return None
    told: dict[str, Any] = {"status": exchange.status, "headers": exchange.reply_headers}
    if exchange.error:
        told["error"] = exchange.error
    return _json(told, exchange.reply_content_id, exchange.reply_size, bodies)


def _json(told: dict[str, Any], content_id: UUID | None, size: int, bodies: dict[UUID, bytes]) -> str:
    if content_id in bodies:
        told["body"] = bodies[content_id][:SHOWN].decode(errors="replace")
    told["size"] = size
    return json.dumps(told, ensure_ascii=False)
