"""A predicate in words for people: one chip a filter, with the names that its ids stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accounts.models import User
from exports import looks
from exports.models import FailureGroup
from exports.parameters import FIELD, PARAMETERS
from exports.readings import Range, Wanted
from pipelines.models import Destination, Pipeline, Queue, Revision

if TYPE_CHECKING:
    from exports.predicate import Predicate

MOST_NAMES = 3
_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_RESOLUTIONS = {
    "sent_again": "sent again",
    "sent_back": "sent back to review",
    "delivered": "delivered after all",
    "ignored": "ignored",
    "put_aside": "put aside",
}
_SIDES = {side.key: side.title for side in looks.SIDES}
_TABS = {
    **{key: title for key, title, _ in looks.TABS},
    "failed": "Export failed",
    "deleted": "Deleted",
    "purged": "Purged",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter of a predicate."""

    name: str
    """Of the parameter."""
    title: str
    words: str
    """A part of a sentence: "at ERP", "in the last 24 hours"."""


def chips(predicate: Predicate) -> list[Chip]:
    """In the order in which the parameters are documented. At most one query for each kind of id."""
    order = list(PARAMETERS)
    names = sorted(predicate.given, key=lambda name: order.index(name) if name in order else len(order))
    return [_chip(name, predicate) for name in names]


def _chip(name: str, predicate: Predicate) -> Chip:
    text, value = predicate.given[name], predicate.values[name]
    if name.startswith(FIELD):
        field = name.removeprefix(FIELD)
        return Chip(name, field, _field(field, value))
    return Chip(name, PARAMETERS[name].title, _WORDS[name](text, value))


def listed(names: Iterable[str], last: str = "or") -> str:
    """a, b or c; at most three of them and how many more."""
    known = list(names)
    if len(known) > MOST_NAMES:
        known = [*known[:MOST_NAMES], f"{len(known) - MOST_NAMES} more"]
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} {last} {known[-1]}"


def ranged(value: Range) -> str:
    """5, 2 to 5, at least 4, at most 3."""
    if value.low == value.high:
        return str(value.low)
    if value.high is None:
        return f"at least {value.low}"
    return f"at most {value.high}" if value.low is None else f"{value.low} to {value.high}"


def _named(model: Any, label: str, column: str = "name") -> Callable[[str, Any], str]:
    def words(_text: str, ids: tuple[int, ...]) -> str:
        found = dict(model.objects.filter(pk__in=ids[: MOST_NAMES + 1]).order_by().values_list("pk", column))
        return f"{label} {listed(str(found.get(pk) or f'no. {pk}') for pk in ids)}"

    return words


def _looked(look: Callable[[str], looks.Look]) -> Callable[[str, Any], str]:
    return lambda _text, values: listed(look(value).text.lower() for value in values)


def _cause(_text: str, ids: tuple[int, ...]) -> str:
    found = {row.pk: str(row) for row in FailureGroup.objects.filter(pk__in=ids[:MOST_NAMES]).only("title", "pattern")}
    return f"of the cause {listed(_quoted(found.get(pk) or f'no. {pk}') for pk in ids)}"


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= 60 else text[:59] + "…"}"'


def _spoken(text: str) -> str:
    """What was typed into a search; its own quotation marks stand for the ones around it."""
    return text if '"' in text else _quoted(text)


def _people(text: str, ids: tuple[int | None, ...]) -> str:
    """Only the names of people of this organization are told."""
    from accounts import scope

    known = User.objects.filter(pk__in=[pk for pk in ids if pk], memberships__organization_id=scope.current() or 0)
    names = dict(known.values_list("pk", "username"))
    who = [names.get(pk, f"no. {pk}") if pk else "nobody" for pk in ids]
    if text == "me":
        who = ["me"]
    return f"assigned to {listed(who)}"


def _revisions(_text: str, ids: tuple[int, ...]) -> str:
    rows = Revision.objects.filter(pk__in=ids[:MOST_NAMES]).order_by().values_list("pk", "pipeline__name", "number")
    found = {pk: f"{name} r{number}" for pk, name, number in rows}
    return f"through revision {listed(found.get(pk, f'no. {pk}') for pk in ids)}"


def _ago(text: str, word: str) -> str:
    if text[:-1].isdigit() and text[-1] in _UNITS:
        number, unit = int(text[:-1]), _UNITS[text[-1]]
        spoken = f"{number} {unit}{'' if number == 1 else 's'}"
        return f"in the last {spoken}" if word == "since" else f"{word} {spoken} ago"
    return f"{word} {text.replace('T', ' ')}"


def _during(word: str) -> Callable[[str, Any], str]:
    def words(text: str, _value: Any) -> str:
        low, _, high = text.partition("..")
        parts = [_ago(low, "since") if low else "", _ago(high, "until") if high else ""]
        return f"{word} " + " and ".join(part for part in parts if part)

    return words


def _field(name: str, value: Wanted) -> str:
    if value.numbers or value.dates:
        return f"{name} {ranged(value.numbers or value.dates or Range())}"
    if value.prefix:
        return f"{name} begins with {_quoted(value.text)}" if value.text else f"{name} filled in"
    return f"{name} {_quoted(value.text)}"


_WORDS: dict[str, Callable[[str, Any], str]] = {
    "q": lambda text, _values: f"with {_spoken(text)}",
    "group": _cause,
    "side": lambda _text, values: listed(_SIDES[value].lower() for value in values),
    "reason": _looked(looks.of_reason),
    "destination": _named(Destination, "at"),
    "pipeline": _named(Pipeline, "through"),
    "queue": _named(Queue, "in"),
    "stage": lambda _text, values: f"at stage {listed(values)}",
    "code": lambda _text, values: f"answered {listed(map(ranged, values))}",
    "state": _looked(looks.of_attempt),
    "open": lambda _text, value: "waiting for a person" if value else "not waiting for a person",
    "resolution": lambda _text, values: listed(_RESOLUTIONS[value] for value in values),
    "tries": lambda _text, value: f"tried {ranged(value)} times",
    "trigger": lambda _text, values: f"begun by {listed(values)}",
    "since": lambda text, _value: _ago(text, "since"),
    "until": lambda text, _value: _ago(text, "until"),
    "reply": lambda text, _values: f"answered with {_spoken(text)}",
    "assignee": _people,
    "revision": _revisions,
    "ids": lambda _text, ids: f"{len(ids)} selected attempt{'' if len(ids) == 1 else 's'}",
    "document": lambda _text, ids: f"{len(ids)} selected document{'' if len(ids) == 1 else 's'}",
    "last": lambda _text, _value: "only last attempts",
    "status": _looked(looks.of_status),
    "tab": lambda _text, values: f"in the tab {listed(_TABS[value] for value in values)}",
    "arrived": _during("arrived"),
    "begun": _during("begun"),
    "modified": _during("changed"),
    "external_id": lambda _text, values: f"called {listed(values)}",
    "automated": lambda _text, value: "automated" if value else "not automated",
}
