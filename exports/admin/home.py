"""The home page: what stands where, what broke and on whose side, and what waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from accounts import scope
from exports import looks
from exports.models import Attempt, Document, Loop
from exports.states import State, Status
from pipelines.models import Destination, Pipeline, Queue

LISTENING = timedelta(seconds=60)
"""A drain loop that has not been seen for so long counts as gone."""


def last(field: str) -> Subquery:
    """A field of a document's last attempt."""
    newest = Attempt.objects.filter(document=OuterRef("pk")).order_by("-number")
    return Subquery(newest.values(field)[:1])


def failed_documents() -> QuerySet[Any]:
    """Documents whose export failed, with the reason of their last attempt."""
    rows: QuerySet[Any] = Document.objects.filter(status=Status.FAILED_EXPORT).annotate(reason=last("reason"))
    return rows


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's dashboard callback."""
    context["title"] = "Home"
    if scope.current() is None:
        return {**context, "homeless": True}
    if not request.user.has_perm("exports.view_document"):
        return {**context, "not_for_them": True}
    counts = dict(Document.objects.order_by().values_list("status").annotate(Count("pk")))
    return {
        **context,
        "counts": _counts(counts),
        "sides": _sides(),
        "waiting": _waiting(counts),
        "attempts": Attempt.objects.select_related("document", "revision__pipeline").defer("answer", "why")[:8],
        "paused": list(Destination.objects.filter(paused_at__isnull=False)),
        "no_worker": _nobody_listens(),
        "first_steps": None if counts else _first_steps(),
    }


def _counts(counts: dict[str, int]) -> list[dict[str, Any]]:
    shown = []
    for key, title, statuses in looks.TABS:
        number = sum(counts.get(status, 0) for status in statuses)
        failed = counts.get(Status.FAILED_EXPORT, 0) if key == "exported" else 0
        shown.append({"key": key, "title": title, "number": number - failed})
        if key == "exported":
            shown.append({"key": "failed", "title": "Export failed", "number": failed, "bad": bool(failed)})
    return shown


def _sides() -> list[dict[str, Any]]:
    """The four-way split of the documents whose export failed."""
    by_reason = dict(failed_documents().order_by().values_list("reason").annotate(Count("pk")))
    return [{"side": side, "number": sum(by_reason.get(reason, 0) for reason in side.reasons)} for side in looks.SIDES]


def _waiting(counts: dict[str, int]) -> list[Any]:
    """The documents that only a person can move on, the unknown outcomes first, oldest first within each kind."""
    if not counts.get(Status.FAILED_EXPORT):
        return []
    order = {reason: rank for rank, side in enumerate(looks.SIDES) for reason in side.reasons}
    rows = (
        failed_documents()
        .annotate(message=last("message"), attempt_id=last("pk"), ended=last("finished_at"))
        .select_related("queue")
        .order_by("pk")[:200]
    )
    return sorted(rows, key=lambda row: order.get(row.reason, 9))[:6]


def _nobody_listens() -> bool:
    """Work is due and no worker has been seen for a while."""
    due = Attempt.objects.filter(
        state__in=(State.QUEUED, State.RUNNING), due_at__lt=timezone.now() - timedelta(seconds=20)
    )
    alive = Loop.objects.filter(seen_at__gte=timezone.now() - LISTENING)
    return bool(due.exists() and not alive.exists())


def _first_steps() -> list[dict[str, Any]]:
    """What to do next in an empty organization."""
    pipeline = Pipeline.objects.filter(published__isnull=False).exists()
    return [
        {
            "title": "Make a pipeline",
            "text": "Its stages say what is sent where, and how the answer is judged. Publish it when it is ready.",
            "url": "admin:pipelines_pipeline_add",
            "verb": "New pipeline",
            "done": pipeline,
        },
        {
            "title": "Make a queue",
            "text": "A queue is a stream of documents that share fields and a pipeline.",
            "url": "admin:pipelines_queue_add",
            "verb": "New queue",
            "done": Queue.objects.exists(),
        },
        {
            "title": "Bring in documents",
            "text": "Upload one here, send them to the API, or run: manage.py import_documents --queue NAME FOLDER",
            "url": "admin:exports_document_add",
            "verb": "Upload a document",
            "done": False,
        },
    ]
