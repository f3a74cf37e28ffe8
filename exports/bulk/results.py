"""What came of a bulk job: of each new attempt whether it was delivered, failed as before or failed anew; and the
report that closes the job. Every figure is a count of its items, so the parts always add up to what matched."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, Count, Q, Value, When
from django.db.models.functions import Coalesce

from exports.models import Attempt, Job, JobItem
from exports.states import ENDED, Reason, State

MOST = 2000
"""Results that one look takes up."""

RESULTS = {
    "delivered": "Delivered",
    "same_error": "Failed with the same error",
    "new_error": "Failed with a new error",
    "unknown": "Outcome unknown: look at the other side",
    "cancelled": "Cancelled",
}


def settle(job: Job) -> int:
    """Keep the results of the new attempts that have ended meanwhile; returns how many."""
    ended = job.items.filter(outcome="done", result="", made__state__in=sorted(ENDED)).order_by()
    found = list(ended.values_list("pk", "made_id", "attempt_id")[:MOST])
    ends = _ends({pk for _, *attempts in found for pk in attempts if pk is not None})
    by_result: dict[str, list[int]] = {}
    for pk, made, attempt in found:
        by_result.setdefault(_result(ends[made], ends.get(attempt)), []).append(pk)
    for result, ids in by_result.items():
        JobItem.objects.filter(pk__in=ids).update(result=result)
    return len(found)


@dataclass(frozen=True, slots=True)
class _End:
    """How one attempt ended. `cause` is its failure group, the one that it was merged into."""

    state: str
    reason: str
    message: str
    cause: int | None


def _ends(ids: Collection[int]) -> dict[int, _End]:
    """Asked for by their ids alone: joined to the items, new and old ones with both their groups, a planner that has
    no figures of the table yet (PostgreSQL, minutes after many rows came) reads it once for each item."""
    cause = Coalesce("group__merged_into_id", "group_id")
    rows = Attempt.objects.filter(pk__in=ids).order_by()
    return {pk: _End(*end) for pk, *end in rows.values_list("pk", "state", "reason", "message", cause)}


def _result(made: _End, before: _End | None) -> str:
    if made.state == State.SUCCEEDED:
        return "delivered"
    if made.state == State.CANCELLED:
        return "cancelled"
    if made.reason == Reason.UNCONFIRMED:
        return "unknown"
    if before is None:
        return "new_error"
    if made.cause is None and before.cause is None:
        return "same_error" if (made.reason, made.message) == (before.reason, before.message) else "new_error"
    return "same_error" if made.cause == before.cause else "new_error"


def on_their_way(job: Job, *, more_than: int = 0) -> bool:
    """Whether (more than so many) attempts that the job made have no result yet."""
    waiting = job.items.filter(outcome="done", result="", made__isnull=False).order_by()
    return len(waiting.values_list("pk", flat=True)[: more_than + 1]) > more_than


def shares(job: Job) -> tuple[int, int]:
    """How many results are known, and how many of them are failures."""
    known = job.items.filter(outcome="done").exclude(result="").aggregate(
        known=Count("pk"), failed=Count("pk", filter=~Q(result="delivered"))
    )  # fmt: skip
    return int(known["known"]), int(known["failed"])


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of a job's items. `todo` + `refused` + `excluded` + `plain` + `awaited` + the results = `total`."""

    total: int = 0
    todo: int = 0
    """Not done yet; after a cancellation, never done."""
    plain: int = 0
    """Done, by an act that makes no attempt."""
    awaited: int = 0
    """Sent again, and not ended."""
    results: dict[str, int] = field(default_factory=dict)
    """By RESULTS."""
    refused: dict[str, int] = field(default_factory=dict)
    """By what was said."""
    excluded: dict[str, int] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """As the API and the audit trail show it."""
        return {
            "total": self.total,
            "todo": self.todo,
            "done": self.plain,
            "awaited": self.awaited,
            "results": self.results,
            "refused": self.refused,
            "excluded": self.excluded,
        }


def report(job: Job) -> Report:
    """In one query."""
    counted = (
        job.items.order_by()
        .annotate(makes=Case(When(made__isnull=False, then=Value(1)), default=Value(0)))
        .values_list("outcome", "result", "said", "makes")
        .annotate(number=Count("pk"))
    )
    plain = awaited = todo = 0
    found: dict[str, dict[str, int]] = {"results": {}, "refused": {}, "excluded": {}}
    for outcome, result, said, makes, number in counted:
        if outcome == "":
            todo += number
        elif outcome in {"refused", "excluded"}:
            found[outcome][said] = found[outcome].get(said, 0) + number
        elif result:
            found["results"][result] = found["results"].get(result, 0) + number
        elif makes:
            awaited += number
        else:
            plain += number
    total = todo + plain + awaited + sum(sum(part.values()) for part in found.values())
    return Report(total, todo, plain, awaited, **found)


def lines(job: Job) -> Iterator[tuple[Any, ...]]:
    """The report item by item, for a CSV: the first row names the columns. Memory stays flat."""
    yield (
        "position",
        "document",
        "attempt",
        "outcome",
        "why",
        "new attempt",
        "result",
        "message before",
        "message now",
    )
    items = job.items.order_by("position").values_list(
        "position", "document__external_id", "attempt__number", "outcome", "said", "made__number", "result",
        "attempt__message", "made__message",
    )  # fmt: skip
    for position, document, attempt, outcome, said, made, result, before, now in items.iterator(chunk_size=1000):
        told = outcome or "not done"
        yield (position, document, attempt, told, said, made, RESULTS.get(result, result), before, now)
