"""The daily digest: yesterday in numbers, and what waits now. One of the alert rules (exports/watching.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum

from accounts.display import span
from exports import alertrules, alerts, health, looks
from exports.alerts import Found
from exports.models import Alert, AlertRule, Document, FailureGroup, Tally
from exports.states import State, Status
from exports.tallies import FINE

DIGEST_LATE = 12
"""Hours: a digest that could not be sent at its hour is sent until so much later."""


def look(rules: Sequence[AlertRule], now: datetime) -> None:
    """Yesterday in numbers, after the rule's hour; a day is told once, also where the workers were away at the hour."""
    rule = rules[0]
    local = now.astimezone(ZoneInfo(rule.zone))
    if not rule.active or not rule.hour <= local.hour < rule.hour + DIGEST_LATE:
        return
    key = f"digest:{local.date().isoformat()}"
    if Alert.objects.filter(key=key).exists():
        return
    day = local.date() - timedelta(days=1)
    begin, end = (datetime.combine(date, time(), ZoneInfo(rule.zone)).astimezone(UTC) for date in (day, local.date()))
    counts = dict(
        Tally.objects.filter(minutes=FINE, at__gte=begin, at__lt=end)
        .values_list("outcome")
        .annotate(Sum("attempts"))
        .order_by()
    )
    undone = health.undone(now)
    reviews = Document.objects.filter(status__in=(Status.TO_REVIEW, Status.REVIEWING)).aggregate(n=Count("pk"))["n"]
    new = FailureGroup.objects.filter(opened_at__gte=begin, opened_at__lt=end, merged_into=None).count()
    oldest = min((there.undelivered_since for there in undone.places.values() if there.undelivered_since), default=None)
    failed = {side: sum(counts.get(reason, 0) for reason in side.reasons) for side in looks.SIDES}
    facts = [
        ("Exported", f"{counts.get('succeeded', 0):,}"),
        *((f"Failed: {side.title.lower()}", f"{number:,}") for side, number in failed.items() if number),
        ("New causes", f"{new:,}"),
        ("Failed and open now", f"{undone.failed:,}"),
        ("Outcome unknown now", f"{undone.reasons['unconfirmed']:,}"),
        ("Parked now", f"{undone.total(State.PARKED):,}"),
        ("To review now", f"{reviews:,}"),
        ("Oldest undelivered", span(now - oldest) if oldest else "none"),
    ]
    total = sum(failed.values())
    alerts.tell(Found(
        alertrules.DIGEST, key, "digest.daily", f"digest:{day.isoformat()}",
        f"{day:%a %d %b}: {counts.get('succeeded', 0):,} exported, {total:,} failed",
        f"{undone.failed:,} failed exports are open now, and {reviews:,} documents wait for review.", tuple(facts),
    ))  # fmt: skip
