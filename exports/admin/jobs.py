"""Bulk jobs: how far each is, and what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import DeskAdmin, answer, post_only, require
from accounts.display import BUSY, GOOD, QUIET, badge, moment
from exports import jobs
from exports.admin import repeats
from exports.models import Attempt, Job
from pipelines.refusals import Refused


@admin.register(Job)
class JobAdmin(DeskAdmin):
    list_display = ("what", "standing", "progress", "requested_by", "why", "began")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        rows: QuerySet[Job] = super().get_queryset(request)
        return rows

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("requeue/", view(self.requeue), name=self.named("requeue")),
            path("<int:job_id>/cancel/", view(self.cancel), name=self.named("cancel")),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A job begins where its subjects are chosen."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job = self.found(request, object_id)
        total = len(job.subjects)
        return self.page(
            request,
            "admin/exports/job.html",
            job,
            title=f"Send {total} again",
            job=job,
            total=total,
            percent=round(100 * job.done / total) if total else 100,
            outcomes=sorted(job.outcomes.items(), key=lambda item: -item[1]),
            standing=self.standing(job),
            open=job.finished_at is None and job.cancelled_at is None,
            made=Attempt.objects.filter(repeats_id__in=job.subjects[:500], trigger="bulk")
            .select_related("document")
            .defer("answer", "why")
            .order_by("-id")[:25],
            may_cancel=request.user.has_perm("exports.change_job"),
        )

    @post_only
    def requeue(self, request: HttpRequest) -> HttpResponse:
        return repeats.do(request)

    @post_only
    def cancel(self, request: HttpRequest, job_id: int) -> HttpResponse:
        job = self.found(request, str(job_id))
        by = require(request, "exports.change_job")

        def do() -> str:
            jobs.cancel(job, by=by)
            return "The job is cancelled. What was done stays done; the rest is not begun."

        return answer(request, reverse("admin:exports_job_change", args=[job.pk]), do, refused=(Refused,))

    @admin.display(description="job", ordering="id")
    def what(self, obj: Job) -> str:
        return f"Send {len(obj.subjects)} again" if obj.kind == "requeue" else str(obj)

    @admin.display(description="state")
    def standing(self, obj: Job) -> SafeString:
        if obj.cancelled_at:
            return badge("Cancelled", QUIET, "cancel")
        if obj.finished_at:
            return badge("Finished", GOOD, "check_circle")
        return badge("Under way", BUSY, "progress_activity")

    @admin.display(description="progress")
    def progress(self, obj: Job) -> SafeString:
        total = len(obj.subjects)
        return format_html(
            '<progress value="{}" max="{}"></progress> {} of {}', obj.done, max(total, 1), obj.done, total
        )

    @admin.display(description="began", ordering="created_at")
    def began(self, obj: Job) -> SafeString:
        return moment(obj.created_at)
