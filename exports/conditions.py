"""What each parameter of a predicate means to the database: conditions on attempts and on documents.

Reading the parameters lives in exports/parameters.py; putting the conditions together in exports/predicate.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from accounts import scope
from exports import looks, matching
from exports.models import Attempt, FailureGroup
from exports.readings import Range
from exports.states import State, Status
from exports.worklist import lane

OPEN = Q(state=State.FAILED, resolution="")
"""An open failure: its document's newest attempt, and somebody has to act. (exports/states.py, Resolution)"""
GONE = (Status.DELETED, Status.PURGED)
"""Documents that lists leave out unless they are asked for."""
_CLAIMED = Q(state__in=(State.RUNNING, State.SUCCEEDED, State.FAILED))
"""Its last claim counts as a try, besides those that ended in waiting."""
_TABS = {key: statuses for key, _, statuses in looks.TABS} | {
    "failed": (Status.FAILED_EXPORT,),
    "deleted": (Status.DELETED,),
    "purged": (Status.PURGED,),
}
_REASONS = {side.key: side.reasons for side in looks.SIDES}


def newest() -> Exists:
    """No later attempt of the same document. An attempt without a document is its own newest."""
    later = Attempt.objects.filter(document_id=OuterRef("document_id"), number__gt=OuterRef("number"))
    return ~Exists(later)  # type: ignore[return-value]


def with_merged(group_ids: Iterable[int]) -> list[int]:
    """The groups and all that were merged into them, however often."""
    found = list(dict.fromkeys(group_ids))
    more = found
    while more:
        rows = FailureGroup.objects.filter(merged_into__in=more).order_by("pk").values_list("pk", flat=True)
        more = [pk for pk in rows if pk not in found]
        found = [*found, *more]
    return found


def between(column: str, wanted: Range) -> Q:
    found = Q()
    if wanted.low is not None:
        found &= Q(**{f"{column}__gte": wanted.low})
    if wanted.high is not None:
        found &= Q(**{f"{column}__{'lt' if wanted.open_end else 'lte'}": wanted.high})
    return found


def _any(conditions: Iterable[Q]) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def _destination(wanted: tuple[int, ...]) -> Q:
    """Of the stage that failed; of an attempt without a cause, where its pipeline sends to first."""
    lanes = [lane(scope.current() or 0, pk) for pk in wanted]
    return Q(group__destination__in=wanted) | Q(group__isnull=True, lane__in=lanes)


def _tries(wanted: Range) -> Q:
    """As pages count them: the claims that ended in waiting, and the last one where it began."""
    low, high = (None if side is None else side - 1 for side in (wanted.low, wanted.high))
    less = Range(low, high)
    return (_CLAIMED & between("tries", less)) | (~_CLAIMED & between("tries", wanted))


def _ended(condition: str, at: datetime) -> Q:
    """By when it ended; while it has not, by when it began."""
    return Q(**{f"finished_at__{condition}": at}) | Q(**{"finished_at": None, f"created_at__{condition}": at})


OF_ATTEMPTS: dict[str, Callable[[Any], Q]] = {
    "group": lambda wanted: Q(group__in=with_merged(wanted)),
    "side": lambda wanted: Q(reason__in=[reason for side in wanted for reason in _REASONS[side]]),
    "reason": lambda wanted: Q(reason__in=wanted),
    "destination": _destination,
    "pipeline": lambda wanted: Q(revision__pipeline__in=wanted),
    "stage": lambda wanted: Q(stage__in=wanted),
    "code": lambda wanted: _any(between("http_status", part) for part in wanted),
    "state": lambda wanted: Q(state__in=wanted),
    "open": lambda wanted: OPEN if wanted else ~OPEN,
    "resolution": lambda wanted: Q(resolution__in=wanted),
    "tries": _tries,
    "trigger": lambda wanted: Q(trigger__in=wanted),
    "since": lambda wanted: _ended("gte", wanted),
    "until": lambda wanted: _ended("lt", wanted),
    "begun": lambda wanted: between("created_at", wanted),
    "reply": matching.attempts_answered,
    "revision": lambda wanted: Q(revision__in=wanted),
    "ids": lambda wanted: Q(pk__in=wanted),
    "last": lambda _wanted: Q(),
}
"""Of a documents list they speak of each document's newest attempt."""


def _assignee(wanted: tuple[int | None, ...], at: str) -> Q:
    found = Q(**{f"{at}assignee__in": [pk for pk in wanted if pk is not None]})
    return found | Q(**{f"{at}assignee__isnull": True}) if None in wanted else found


OF_DOCUMENTS: dict[str, Callable[[Any, str], Q]] = {
    "queue": lambda wanted, at: Q(**{f"{at}queue__in": wanted}),
    "assignee": _assignee,
    "document": lambda wanted, at: Q(**{f"{at}id__in": wanted}),
    "status": lambda wanted, at: Q(**{f"{at}status__in": wanted}),
    "tab": lambda wanted, at: Q(**{f"{at}status__in": [status for tab in wanted for status in _TABS[tab]]}),
    "arrived": lambda wanted, at: between(f"{at}created_at", wanted),
    "modified": lambda wanted, at: between(f"{at}modified_at", wanted),
    "external_id": lambda wanted, at: Q(**{f"{at}external_id__in": wanted}),
    "automated": lambda wanted, at: Q(**{f"{at}automated": wanted}),
}
"""`at` leads from the row to its document: "" or "document__"."""
NAMING_A_STANDING = frozenset({"status", "tab", "document", "external_id"})
"""Whoever asks for one of these may mean deleted documents too."""
WORDS = frozenset({"q", "reply"})
"""Free text: what is frequent is found in too many places to count them all for a page."""
