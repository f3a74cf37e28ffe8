"""What does not go on by itself, and why; and what waits for a person. Each with the way to where it is put right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Min, Q, Subquery
from django.urls import NoReverseMatch, reverse

from accounts import scope
from accounts.display import span
from audit.models import Event, Watermark
from exports.health import OPEN, Line, Undone
from exports.models import Attempt, ClientTask, Document, Loop
from exports.states import Reason, State, Status, TaskState

LISTENING = timedelta(seconds=60)
"""A drain loop that has not been seen for so long counts as gone."""
UNSEALED = timedelta(minutes=5)
UNINDEXED = timedelta(minutes=15)
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Stuck:
    """One thing that stands still."""

    tone: str
    symbol: str
    what: str
    why: str
    url: str = ""
    since: datetime | None = None


def link(name: str, *args: Any, query: str = "") -> str:
    """An address of the admin; empty where that page is not there."""
    try:
        found = reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""
    return f"{found}?{query}" if query else found


def stuck(lines: list[Line], undone: Undone, now: datetime) -> list[Stuck]:
    found = [*_workers(undone, now), *(_place(line) for line in lines if line.word in {"Paused", "Breaker open"})]
    attempts = "exports_attempt_changelist"
    if lost := sum(there.lost for there in undone.places.values()):
        what = _many(lost, "attempt runs", "attempts run") + " without a worker"
        text = "Their worker went silent, and no other one has taken them over yet."
        found.append(Stuck("bad", "heart_broken", what, text, link(attempts, query="state=running")))
    if paused := undone.total(State.PAUSED):
        found.append(Stuck("warn", "pause_circle", _many(paused, "attempt is", "attempts are") + " paused",
                           "A person holds them; they go on when somebody resumes them.",
                           link(attempts, query="state=paused")))  # fmt: skip
    if parked := undone.total(State.PARKED):
        ends = min((there.park_ends_at for there in undone.places.values() if there.park_ends_at), default=None)
        left = f" The first gives up in {span(ends - now)}." if ends and ends > now else ""
        url = link(attempts, query="state=parked")
        if fetched := _clients():
            what = _many(fetched.tasks, "export waits", "exports wait") + " for an outside client"
            found.append(Stuck("warn", "move_to_inbox", what, f"{fetched.told}{left}", url, fetched.since))
        if parked > fetched.attempts:
            what = _many(parked - fetched.attempts, "attempt waits", "attempts wait") + " for an answer"
            found.append(Stuck("warn", "hourglass_top", what, f"Somebody outside has to answer.{left}", url))
    return [*found, *_behind(now)]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is offered to outside clients and not reported on yet."""

    tasks: int
    attempts: int
    taken: int
    silent: int
    since: datetime | None

    def __bool__(self) -> bool:
        return self.tasks > 0

    @property
    def told(self) -> str:
        free = self.tasks - self.taken
        parts = [f"{free:,} not taken by anybody" if free else "", f"{self.taken:,} taken" if self.taken else ""]
        told = " and ".join(part for part in parts if part) + "."
        silent = f" {_many(self.silent, 'was', 'were')} taken before by a client that never reported."
        return told + (silent if self.silent else "")


def _clients() -> Fetched:
    live = ClientTask.objects.filter(state__in=[TaskState.OFFERED, TaskState.STARTED]).order_by()
    counted = live.aggregate(
        tasks=Count("pk"), attempts=Count("attempt", distinct=True), since=Min("created_at"),
        taken=Count("pk", filter=Q(state=TaskState.STARTED)), silent=Count("pk", filter=Q(silences__gt=0)),
    )  # fmt: skip
    return Fetched(**counted)


def _place(line: Line) -> Stuck:
    held = line.standing.queued + line.standing.waiting
    what = f"{line.name}: {'paused' if line.word == 'Paused' else 'breaker open'}" + (
        f", {held:,} held" if held else ""
    )
    why = line.why
    return Stuck(line.tone, line.symbol, what, why, link("pipelines_destination_change", line.place), line.since)


