"""The lists that there are: what each is of, its tabs, its usual columns, its bulk actions, what it says when empty."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from exports import looks
from exports.admin.lists import rows
from exports.predicate import Predicate
from exports.states import ACTIVE, State, Status


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: the filters that it sets, how many rows it holds, and how many of them are marked red."""

    key: str
    title: str
    params: dict[str, str]
    number: int = 0
    failed: int = 0
    chosen: bool = False
    query: str = ""
    apart: bool = False
    """Beside the others, not among them; left out while empty."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One list."""

    name: str
    title: str
    of: str
    """What bulk actions call it: "documents" or "attempts"."""
    noun: tuple[str, str]
    columns: tuple[str, ...]
    filters: tuple[str, ...]
    """The parameters that its panel offers, in this order; besides them it has the captured values."""
    permission: str
    selection: str
    """The parameter that takes ids of chosen rows."""
    found: Callable[[Predicate], QuerySet[Any]]
    columns_only: Callable[[QuerySet[Any]], QuerySet[Any]]
    complete: Callable[..., list[rows.Row]]
    tabs: Callable[[Predicate, Mapping[str, int]], list[Tab]]
    """From how many rows stand at which status or state, whatever the chosen tab."""
    untabbed: Callable[[Predicate], Predicate]
    """Whose rows the tabs divide."""
    acts: tuple[str, ...]
    """Keys of exports.bulk.acts, in the order of their buttons."""


def _all_documents(predicate: Predicate) -> Predicate:
    return predicate.having(tab="", status=",".join(Status))


def _document_tabs(predicate: Predicate, counts: Mapping[str, int]) -> list[Tab]:
    """Counted under the other filters, so that each holds what it promises."""
    others = predicate.having(tab="", status="")
    named = [
        *looks.TABS,
        ("failed", "Only the failed", (Status.FAILED_EXPORT,)),
        ("deleted", "Deleted", (Status.DELETED,)),
        ("purged", "Purged", (Status.PURGED,)),
    ]
    tabs = []
    for key, title, statuses in named:
        tabs.append(
            Tab(
                key,
                title,
                {"tab": key},
                sum(counts.get(status, 0) for status in statuses),
                counts.get(Status.FAILED_EXPORT, 0) if key == "exported" else 0,
                chosen=predicate.given.get("tab") == key,
                query=others.having(tab=key).query(),
                apart=key in {"failed", "deleted", "purged"},
            )
        )
    everything = sum(number for status, number in counts.items() if status not in {Status.DELETED, Status.PURGED})
    chosen = not predicate.given.keys() & {"tab", "status"}
    return [Tab("", "All", {}, everything, chosen=chosen, query=others.query()), *tabs]


_STATES = (
    ("failed", "Failed", (State.FAILED,)),
    ("active", "Under way", tuple(sorted(ACTIVE))),
    ("succeeded", "Succeeded", (State.SUCCEEDED,)),
    ("cancelled", "Cancelled", (State.CANCELLED,)),
)


def _all_attempts(predicate: Predicate) -> Predicate:
    return predicate.having(state="")


def _attempt_tabs(predicate: Predicate, counts: Mapping[str, int]) -> list[Tab]:
    others = _all_attempts(predicate)
    given = set(predicate.values.get("state", ()))
    tabs = [Tab("", "All", {}, sum(counts.values()), chosen=not given, query=others.query())]
    for key, title, states in _STATES:
        number = sum(counts.get(state, 0) for state in states)
        query = others.having(state=",".join(states)).query()
        tabs.append(
            Tab(key, title, {}, number, number if key == "failed" else 0, chosen=given == set(states), query=query)
        )
    return tabs


def _no_tabs(_predicate: Predicate, _counts: Mapping[str, int]) -> list[Tab]:
    return []


_COMMON = ("queue", "assignee", "reason", "destination", "pipeline", "stage", "code", "reply")

DOCUMENTS = Kind(
    "documents", "Documents", "documents", ("document", "documents"),
    ("document", "status", "number", "party", "amount", "due", "reason", "age", "assignee"),
    (*_COMMON, "arrived", "since", "until", "tries", "open", "automated"),
    "exports.view_document", "document",
    Predicate.documents, rows.of_documents, rows.complete, _document_tabs, _all_documents,
    ("confirm", "export", "requeue", "send_back", "postpone", "reject", "assign", "delete"),
)  # fmt: skip
ATTEMPTS = Kind(
    "attempts", "Attempts", "attempts", ("attempt", "attempts"),
    ("document", "reason", "stage", "code", "tries", "next", "pipeline", "age"),
    (*_COMMON, "since", "until", "tries", "trigger", "resolution", "open"),
    "exports.view_attempt", "ids",
    Predicate.attempts, rows.of_attempts, rows.complete_attempts, _attempt_tabs, _all_attempts,
    ("requeue", "cancel", "ignore", "send_back", "assign"),
)  # fmt: skip
GROUP = Kind(
    "group", "Documents of a cause", "attempts", ("document", "documents"),
    ("document", "number", "party", "amount", "queue", "due", "reason", "code", "tries", "next", "age", "risk",
     "assignee"),
    (*_COMMON, "since", "until", "tries", "trigger"),
    "exports.view_attempt", "ids",
    Predicate.attempts, rows.of_attempts, rows.complete_attempts, _no_tabs, lambda predicate: predicate,
    ("requeue", "ignore", "send_back", "assign"),
)  # fmt: skip

KINDS = {kind.name: kind for kind in (DOCUMENTS, ATTEMPTS, GROUP)}


def fetched(kind: Kind, shown: Sequence[Any], names: Collection[str], *, replies: bool) -> list[rows.Row]:
    return kind.complete(shown, names, replies=replies)
