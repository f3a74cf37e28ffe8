"""Bulk jobs: the page before one, which says exactly what would happen; how far each is, and what came of it."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, answer, here, number, post_only, require
from accounts.display import BUSY, GOOD, QUIET, WARN, badge, moment
from accounts.models import User
from exports.bulk import acts, asking, results
from exports.bulk.options import Options
from exports.models import Job
from exports.predicate import Predicate
from exports.states import JobState
from pipelines.cells import harmless
from pipelines.refusals import Refused

FORM = {"verb", "of", "why", "token", "expected", "csrfmiddlewaretoken", "next", *Options.__dataclass_fields__}
"""Parameters of the page that are no filters. Whatever else is there is one, or is refused."""

LOOKS = {
    JobState.GATHERING: ("Gathering", BUSY, "progress_activity"),
    JobState.RUNNING: ("Under way", BUSY, "progress_activity"),
    JobState.WATCHING: ("Watching the canaries", BUSY, "visibility"),
    JobState.PAUSED: ("Paused", WARN, "pause_circle"),
    JobState.SETTLING: ("Awaiting results", BUSY, "hourglass_top"),
    JobState.FINISHED: ("Finished", GOOD, "check_circle"),
    JobState.CANCELLED: ("Cancelled", QUIET, "cancel"),
}


@admin.register(Job)
class JobAdmin(DeskAdmin):
    list_display = ("what", "standing", "progress", "requested_by", "why", "began")
    list_filter = ("kind", "state", "created_at")
    search_fields = ("why", "requested_by")
    search_help_text = "By reason or person"
    ordering = ("-id",)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("new/", view(self.new), name=self.named("new")),
            path("<int:job_id>/pause/", view(self.pause), name=self.named("pause")),
            path("<int:job_id>/go-on/", view(self.go_on), name=self.named("go_on")),
            path("<int:job_id>/cancel/", view(self.cancel), name=self.named("cancel")),
            path("<int:job_id>/report.csv", view(self.report), name=self.named("report")),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A job begins where its subjects are chosen."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def new(self, request: HttpRequest) -> HttpResponse:
        """GET: the preview, and nothing has happened. POST: the request; the page's token makes a double click, and a
        second press of Back, the same job."""
        given = request.POST if request.method == "POST" else request.GET
        of = given.get("of", acts.ATTEMPTS)
        back = reverse(f"admin:exports_{'document' if of == acts.DOCUMENTS else 'attempt'}_changelist")
        try:
            chosen = acts.act(given.get("verb", ""))
            by = require(request, chosen.permission)
            predicate = Predicate.read(given, me=request.user.pk, besides=FORM)
            options = Options.read({name: given[name] for name in Options.__dataclass_fields__ if name in given})
            if request.method == "POST":
                job = asking.ask(
                    chosen.key, predicate, by=by, of=of, options=options, why=given.get("why", ""),
                    token=given.get("token", "")[:64] or secrets.token_urlsafe(24),
                    expected=number(given.get("expected", "")),
                )  # fmt: skip
                return HttpResponseRedirect(reverse("admin:exports_job_change", args=[job.pk]))
            preview = asking.preview(chosen.key, predicate, by=by, of=of, options=options)
        except Refused as refusal:
            if request.method == "POST" and given.get("verb") in acts.ACTS:
                query = given.copy()
                for name in ("csrfmiddlewaretoken", "token", "expected"):
                    query.pop(name, None)
                return answer(request, f"{request.path}?{query.urlencode()}", _raise(refusal), refused=(Refused,))
            return answer(request, back, _raise(refusal), refused=(Refused,))
        return self.page(
            request,
            "admin/exports/job_new.html",
            title=chosen.label,
            preview=preview,
            act=chosen,
            said=predicate.said(),
            hidden=[(name, value) for name, value in predicate.json().items()],
            of=of,
            on_attempts=chosen.about == acts.ATTEMPTS,
            options=options,
            why=given.get("why", ""),
            people=_people(chosen),
            token=secrets.token_urlsafe(24),
            by=by.name,
            back=f"{back}?{predicate.query()}",
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = self.found(request, object_id)
        return self.page(
            request,
            "admin/exports/job.html",
            job,
            title=self.what(job),
            job=job,
            report=results.report(job),
            told=_told(job),
            standing=self.standing(job),
            open=job.finished_at is None and job.cancelled_at is None,
            options=[(name.replace("_", " "), value) for name, value in job.options.items()],
            said=_said(job),
            items=job.items.filter(outcome__in=["done", "refused"])
            .select_related("document", "made", "attempt")
            .defer("document__metadata", "document__messages", "made__answer", "attempt__answer")
            .order_by("-position" if job.options.get("order") != "newest" else "position")[:25],
            may_change=request.user.has_perm("exports.change_job"),
        )

    @post_only
    def pause(self, request: HttpRequest, job_id: int) -> HttpResponse:
        return self._change(
            request, job_id, lambda job, by: asking.pause(job, by=by, why=request.POST.get("why", "")),
            "The job is paused. What is done stays done; nothing more is begun.",
        )  # fmt: skip

    @post_only
    def go_on(self, request: HttpRequest, job_id: int) -> HttpResponse:
        return self._change(request, job_id, lambda job, by: asking.go_on(job, by=by), "The job goes on.")

    @post_only
    def cancel(self, request: HttpRequest, job_id: int) -> HttpResponse:
        return self._change(
            request, job_id, lambda job, by: asking.cancel(job, by=by),
            "The job is cancelled. What was done stays done; the rest is not begun.",
        )  # fmt: skip

    def _change(self, request: HttpRequest, job_id: int, verb: Any, said: str) -> HttpResponse:
        job = self.found(request, str(job_id))
        by = require(request, "exports.change_job")

        def do() -> str:
            verb(job, by)
            return said

        return answer(request, reverse("admin:exports_job_change", args=[job.pk]), do, refused=(Refused,))

    def report(self, request: HttpRequest, job_id: int) -> StreamingHttpResponse:
        """Every item, as CSV; values that a spreadsheet would take for a formula are made harmless."""
        job = self.found(request, str(job_id))
        response = StreamingHttpResponse(_csv(job), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="job-{job.pk}.csv"'
        return response

    @admin.display(description="job", ordering="id")
    def what(self, obj: Job) -> str:
        label = acts.ACTS[obj.kind].label if obj.kind in acts.ACTS else obj.kind
        return f"{label}: {obj.todo:,}" if obj.begun_at else label

    @admin.display(description="state")
    def standing(self, obj: Job) -> SafeString:
        return badge(*LOOKS[JobState(obj.state)])

    @admin.display(description="progress")
    def progress(self, obj: Job) -> SafeString:
        return format_html(
            '<progress value="{}" max="{}"></progress> {} of {}', obj.done, max(obj.todo, 1), obj.done, obj.todo
        )

    @admin.display(description="began", ordering="created_at")
    def began(self, obj: Job) -> SafeString:
        return moment(obj.created_at)


def _raise(refusal: Refused) -> Any:
    def do() -> str:
        raise refusal

    return do


def _people(chosen: acts.Act) -> list[User]:
    if "assignee" not in chosen.options:
        return []
    return list(User.objects.filter(memberships__organization_id=here(), is_active=True).order_by("username"))


def _said(job: Job) -> str:
    try:
        return Predicate.from_json(job.predicate).said()
    except Refused as refusal:
        return refusal.message


def _told(job: Job) -> list[tuple[str, int, str]]:
    """The closing report in lines: what, how many, how it is to be taken."""
    report = results.report(job)
    lines = [(results.RESULTS[key], report.results[key], "good" if key == "delivered" else "bad")
             for key in results.RESULTS if key in report.results]  # fmt: skip
    if report.awaited:
        lines.append(("Sent again, result still awaited", report.awaited, "busy"))
    if report.plain:
        done = acts.ACTS[job.kind].done if job.kind in acts.ACTS else "done"
        lines.append((done.capitalize(), report.plain, "good"))
    for word, counts, tone in (("Refused", report.refused, "bad"), ("Left out", report.excluded, "quiet")):
        lines += [(f"{word}: {said}", many, tone) for said, many in sorted(counts.items(), key=lambda item: -item[1])]
    if report.todo:
        lines.append(("Not begun" if job.cancelled_at else "Still to do", report.todo, "quiet"))
    return lines


class _Line:
    """A file that gives back what is written to it: csv.writer wants one."""

    def write(self, text: str) -> str:
        return text


def _csv(job: Job) -> Iterator[str]:
    writer = csv.writer(_Line())
    for line in results.lines(job):
        yield writer.writerow([harmless(value) for value in line])
