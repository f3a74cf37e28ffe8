"""The home page: how each destination does, what broke and on whose side, what stands still, what waits for a person.

As many statements for a million attempts as for one; tests/exports/test_home.py counts them.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone

from accounts import scope
from exports import health, looks, throughput
from exports.admin import homecharts, homestuck, sourcefacts, zones
from exports.admin.homestuck import link
from exports.models import Attempt, Document, FailureGroup
from exports.states import GroupState, State, Status
from exports.tallies import Slot, from_slot
from pipelines.models import Pipeline, Queue

GROUPS = 6
AHEAD = timedelta(hours=1)


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
    return {**context, **shown(timezone.now(), request)}


def shown(now: datetime, request: HttpRequest) -> dict[str, Any]:
    """What the template draws."""
    zone = zones.of(request)
    undone = health.undone(now)
    month, _, recent = homecharts.beginnings(now, zone)
    reading = throughput.read(
        since=min(month, now - health.USUALLY), usual_since=now - health.USUALLY, fine_since=recent
    )
    lines = health.lines(health.destinations(), undone, reading, now)
    waiting = homestuck.waiting(undone)
    ended = bool(reading.hours or reading.live)
    if (
        not (ended or undone.places or any(count["number"] for count in waiting.counts))
        and not Document.objects.exists()
    ):
        return {"first_steps": _first_steps()}
    return {
        "counts": waiting.counts,
        "lines": lines,
        "sides": _sides(undone.reasons),
        "groups": _groups(undone.groups),
        "groups_url": link("exports_failuregroup_changelist"),
        "stuck": [*homestuck.stuck(lines, undone, now), *sourcefacts.stuck()],
        "waiting": waiting,
        "charts": homecharts.ended(reading, now, zone),
        "zone": zone.key,
        **_waves(undone, now, zone),
    }


def _sides(reasons: Counter[str]) -> list[dict[str, Any]]:
    """The four-way split of the open failures."""
    return [
        {
            "side": side,
            "number": sum(reasons[reason] for reason in side.reasons),
            "url": link("exports_document_changelist", query=urlencode({"side": side.key, "open": "1"})),
        }
        for side in looks.SIDES
    ]


def _groups(open_failures: Counter[int]) -> list[dict[str, Any]]:
    """The causes with the most open documents; what is snoozed or ignored is not put before anybody."""
    if not open_failures:
        return []
    most = dict(open_failures.most_common(5 * GROUPS))
    rows = FailureGroup.objects.filter(pk__in=most).exclude(state__in=(GroupState.SNOOZED, GroupState.IGNORED))
    rows = rows.select_related("destination", "owner").defer("sample", "note")
    found = sorted(rows, key=lambda row: (-most[row.pk], -row.pk))[:GROUPS]
    attempts = "exports_attempt_changelist"
    return [
        {
            "group": row,
            "number": most[row.pk],
            "side": looks.side_of(row.reason),
            "url": link("exports_failuregroup_change", row.pk) or link(attempts, query=f"group={row.pk}&open=1"),
        }
        for row in found
    ]


def _waves(undone: health.Undone, now: datetime, zone: Any) -> dict[str, Any]:
    """How many automatic tries come due in which minutes of the next hour."""
    waiting = undone.total(State.WAITING)
    if not waiting:
        return {"waves": None, "later": 0}
    soon = Attempt.objects.filter(state=State.WAITING, due_at__lt=now + AHEAD).order_by()
    slots = soon.values_list(Slot("due_at", minutes=1)).annotate(Count("pk"))
    minutes: Counter[datetime] = Counter()
    for slot, number in slots:
        at = from_slot(slot, 1)
        minutes[max(at, now.replace(second=0, microsecond=0))] += number  # what is late comes due now
    return {"waves": homecharts.due(minutes, now, zone), "later": waiting - minutes.total()}


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
