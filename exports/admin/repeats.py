"""Sending many again: first a page that says exactly how many and which not and why, then one job, once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.admin.desk import DeskAdmin, answer, number, require
from exports import jobs, looks
from exports.models import Attempt
from exports.states import ENDED, Reason, State
from pipelines.refusals import Refused

MOST = 10_000
"""Attempts of one bulk request."""
SAMPLE = 12


def ask(
    model_admin: DeskAdmin, request: HttpRequest, ids: Sequence[int], *, documents_without: int = 0
) -> HttpResponse:
    """The page between: nothing has happened yet. `documents_without` were chosen, but have no attempt to repeat."""
    by = require(request, "exports.requeue_attempt")
    rows = list(_rows(ids[:MOST]))
    left_out: dict[str, int] = {}
    can: list[Any] = []
    for row in rows:
        if why_not := excluded(row):
            left_out[why_not] = left_out.get(why_not, 0) + 1
        else:
            can.append(row)
    if documents_without:
        left_out["They were never exported: there is nothing to repeat."] = documents_without
    if len(ids) > MOST:
        left_out[f"At most {MOST:,} at once; ask again for the rest."] = len(ids) - MOST
    reasons: dict[str, int] = {}
    for row in can:
        reasons[row.reason] = reasons.get(row.reason, 0) + 1
    return model_admin.page(
        request,
        "admin/exports/requeue.html",
        title="Send again",
        chosen=len(ids) + documents_without,
        ids=",".join(str(row.pk) for row in can),
        count=len(can),
        sample=can[:SAMPLE],
        reasons=[(_look(reason), number) for reason, number in reasons.items()],
        left_out=sorted(left_out.items(), key=lambda item: -item[1]),
        token=secrets.token_urlsafe(24),
        by=by.name,
        back=reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist"),
    )  # fmt: skip


def do(request: HttpRequest) -> HttpResponse:
    """Make the job. The token of the page makes a double click, and a second press of Back, the same job."""
    by = require(request, "exports.requeue_attempt")
    ids = [pk for part in request.POST.get("ids", "").split(",") if (pk := number(part)) is not None][:MOST]
    own = set(Attempt.objects.filter(pk__in=ids).values_list("pk", flat=True))
    made: list[int] = []

    def ordered() -> str:
        if not own:
            raise Refused("None of the chosen attempts can be repeated.")
        why, token = request.POST.get("why", "").strip(), request.POST.get("token", "")[:64]
        job = jobs.requeue_many(
            [pk for pk in ids if pk in own], by=by, why=why, token=token or secrets.token_urlsafe(24)
        )
        made.append(job.pk)
        return f"{len(job.subjects)} attempts are being sent again, one after the other."

    response = answer(request, reverse("admin:exports_attempt_changelist"), ordered, refused=(Refused,))
    return HttpResponseRedirect(reverse("admin:exports_job_change", args=made)) if made else response


def excluded(row: Any) -> str:
    """Why this attempt is not repeated in bulk; empty where it is. The verb decides again for each."""
    if row.state not in ENDED:
        return "Still under way: they are repeated only when they have ended."
    if row.pk != row.newest_id:
        return "A newer attempt of the same document exists."
    if row.state == State.SUCCEEDED:
        return "Already delivered."
    if row.reason == Reason.UNCONFIRMED:
        return "Outcome unknown: each needs a look at the other side first."
    return ""


def _look(reason: str) -> looks.Look:
    """Of those that can be repeated, only a cancelled one has no reason."""
    return looks.of_reason(reason) if reason else looks.of_attempt(State.CANCELLED)


def _rows(ids: Sequence[int]) -> Any:
    newest = Attempt.objects.filter(document=OuterRef("document")).order_by("-number").values("pk")[:1]
    return (
        Attempt.objects.filter(pk__in=ids)
        .select_related("document")
        .annotate(newest_id=Subquery(newest))
        .only("pk", "state", "reason", "message", "number", "document__external_id", "organization_id")
        .order_by("pk")
    )
