"""The filters of annotation lists and exports (Rossum's names) as conditions on documents of the organization in scope.

Several filters must all hold, several values of one are alternatives. What Waybill has not (labels, relations between
documents, restricted access) is had by no document.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.functions import Cast, Substr

from accounts import scope
from audit.models import Event
from exports import conditions, matching
from exports.models import Document
from exports.protocols.rossum import people
from exports.readings import MOST_WORDS, fold
from exports.states import Status
from exports.wire.rossum.parameters import Given, WrongValue

WHO = {
    "confirmed_by": ("document.confirm",),
    "exported_by": ("document.export", "document.requeue", "document.finish_export"),
    "rejected_by": ("document.reject",),
    "deleted_by": ("document.delete",),
    "purged_by": ("document.purge",),
}
"""Who did it stands in the audit trail: the events of each."""

MOMENTS = {
    "arrived_at": "created_at",
    "created_at": "created_at",
    "assigned_at": "review_began_at",
    "confirmed_at": "confirmed_at",
    "modified_at": "modified_at",
    "exported_at": "exported_at",
    "export_failed_at": "export_failed_at",
    "deleted_at": "deleted_at",
    "purged_at": "purged_at",
}
"""Each with `_after`, from then on, and `_before`, until just before then."""

ORDER = {
    **MOMENTS,
    "id": "pk",
    "document": "pk",
    "document__arrived_at": "created_at",
    "document__original_file_name": "file_name",
    "queue": "queue",
    "queue__name": "queue__name",
    "status": "status",
    "modifier": "reviewer",
    "modifier__username": "reviewer",
}

NAMES = frozenset({
    "status", "id", "document", "queue", "queue__workspace", "modifier", "assignee", "assignees", "automated", "search",
    "labels", "relations__parent", "relations__type", "relations__key", "restricted_access", "rejected_at_after",
    "rejected_at_before", *WHO, *(f"{name}_{side}" for name in MOMENTS for side in ("after", "before")),
})  # fmt: skip
"""Every filter. A list ignores others; an export that moves something refuses them."""

_NAMING = frozenset({"status", "id", "document", "deleted_by", "purged_by", "deleted_at_after", "deleted_at_before",
    "purged_at_after", "purged_at_before"})  # fmt: skip
"""Whoever asks for one of these may mean what was deleted."""


def narrowed(rows: QuerySet[Document], given: Given) -> QuerySet[Document]:
    """The documents that all filters of the query let through. Without one that speaks of them, deleted and purged
    ones are left out. Raises WrongValue naming the parameter."""
    if not any(name in given for name in _NAMING):
        rows = rows.exclude(status__in=conditions.GONE)
    rows = rows.filter(_plain(given) & _people(given) & _moments(given))
    for word in fold(given.text("search")).split()[:MOST_WORDS]:
        rows = rows.filter(pk__in=matching.documents_saying(word))
    return rows


def _plain(given: Given) -> Q:
    found = Q()
    if statuses := given.words("status"):
        found &= Q(status__in=known_statuses("status", statuses))
    for name, column in (("id", "pk"), ("document", "pk"), ("queue", "queue"), ("queue__workspace", "organization")):
        if (ids := given.numbers(name)) is not None:
            found &= Q(**{f"{column}__in": ids})
    if (automated := given.flag("automated")) is not None:
        found &= Q(automated=automated)
    if given.flag("restricted_access") or any(
        name in given for name in ("labels", "relations__parent", "relations__type", "relations__key")
    ):
        found &= Q(pk__in=[])
    return found


def known_statuses(name: str, statuses: Collection[str]) -> list[str]:
    """Raises WrongValue where one is no status."""
    for status in statuses:
        if status not in set(Status):
            raise WrongValue(name, f'"{status[:60]}" is not one of the available choices.')
    return list(statuses)


def _people(given: Given) -> Q:
    found = Q()
    if (ids := given.numbers("modifier")) is not None:
        found &= by_people("modifier", people.names_of(ids))
    for name in ("assignee", "assignees"):
        if (ids := given.numbers(name)) is not None:
            found &= Q(assignee__in=ids)
    for name in WHO:
        if (ids := given.numbers(name)) is not None:
            found &= by_people(name, people.names_of(ids))
    return found


def by_people(name: str, names: Collection[str]) -> Q:
    """Documents that these, as the records call them, modify, or have confirmed, exported and so on."""
    if name == "modifier":
        return Q(reviewer__in=names) | Q(reviewer="", fields__by__in=names)
    return Q(pk__in=_subjects(WHO[name], actor__in=names))


def by_anybody(name: str) -> Q:
    """The same, whoever it was; Waybill itself is nobody."""
    if name == "modifier":
        return Q(reviewer__gt="") | Q(fields__by__startswith="user:") | Q(fields__by__startswith="key:")
    return Q(pk__in=_subjects(WHO[name]).exclude(actor__startswith="waybill:"))


def _moments(given: Given) -> Q:
    found = Q()
    for name, column in MOMENTS.items():
        if (after := given.moment(f"{name}_after")) is not None:
            found &= Q(**{f"{column}__gte": after})
        if (before := given.moment(f"{name}_before")) is not None:
            found &= Q(**{f"{column}__lt": before})
    rejected: dict[str, Any] = {}
    if (after := given.moment("rejected_at_after")) is not None:
        rejected["at__gte"] = after
    if (before := given.moment("rejected_at_before")) is not None:
        rejected["at__lt"] = before
    if rejected:
        found &= Q(status=Status.REJECTED, pk__in=_subjects(WHO["rejected_by"], **rejected))
    return found


def _subjects(verbs: Collection[str], **conditions: Any) -> QuerySet[Any]:
    """Ids of documents of which the trail of the organization in scope has such an event."""
    events = Event.objects.filter(organization_id=scope.current() or 0, verb__in=verbs, **conditions)
    return events.annotate(document=Cast(Substr("subject", len("document:") + 1), BigIntegerField())).values("document")
