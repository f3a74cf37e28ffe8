"""All attempts at a document as its page draws them: newest first, a page at a time, each with its stages and requests.

Bodies are never read here."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from exports import looks
from exports.admin import timeline
from exports.looks import Look
from exports.models import Attempt, Document, Exchange, StageRun
from exports.states import ENDED, RunState
from pipelines import stages

SHOWN = 10
"""Attempts of one page."""

BARS = 4
"""Requests of one stage that are drawn; of more, their number is told."""

LEGEND = (
    ("dns", "DNS"),
    ("connect", "connect"),
    ("tls", "TLS"),
    ("first_byte", "first byte"),
    ("rest", "rest of the reply"),
)
"""The parts of a bar."""

TRIGGERS = {
    "automatic": "automatically",
    "person": "by hand",
    "robot": "by a robot",
    "bulk": "in bulk",
    "resume": "resumed",
    "outside": "by a robot, outside",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One request: how it ended, and how long each part took."""

    told: str
    tone: str
    timings: list[dict[str, Any]]
    lasted: timedelta | None
    about: str


@dataclass(slots=True)
class Stretch:
    """One stage of an attempt."""

    name: str
    look: Look
    lasted: timedelta | None
    sends: bool
    bars: list[Bar] = field(default_factory=list)
    more: int = 0


@dataclass(slots=True)
class Course:
    """One attempt."""

    attempt: Attempt
    look: Look
    how: str
    who: str
    stretches: list[Stretch]
    chosen: bool


@dataclass(slots=True)
class Page:
    courses: list[Course]
    newest: Attempt | None
    chosen: Attempt | None
    number: int
    older: int | None = None
    newer: int | None = None
    """The number of the attempt that the next page begins above."""


def of(document: Document, *, chosen: int | None, below: int | None) -> Page:
    """Four queries, whatever the number of attempts. `chosen` is an attempt's number, `below` where the page begins;
    without it the page is the one that shows the chosen."""
    rows = Attempt.objects.filter(document=document).select_related("revision__pipeline").defer(
        "answer", "revision__definition"
    )  # fmt: skip
    newest = rows.order_by("-number").first()
    if newest is None:
        return Page([], None, None, 0)
    wanted = min(chosen or newest.number, newest.number)
    if below is None:
        below = newest.number + 1 - (newest.number - wanted) // SHOWN * SHOWN
    shown = list(rows.filter(number__lt=below).order_by("-number")[: SHOWN + 1])
    older = shown[SHOWN - 1].number if len(shown) > SHOWN else None
    shown = shown[:SHOWN]
    picked = next((attempt for attempt in shown if attempt.number == wanted), None)
    picked = picked or rows.filter(number=wanted).first() or newest
    stretches = _stretches(shown)
    courses = [
        Course(
            attempt,
            looks.of_reason(attempt.reason)
            if attempt.state == "failed" and attempt.reason
            else looks.of_attempt(attempt.state),
            TRIGGERS.get(attempt.trigger, attempt.trigger),
            attempt.requested_by.partition(":")[2] or attempt.requested_by,
            stretches[attempt.pk],
            attempt.pk == picked.pk,
        )
        for attempt in shown
    ]
    newer = min(below + SHOWN, newest.number + 1) if shown and shown[0].number < newest.number else None
    return Page(courses, newest, picked, newest.number, older, newer)


def _stretches(attempts: list[Attempt]) -> dict[int, list[Stretch]]:
    ids = [attempt.pk for attempt in attempts]
    over = {attempt.pk: attempt.state in ENDED for attempt in attempts}
    runs = StageRun.objects.filter(attempt_id__in=ids).only(
        "organization", "attempt_id", "name", "kind", "position", "state", "marked_at", "begun_at", "finished_at"
    )
    exchanges = Exchange.objects.filter(attempt_id__in=ids).only(
        "organization", "run_id", "attempt_id", "purpose", "method", "url", "status", "error", "timings", "begun_at",
        "ended_at",
    )  # fmt: skip
    by_run: dict[Any, list[Bar]] = defaultdict(list)
    for row in exchanges:
        by_run[row.run_id].append(_bar(row, over=over[row.attempt_id]))
    found: dict[int, list[Stretch]] = defaultdict(list)
    for run in runs.order_by("attempt_id", "position"):
        ended = over[run.attempt_id]
        unknown = run.marked_at is not None and ended
        bars = by_run[run.pk]
        found[run.attempt_id].append(
            Stretch(
                run.name,
                looks.OUTCOME_UNKNOWN if unknown else looks.RUNS.get(run.state, Look(run.state)),
                None
                if run.state in {RunState.BLOCKED, RunState.SKIPPED} or (run.finished_at is None and ended)
                else timeline.lasted(run),
                sends(run.kind),
                bars[-BARS:],
                max(len(bars) - BARS, 0),
            )
        )
    return found


def _bar(row: Exchange, *, over: bool) -> Bar:
    tone, told = timeline.ending(row, over=over)
    lasted = row.ended_at - row.begun_at if row.ended_at else None
    return Bar(told, tone, timeline.timings(row.timings), lasted, f"{row.method} {row.url}")


def sends(kind: str) -> bool:
    """Whether the other side feels a stage of this kind."""
    try:
        return bool(stages.get(kind).SENDS)
    except KeyError:
        return False
