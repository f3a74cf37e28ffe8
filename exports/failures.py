"""Failure groups as the desk and the API show them: counted, filtered, sorted, with their hours; a few queries each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from exports import hints, looks
from exports.models import Attempt, FailureGroup, FailureHour, Hint
from exports.states import GroupState, State

VIEWS: dict[str, tuple[str, ...]] = {
    "open": (GroupState.OPEN, GroupState.ACKNOWLEDGED),
    "snoozed": (GroupState.SNOOZED,),
    "ignored": (GroupState.IGNORED,),
    "resolved": (GroupState.RESOLVED,),
    "all": tuple(GroupState),
}
"""Of the list. What is open waits for somebody, whether or not somebody knows of it already."""

SORTS = {
    "documents": "Most documents",
    "newest": "Newest failure",
    "oldest": "Longest known",
    "attempts": "Most attempts",
}


@dataclass(slots=True)
class Row:
    """One group with what is merged into it."""

    group: FailureGroup
    documents: int = 0
    """Whose export has failed for this cause and waits for somebody."""
    attempts: int = 0
    merged: list[int] = field(default_factory=list)
    hours: list[int] = field(default_factory=list)
    hint: hints.Advice | None = None

    @property
    def look(self) -> looks.Look:
        return looks.of_reason(self.group.reason)

    @property
    def side(self) -> looks.Side | None:
        return looks.side_of(self.group.reason)


def open_documents() -> dict[int | None, int]:
    """How many open failures each group has, in the organization in scope; under None those that have no group yet."""
    failed = Attempt.objects.filter(state=State.FAILED, resolution="").order_by()
    return dict(failed.values_list("group_id").annotate(Count("pk")))


def kin() -> dict[int, int]:
    """Of each group that is merged, the one it was merged into."""
    return dict(FailureGroup.objects.exclude(merged_into=None).order_by().values_list("pk", "merged_into_id"))


def sides(counts: Mapping[int | None, int]) -> list[tuple[looks.Side, int]]:
    """The four-way split of open failed documents, whatever the state of their groups."""
    known = {pk for pk in counts if pk is not None}
    reasons = dict(FailureGroup.objects.filter(pk__in=known).order_by().values_list("pk", "reason"))
    by_reason: dict[str, int] = defaultdict(int)
    for pk, number in counts.items():
        by_reason[reasons.get(pk or 0, "")] += number
    if None in counts:  # from the last second; the sweep gives them their group
        orphans = Attempt.objects.filter(state=State.FAILED, resolution="", group=None).order_by()
        for reason, number in orphans.values_list("reason").annotate(Count("pk")):
            by_reason[reason] += number
    return [(side, sum(by_reason[reason] for reason in side.reasons)) for side in looks.SIDES]


def chosen(
    *,
    states: Collection[str],
    side: str = "",
    destination: int | None = None,
    owner: int | None = None,
    nobodys: bool = False,
    text: str = "",
) -> QuerySet[Any]:
    """The groups of the organization in scope that stand for themselves and fit."""
    rows: QuerySet[Any] = FailureGroup.objects.filter(merged_into=None, state__in=states)
    if found := next((each for each in looks.SIDES if each.key == side), None):
        rows = rows.filter(reason__in=found.reasons)
    if destination is not None:
        rows = rows.filter(destination=destination)
    if owner is not None:
        rows = rows.filter(owner=owner)
    if nobodys:
        rows = rows.filter(owner=None)
    if text:
        rows = rows.filter(Q(title__icontains=text) | Q(pattern__icontains=text) | Q(sample__icontains=text))
    return rows


def ordered(groups: QuerySet[Any], counts: Mapping[int | None, int], sort: str) -> list[int]:
    """Their ids; groups are as many as there are causes, which people can still look through."""
    into = kin()
    documents: dict[int, int] = defaultdict(int)
    for pk, number in counts.items():
        if pk is not None:
            documents[into.get(pk, pk)] += number
    rows = list(groups.order_by("-last_seen", "-pk").values_list("pk", "first_seen", "attempts_seen"))
    match sort:
        case "oldest":
            rows.sort(key=lambda row: row[1])
        case "attempts":
            rows.sort(key=lambda row: -row[2])
        case "newest":
            pass
        case _:
            rows.sort(key=lambda row: -documents[row[0]])
    return [pk for pk, _, _ in rows]


def rows(ids: Sequence[int], counts: Mapping[int | None, int], now: datetime, *, hours: int = 24) -> list[Row]:
    """These groups, in this order, ready to be shown."""
    groups = FailureGroup.objects.select_related("destination", "pipeline", "revision", "owner").defer(
        "revision__definition", "revision__note"
    )
    found = groups.in_bulk(list(ids))
    shown = {pk: Row(found[pk]) for pk in ids if pk in found}
    merged = FailureGroup.objects.filter(merged_into__in=shown).order_by("pk")
    root = {pk: pk for pk in shown}
    for row in shown.values():
        row.attempts, row.documents = row.group.attempts_seen, counts.get(row.group.pk, 0)
    for pk, into, seen, first in merged.values_list("pk", "merged_into_id", "attempts_seen", "first_seen"):
        row = shown[into]
        row.merged.append(pk)
        row.attempts += seen
        row.documents += counts.get(pk, 0)
        row.group.first_seen = min(row.group.first_seen, first)
        root[pk] = into
    rules: list[Hint] = hints.active()
    by_hour = _hours(root, now, hours)
    for row in shown.values():
        row.hours = by_hour[row.group.pk]
        row.hint = hints.hint_for(row.group, rules)
    return list(shown.values())


def _hours(root: Mapping[int, int], now: datetime, number: int) -> dict[int, list[int]]:
    """Failures an hour, the oldest first; what was merged counts with the group it is shown in."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    begin = this - timedelta(hours=number - 1)
    counted: dict[int, list[int]] = defaultdict(lambda: [0] * number)
    found = FailureHour.objects.filter(group__in=root, hour__gte=begin, hour__lte=this)
    for pk, hour, attempts in found.values_list("group_id", "hour", "attempts"):
        counted[root[pk]][int((hour - begin).total_seconds() // 3600)] += attempts
    return counted
