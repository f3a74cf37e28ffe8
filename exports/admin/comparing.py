"""The part of the publish page that compares outputs over the last documents, asked for a few documents at a time, so
that no request is long; and the difference of one document, when somebody opens it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string

from accounts.admin.desk import number
from exports.admin import preview
from exports.comparison import Comparison, Verdict
from exports.models import Document
from pipelines.admin.differing import unified
from pipelines.errors import StageError

DOCUMENTS = 20
SECONDS = 4.0
"""After which a slice is answered with what is done; the page asks for the rest."""

LOOKS = {
    Verdict.SAME: ("quiet", "drag_handle"),
    Verdict.CHANGED: ("warn", "edit"),
    Verdict.NOW_FAILS: ("bad", "error"),
    Verdict.NOW_WORKS: ("good", "check_circle"),
    Verdict.STILL_FAILS: ("bad", "error"),
}
MOST_LINES = 600
"""Of a difference that a page shows."""


def compared(model_admin: Any) -> Callable[..., HttpResponse]:
    """The view. A POST without `documents` answers which there are to compare; one with them, how they fare: the rows
    done within a few seconds, and the ids that are left."""

    def view(request: HttpRequest, pipeline_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        pipeline = preview.seen(request, model_admin, pipeline_id)
        if "documents" not in request.POST:
            ids = list(preview.of_pipeline(pipeline).values_list("pk", flat=True)[:DOCUMENTS])
            return JsonResponse({"documents": ids})
        wanted = _ids(request.POST["documents"])
        with preview.TURNS.turn((request.user.pk, pipeline_id, "comparison")) as granted:
            if not granted:
                return JsonResponse({"rows": [], "left": wanted}, status=429)
            return _slice(request, Comparison(pipeline), wanted)

    return view


def _slice(request: HttpRequest, comparison: Comparison, wanted: list[int]) -> HttpResponse:
    rows = Document.objects.select_related("queue__schema", "fields", "original").in_bulk(wanted)
    whole = request.POST.get("whole") == "yes"
    until = time.monotonic() + SECONDS
    done: list[dict[str, Any]] = []
    for index, pk in enumerate(wanted):
        if done and time.monotonic() > until:
            return JsonResponse({"rows": done, "left": wanted[index:]})
        if pk in rows:
            done.append(_row(request, comparison, rows[pk], whole=whole))
    return JsonResponse({"rows": done, "left": []})


def _row(request: HttpRequest, comparison: Comparison, document: Document, *, whole: bool) -> dict[str, Any]:
    try:
        one = comparison.of(document)
    except StageError as error:
        told = {"id": document.pk, "verdict": "unknown"}
        context: dict[str, Any] = {"document": document, "verdict": "unknown", "look": ("bad", "error")}
        return {**told, "html": render_to_string("admin/exports/compared.html", {**context, "message": str(error)})}
    if whole:
        lines = unified(one.before, one.after)
        context = {"lines": lines[:MOST_LINES], "more": max(len(lines) - MOST_LINES, 0)}
        html = render_to_string("admin/exports/compared_lines.html", context, request)
    else:
        context = {"document": document, "verdict": one.verdict, "look": LOOKS[one.verdict], "message": one.message}
        context["differs"] = one.before != one.after
        html = render_to_string("admin/exports/compared.html", context, request)
    return {"id": document.pk, "verdict": str(one.verdict), "html": html}


def _ids(text: str) -> list[int]:
    given = [number(part) for part in text.split(",")[:DOCUMENTS]]
    return [pk for pk in given if pk is not None]
