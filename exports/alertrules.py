"""The kinds of alert rules, what each can be told, and what an organization begins with."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from django.db import transaction

from accounts import scope
from accounts.display import span
from accounts.policy import Principal, require
from audit import trail
from exports.models import AlertRule
from pipelines.refusals import Refused

CAUSE, SILENCE, OVERDUE, BREAKER, WORKER, DIGEST = "cause", "silence", "overdue", "breaker", "worker", "digest"
SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule."""

    title: str
    said: str
    """When it tells, as its page says it."""
    settings: tuple[str, ...] = ()
    """The columns that mean something to it."""
    minutes: int = 60
    places: tuple[str, ...] = ()
    """What a rule of it can be for: destination, queue."""


KINDS = {
    CAUSE: Kind(
        "A new or returning cause of failures",
        "One alert a cause, not one a document. The same cause is not told again within so many minutes.",
        ("minutes",),
    ),
    SILENCE: Kind(
        "Exports stop coming",
        "Nothing ended in the last so many minutes, although in the same hours of at least three of the past four "
        "weeks so many exports did or more. Nights and weekends that were quiet before alarm nobody.",
        ("minutes", "least", "zone"),
        120,
        ("destination",),
    ),
    OVERDUE: Kind(
        "The oldest undelivered document is too old",
        "Its export was asked for longer ago than so many minutes. A rule of a destination or queue goes before the "
        "general one.",
        ("minutes",),
        240,
        ("destination", "queue"),
    ),
    BREAKER: Kind("A destination's breaker opens", "It turned several attempts in a row away, and gets probes only."),
    WORKER: Kind("A worker is missing", "It went silent for a minute without saying good-bye."),
    SOURCE: Kind(
        "A source waits for a person",
        "What it took was tried too often, or nobody knows whether it was delivered: it is left alone until somebody "
        "says what to do.",
    ),
    DIGEST: Kind(
        "The day in numbers",
        "Once a day, after this hour: what was exported the day before, what failed, what is new, what waits.",
        ("hour", "zone"),
    ),
}
COLUMNS = ("active", "destination", "queue", "minutes", "least", "hour", "zone")


def title(rule: AlertRule) -> str:
    kind = KINDS.get(rule.kind)
    place = rule.destination or rule.queue
    return f"{kind.title if kind else rule.kind}{f': {place}' if place else ''}"


def said(rule: AlertRule) -> str:
    """What it is set to, in a few words."""
    kind = KINDS[rule.kind]
    told = [span(rule.minutes * 60)] if "minutes" in kind.settings else []
    told += [f"at least {rule.least}"] if "least" in kind.settings else []
    told += [f"from {rule.hour:02d}:00"] if "hour" in kind.settings else []
    return ", ".join([*told, *([rule.zone] if "zone" in kind.settings else [])])


def ensure() -> None:
    """Give the organization in scope one rule of each kind, where it has none."""
    there = set(AlertRule.objects.filter(destination=None, queue=None).values_list("kind", flat=True))
    missing = [AlertRule.own(kind=name, minutes=kind.minutes) for name, kind in KINDS.items() if name not in there]
    if missing:
        AlertRule.objects.bulk_create(missing, ignore_conflicts=True)


def problems(rule: AlertRule) -> list[str]:
    """What is wrong with a rule that is about to be saved, each "column: message"."""
    kind = KINDS.get(rule.kind)
    if kind is None:
        return [f"kind: Choose one of {', '.join(KINDS)}."]
    found = []
    if rule.zone not in available_timezones():
        found.append("zone: This is no time zone. Write Europe/Vienna, or UTC.")
    if "minutes" in kind.settings and not 1 <= rule.minutes <= 60 * 24 * 90:
        found.append("minutes: From 1 to 129600, which is 90 days.")
    if rule.kind == SILENCE and not 5 <= rule.minutes <= 60 * 24 * 7:
        found.append("minutes: From 5 to 10080, which is a week.")
    if "least" in kind.settings and rule.least < 1:
        found.append("least: At least 1.")
    if rule.hour > 23:
        found.append("hour: From 0 to 23.")
    if rule.destination_id and rule.queue_id:
        found.append("queue: A rule is for a destination or for a queue, not for both.")
    found += [
        f"{column}: A rule of this kind is for all of them."
        for column in ("destination", "queue")
        if getattr(rule, f"{column}_id") and column not in kind.places
    ]
    same = AlertRule.objects.filter(kind=rule.kind, destination=rule.destination_id, queue=rule.queue_id)
    if same.exclude(pk=rule.pk).exists():
        found.append("kind: There is such a rule already.")
    return found


def save(rule: AlertRule, *, by: Principal) -> AlertRule:
    """Insert or change. Raises Refused beginning with the column, and PermissionDenied."""
    new = rule.pk is None
    require(by, f"exports.{'add' if new else 'change'}_alertrule", rule)
    for message in problems(rule):
        raise Refused(message)
    with transaction.atomic():
        before = None if new else AlertRule.objects.select_for_update().get(pk=rule.pk)
        names = [f"{name}_id" if name in {"destination", "queue"} else name for name in COLUMNS]
        changed = [name for name in names if before is None or getattr(before, name) != getattr(rule, name)]
        if changed:
            rule.save()
            _record("add" if new else "change", rule, by, {name: getattr(rule, name) for name in changed})
    return rule


def delete(rule: AlertRule, *, by: Principal) -> None:
    """Delete a rule of one place. Raises Refused for a general one, which is switched off instead."""
    require(by, "exports.delete_alertrule", rule)
    if rule.destination_id is None and rule.queue_id is None:
        raise Refused("A general rule stays: switch it off, and it tells nothing.")
    with transaction.atomic():
        _record("delete", rule, by, {"kind": rule.kind})
        rule.delete()


def _record(verb: str, rule: AlertRule, by: Principal, detail: dict[str, object]) -> None:
    trail.record(
        f"alert_rule.{verb}",
        f"alertrule:{rule.pk}",
        organization_id=rule.organization_id or scope.current() or 0,
        actor=by.name,
        detail=detail,
    )
