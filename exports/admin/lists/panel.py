"""The panel of filters: a control for each parameter, with the choices that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Value

from accounts import scope
from accounts.models import User
from exports import looks, states
from exports.admin.fieldtables import HEADLINE
from exports.parameters import FIELD, PARAMETERS, TRIGGERS
from exports.predicate import Predicate
from pipelines.models import Destination, Pipeline, Queue, Schema

MOST_CHOICES = 200
MOST_FIELDS = 24
MOST_SCHEMAS = 6
"""Schemas that are read for their fields' names; with more the queue has to be chosen first."""
HINTS = {
    "code": "404, 5xx, 500..503",
    "tries": "3, 2.., 1..5",
    "stage": "a stage's name",
    "reply": "words of the reply",
    "since": "24h, 7d, 2026-11-20",
    "until": "1h, 2026-11-20",
    "arrived": "24h, or 14d..7d",
}
_YES_NO = [("1", "Yes"), ("0", "No")]


@dataclass(frozen=True, slots=True)
class Control:
    """One filter of the panel; without choices it is a line to type in."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]]
    hint: str = ""


def controls(names: Sequence[str], predicate: Predicate) -> list[Control]:
    fixed: Mapping[str, list[tuple[str, str]]] = {
        "reason": [(reason, looks.of_reason(reason).text) for reason in states.Reason],
        "trigger": [(name, name.capitalize()) for name in TRIGGERS],
        "resolution": states.resolution_choices(),
        "open": _YES_NO,
        "automated": _YES_NO,
        **_places(names),
    }
    found = []
    for name in names:
        choices = fixed[name] if name in fixed else _asked(name)
        value = predicate.given.get(name, "")
        if choices and value and value not in dict(choices):  # several at once, by a link or a saved view
            choices = [*choices, (value, value.replace(",", ", "))]
        found.append(Control(name, PARAMETERS[name].title, value, choices, HINTS.get(name, "")))
    return found


def _places(names: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Queues, pipelines and destinations, in one query."""
    models: dict[str, Any] = {"queue": Queue, "pipeline": Pipeline, "destination": Destination}
    parts = [
        model.objects.order_by().annotate(of=Value(key, CharField())).values_list("of", "pk", "name")
        for key, model in models.items()
        if key in names
    ]
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in models if key in names}
    if parts:
        for key, pk, text in sorted(parts[0].union(*parts[1:], all=True), key=lambda row: str(row[2]).casefold()):
            if len(found[key]) < MOST_CHOICES:
                found[key].append((str(pk), text))
    return found


def _asked(name: str) -> list[tuple[str, str]]:
    if name == "assignee":
        people = User.objects.filter(memberships__organization_id=scope.current() or 0, is_active=True)
        rows = people.order_by("username").values_list("pk", "username")[:MOST_CHOICES]
        return [("me", "Me"), ("none", "Nobody"), *((str(pk), text) for pk, text in rows)]
    return []


def known_fields(predicate: Predicate) -> list[tuple[str, str]]:
    """Names and labels of captured values that columns and filters can be of: of the chosen queues' schemas, or of
    all where they are few."""
    schemas = Schema.objects.order_by("pk")
    if queues := predicate.values.get("queue"):
        schemas = schemas.filter(queues__in=queues).distinct()
    found: dict[str, str] = {}
    for sections in schemas.values_list("content", flat=True)[:MOST_SCHEMAS]:
        for section in sections if isinstance(sections, list) else []:
            for node in section.get("children") or () if isinstance(section, Mapping) else ():
                if isinstance(node, Mapping) and node.get("category") == "datapoint" and node.get("id"):
                    label = str(node.get("label") or str(node["id"]).replace("_", " ").capitalize())
                    found.setdefault(str(node["id"]), label)
    if not found:
        found = {names[0]: names[0].replace("_", " ").capitalize() for names in HEADLINE.values()}
    for name in predicate.given:
        if name.startswith(FIELD):
            found.setdefault(name.removeprefix(FIELD), name.removeprefix(FIELD))
    return list(found.items())[:MOST_FIELDS]


def fields(known: Iterable[tuple[str, str]], predicate: Predicate) -> list[Control]:
    return [
        Control(f"{FIELD}{name}", label, predicate.given.get(f"{FIELD}{name}", ""), [], "INV-*, 100..250")
        for name, label in known
    ]
