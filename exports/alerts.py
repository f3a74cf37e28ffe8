"""Alerts: what the rules found out, told once and kept until somebody acknowledges it.

Here: raising, ending and acknowledging. What is found out, and how, lives in exports/watching.py; channels are told by
the events that are announced here (docs/events.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.policy import Principal, may, require
from audit import trail
from exports.events.announcing import announce
from exports.models import Alert, FailureGroup

BY_THE_TRAIL = frozenset({"cause", "breaker"})
"""Kinds that channels hear of from the audit trail itself: announcing them would tell them twice."""
OVER = {"silence": "exports.resumed"}
"""What is announced when an alert of this kind is over by itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing to tell. The same `key` is told once, whoever finds it and however often."""

    kind: str
    key: str
    type: str
    subject: str
    title: str
    said: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""
    """A path of the desk where it is looked at; else the alert's own page."""
    about: dict[str, Any] = field(default_factory=dict)
    """By which channels are chosen: queue, destination."""


def tell(found: Found) -> bool:
    """Raise it for the organization in scope; False where it was told before."""
    if Alert.objects.filter(key=found.key).exists():
        return False
    alert = Alert.own(
        kind=found.kind, key=found.key, type=found.type, subject=found.subject, title=found.title[:200],
        said=found.said, facts=[list(pair) for pair in found.facts], link=found.link,
    )  # fmt: skip
    try:
        with transaction.atomic():
            alert.save(force_insert=True)
            payload = {
                "title": found.title, "message": found.said, "facts": alert.facts, "alert": {"id": alert.pk},
                "url": page_of(alert), **found.about,
            }  # fmt: skip
            if found.kind not in BY_THE_TRAIL:
                announce(found.type, found.subject, payload, alert.organization_id)
    except IntegrityError:  # another worker told it a moment ago
        return False
    return True


def page_of(alert: Alert) -> str:
    """Where its link leads: a page with a button to acknowledge it. Following a link changes nothing."""
    if alert.link:
        mark = "&" if "?" in alert.link else "?"
        return f"{alert.link}{mark}acknowledge=1"
    return reverse("admin:exports_alert_change", args=[alert.pk])


def going_on(kind: str) -> dict[str, Alert]:
    """Alerts of a kind that are not over, by subject."""
    return {alert.subject: alert for alert in Alert.objects.filter(kind=kind, ended_at=None)}


def end(alerts: Collection[Alert], now: datetime) -> None:
    """They are over by themselves; where people wait for that, they are told."""
    for alert in alerts:
        with transaction.atomic():
            if not Alert.objects.filter(pk=alert.pk, ended_at=None).update(ended_at=now):
                continue
            if over := OVER.get(alert.kind):
                lasted = now - alert.raised_at
                payload: dict[str, Any] = {
                    "title": f"Over: {alert.title}",
                    "message": "Exports come again.",
                    "url": page_of(alert),
                }
                payload["facts"] = [["Lasted", str(timedelta(seconds=round(lasted.total_seconds())))]]
                announce(over, alert.subject, payload, alert.organization_id)


def told_lately(subject: str, kind: str, since: datetime) -> bool:
    return bool(Alert.objects.filter(subject=subject, kind=kind, raised_at__gte=since).exists())


def acknowledge(alert: Alert, *, by: Principal, user: User | None) -> Alert:
    """Say that somebody looks after it; `user` is None where a robot does. Twice is once; the first name stays."""
    require(by, "exports.change_alert", alert)
    with transaction.atomic():
        rows = Alert.objects.filter(pk=alert.pk, acknowledged_at=None)
        if rows.update(acknowledged_at=timezone.now(), acknowledged_by=user):
            trail.record(
                "alert.acknowledge",
                f"alert:{alert.pk}",
                organization_id=alert.organization_id,
                actor=by.name,
                detail={"subject": alert.subject},
            )
    alert.refresh_from_db()
    return alert


def acknowledge_about(group: FailureGroup, *, by: Principal, user: User) -> None:
    """Whoever acknowledges a cause acknowledges what was told of it; one who may not see to alerts leaves them."""
    if may(by, "exports.change_alert"):
        for alert in Alert.objects.filter(subject=f"failure_group:{group.pk}", acknowledged_at=None)[:50]:
            acknowledge(alert, by=by, user=user)
