"""Failed exports by their cause: the list that a clerk begins with, one group's page, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse
from django.utils import timezone

from accounts.admin.desk import DeskAdmin, answer, here, number, post_only, require
from accounts.display import BAD, GOOD, QUIET, WARN
from accounts.models import User
from audit.models import Event
from exports import alerts, failures, groups, looks
from exports.admin import sparkline
from exports.admin.lists import kinds, page
from exports.models import FailureGroup
from exports.states import GroupState
from pipelines.models import Destination
from pipelines.refusals import Refused

PAGE = 50
SNOOZES = (
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("tomorrow", "Until tomorrow, 08:00"),
    ("monday", "Until Monday, 08:00"),
)
STATES = {
    GroupState.OPEN: looks.Look("Open", BAD, "error"),
    GroupState.ACKNOWLEDGED: looks.Look("Acknowledged", WARN, "visibility"),
    GroupState.SNOOZED: looks.Look("Snoozed", QUIET, "snooze"),
    GroupState.RESOLVED: looks.Look("Resolved", GOOD, "check_circle"),
    GroupState.IGNORED: looks.Look("Ignored", QUIET, "notifications_off"),
}
ACTS = ("acknowledge", "snooze", "take", "assign", "ignore", "reopen", "rename", "merge", "unmerge", "split")


@admin.register(FailureGroup)
class FailureGroupAdmin(DeskAdmin):
    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        acts = [
            path(f"<int:failuregroup_id>/{name}/", view(getattr(self, name)), name=self.named(name)) for name in ACTS
        ]
        return [*acts, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A group begins with its first failure."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        require(request, "exports.view_failuregroup")
        now, asked = timezone.now(), request.GET
        view = asked.get("state", "open") if asked.get("state", "open") in failures.VIEWS else "open"
        sort = asked.get("sort", "documents") if asked.get("sort", "documents") in failures.SORTS else "documents"
        counts = failures.open_documents()
        owner = asked.get("owner", "")
        found = failures.chosen(
            states=failures.VIEWS[view],
            side=asked.get("side", ""),
            destination=number(asked.get("destination", "")),
            owner=request.user.pk if owner == "me" else number(owner),
            nobodys=owner == "none",
            text=asked.get("q", "").replace("\0", "").strip()[:200],
        )
        ids = failures.ordered(found, counts, sort)
        at = max(1, number(asked.get("p", "")) or 1)
        shown = failures.rows(ids[(at - 1) * PAGE : at * PAGE], counts, now)
        by_state = dict(
            FailureGroup.objects.filter(merged_into=None).order_by().values_list("state").annotate(Count("pk"))
        )
        return self.page(
            request,
            "admin/exports/groups.html",
            title="Failed exports",
            rows=[_drawn(row) for row in shown],
            sides=failures.sides(counts),
            side=next((side for side in looks.SIDES if side.key == asked.get("side")), None),
            views=[
                (key, key.capitalize(), sum(by_state.get(state, 0) for state in states))
                for key, states in failures.VIEWS.items()
            ],
            view=view,
            sort=sort,
            sorts=failures.SORTS.items(),
            owner=owner,
            destination=number(asked.get("destination", "")),
            destinations=Destination.objects.order_by("name").only("pk", "name"),
            total=len(ids),
            page=at,
            pages=range(1, -(-len(ids) // PAGE) + 1),
            query=_without(asked, "p"),
            narrowed=any(asked.get(name) for name in ("side", "destination", "owner", "q")),
            anything=bool(by_state),
            may_change=request.user.has_perm(groups.CHANGE),
            snoozes=SNOOZES,
            again=_again_url(request),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        group = self.found(request, object_id)
        counts = failures.open_documents()
        [row] = failures.rows([group.pk], counts, timezone.now(), hours=7 * 24)
        events = Event.objects.filter(organization_id=here(), subject=f"failure_group:{group.pk}").order_by("-id")
        others = FailureGroup.objects.filter(merged_into=None).exclude(pk=group.pk).exclude(state=GroupState.RESOLVED)
        return self.page(
            request,
            "admin/exports/group.html",
            group,
            title=str(group)[:120],
            row=_drawn(row, wide=True),
            group=row.group,
            **page.build(request, kinds.GROUP, fixed={"group": str(group.pk), "open": "1"}, bare=True),
            asks=request.GET.get("acknowledge") == "1",
            merged=FailureGroup.objects.filter(pk__in=row.merged).order_by("pk") if row.merged else [],
            into=FailureGroup.objects.filter(pk=group.merged_into_id).first() if group.merged_into_id else None,
            others=others.order_by("-last_seen").only("pk", "title", "pattern", "stage", "reason")[:100],
            members=groups.members(here()),
            events=events[:100],
            may_change=request.user.has_perm(groups.CHANGE),
            snoozes=SNOOZES,
            again=_again_url(request),
        )

    def _do(self, request: HttpRequest, group_id: int, verb: Callable[[FailureGroup, Any], str]) -> HttpResponse:
        group = self.found(request, str(group_id))
        by = require(request, groups.CHANGE)
        to = [_page_of(group.pk)]
        if request.POST.get("back") == "list":
            query = QueryDict(request.POST.get("query", "")).urlencode()
            to = [reverse("admin:exports_failuregroup_changelist") + (f"?{query}" if query else "")]
        response: HttpResponse = answer(request, to[0], lambda: verb(group, by), refused=(Refused,))
        return response

    @post_only
    def acknowledge(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            groups.acknowledge(group, by=by, note=request.POST.get("note", ""))
            assert isinstance(request.user, User)
            alerts.acknowledge_about(group, by=by, user=request.user)
            return "Acknowledged: the others see that somebody knows."

        return self._do(request, failuregroup_id, do)

    @post_only
    def snooze(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            until = _until(request.POST.get("until", ""), request.user)
            groups.snooze(group, until, by=by, note=request.POST.get("note", ""))
            return "Snoozed: it comes back by itself."

        return self._do(request, failuregroup_id, do)

    @post_only
    def take(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            assert isinstance(request.user, User)
            groups.assign(group, request.user, by=by)
            return "It is yours."

        return self._do(request, failuregroup_id, do)

    @post_only
    def assign(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            chosen = number(request.POST.get("owner", ""))
            owner = groups.members(here()).filter(pk=chosen).first() if chosen is not None else None
            if chosen is not None and owner is None:
                raise Refused("Choose a member of this organization.")
            groups.assign(group, owner, by=by)
            return f"It belongs to {owner.get_username() if owner else 'nobody'}."

        return self._do(request, failuregroup_id, do)

    @post_only
    def ignore(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            groups.ignore(group, by=by, note=request.POST.get("note", ""))
            return "Ignored: no alerts, not in the list. Its documents still count as failed."

        return self._do(request, failuregroup_id, do)

    @post_only
    def reopen(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            groups.reopen(group, by=by, note=request.POST.get("note", ""))
            return "It is open again."

        return self._do(request, failuregroup_id, do)

    @post_only
    def rename(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            groups.rename(group, request.POST.get("title", ""), by=by)
            return "The name is kept."

        return self._do(request, failuregroup_id, do)

    @post_only
    def merge(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        """This group into another one."""
        group = self.found(request, str(failuregroup_id))
        by = require(request, groups.CHANGE)
        into = FailureGroup.objects.filter(pk=number(request.POST.get("into", "")) or 0).first()

        def do() -> str:
            if into is None:
                raise Refused("Choose the group to merge it into.")
            groups.merge([group], into, by=by, why=request.POST.get("why", ""))
            return "Merged. It can be taken back below."

        return answer(request, _page_of(into.pk if into else group.pk), do, refused=(Refused,))

    @post_only
    def unmerge(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        def do(group: FailureGroup, by: Any) -> str:
            groups.unmerge(group, by=by)
            return "It stands for itself again."

        return self._do(request, failuregroup_id, do)

    @post_only
    def split(self, request: HttpRequest, failuregroup_id: int) -> HttpResponse:
        group = self.found(request, str(failuregroup_id))
        by = require(request, groups.CHANGE)
        made: list[FailureGroup] = []

        def do() -> str:
            child = groups.split(group, request.POST.get("text", ""), by=by, title=request.POST.get("title", ""))
            made.append(child)
            number_of = f"{child.attempts_seen} failure{'' if child.attempts_seen == 1 else 's'}"
            return f"Split: {number_of} and those to come are a group of their own."

        response = answer(request, _page_of(group.pk), do, refused=(Refused,))
        return HttpResponseRedirect(_page_of(made[0].pk)) if made else response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """It stands on its page."""
        return HttpResponseRedirect(_page_of(self.found(request, object_id).pk))


def _drawn(row: failures.Row, *, wide: bool = False) -> dict[str, Any]:
    """A row with its state's look and its sparkline."""
    if wide:
        hours = row.hours
        quarters = [sum(hours[first : first + 6]) for first in range(0, len(hours), 6)]
        spark = sparkline.draw(quarters, span="in the last 7 days", unit="quarter of a day", wide=True)
    else:
        spark = sparkline.draw(row.hours, span="in the last 24 hours", unit="hour")
    return {"row": row, "group": row.group, "state": STATES[GroupState(row.group.state)], "spark": spark}


def _without(asked: QueryDict, name: str) -> str:
    kept = asked.copy()
    kept.pop(name, None)
    return kept.urlencode()


def _until(choice: str, user: Any) -> datetime:
    now = timezone.now().astimezone(ZoneInfo(getattr(user, "time_zone", "") or "UTC"))
    morning = now.replace(hour=8, minute=0, second=0, microsecond=0)
    match choice:
        case "1h":
            return now + timedelta(hours=1)
        case "4h":
            return now + timedelta(hours=4)
        case "tomorrow":
            return morning + timedelta(days=1)
        case "monday":
            return morning + timedelta(days=7 - now.weekday())
    raise Refused("Choose until when.")


def _again_url(request: HttpRequest) -> str:
    """Where sending all of a group again begins; empty for whoever may not."""
    return reverse("admin:exports_job_new") if request.user.has_perm("exports.requeue_attempt") else ""


def _page_of(group_id: int) -> str:
    return reverse("admin:exports_failuregroup_change", args=[group_id])