def _workers(undone: Undone, now: datetime) -> list[Stuck]:
    """Work is due and nobody takes it."""
    if not undone.total(State.QUEUED) + undone.total(State.RUNNING):
        return []
    if Loop.objects.filter(seen_at__gte=now - LISTENING).exists():
        return []
    text = "Exports are due, but nobody takes them up. Start one: manage.py qcluster"
    return [Stuck("bad", "power_off", "No worker is running", text)]


def _behind(now: datetime) -> list[Stuck]:
    """Work behind the exports that has fallen back."""
    found = []
    settled = Watermark.objects.order_by("pk").values("settled")[:1]
    unsealed = Event.objects.filter(organization_id=scope.current() or 0, seal=None, at__lt=now - UNSEALED)
    oldest = unsealed.filter(pk__gt=Subquery(settled)).order_by("pk").values_list("at", flat=True).first()
    if oldest is not None:
        text = "What is recorded is sealed by the workers, within seconds as a rule."
        found.append(Stuck("warn", "lock_open", "The audit trail is not sealed", text, since=oldest))
    unindexed = Document.objects.filter(unindexed=True, modified_at__lt=now - UNINDEXED).order_by("pk")
    if behind := unindexed.values_list("pk", flat=True)[:1000].count():
        shown = "more than 999" if behind == 1000 else f"{behind:,}"
        found.append(Stuck("warn", "search_off", f"Search does not know {shown} documents yet",
                           "Their field values are newer than what it finds; the workers catch up."))  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """What only a person can move on."""

    unknown: list[Attempt]
    parked: list[Attempt]
    counts: list[dict[str, Any]]


def waiting(undone: Undone) -> Waiting:
    rows = Attempt.objects.select_related("document__queue").only(
        "reason", "message", "finished_at", "created_at", "parked_on", "deadline", "stage", "state",
        "document__external_id", "document__queue__name",
    )  # fmt: skip
    unknown, parked = (
        Attempt.objects.filter(OPEN, reason=Reason.UNCONFIRMED).order_by("pk").values("pk")[:SHOWN],
        Attempt.objects.filter(state=State.PARKED).order_by("pk").values("pk")[:SHOWN],
    )
    wanted = [Q(pk__in=unknown)] * bool(undone.reasons[Reason.UNCONFIRMED])
    wanted += [Q(pk__in=parked)] * bool(undone.total(State.PARKED))
    found = list(rows.filter(reduce(or_, wanted)).order_by("pk")) if wanted else []
    return Waiting(
        [attempt for attempt in found if attempt.state != State.PARKED],
        [attempt for attempt in found if attempt.state == State.PARKED],
        _documents(undone),
    )


def _documents(undone: Undone) -> list[dict[str, Any]]:
    """Where documents lie; those that are exported or gone are not counted: they are most, and nobody has to act."""
    lying = (
        Status.TO_REVIEW,
        Status.REVIEWING,
        Status.IN_WORKFLOW,
        Status.FAILED_IMPORT,
        Status.CONFIRMED,
        Status.POSTPONED,
    )
    rows = Document.objects.filter(status__in=lying).order_by().values_list("status").annotate(Count("pk"), Min("pk"))
    counts = {status: number for status, number, _ in rows}
    reviews = sum(counts.get(status, 0) for status in lying[:4])
    documents = "exports_document_changelist"
    under_way = sum(there.under_way for there in undone.places.values())
    shown = (
        ("To review", reviews, "tab=to_review"),
        ("Confirmed", counts.get(Status.CONFIRMED, 0), "tab=confirmed"),
        ("Exporting", under_way, "tab=exporting"),
        ("Export failed", undone.failed, "tab=failed&open=1"),
        ("Postponed", counts.get(Status.POSTPONED, 0), "tab=postponed"),
    )
    return [
        {
            "title": title,
            "number": number,
            "url": link(documents, query=query),
            "bad": title == "Export failed" and number,
        }
        for title, number, query in shown
    ]


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
