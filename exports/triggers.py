"""Firing what asks for exports without a person (pipelines.models.Trigger)."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import scope
from accounts.policy import Principal
from exports import attempts
from exports.models import Document
from exports.states import Status
from pipelines import triggering
from pipelines.models import Trigger
from pipelines.refusals import Refused

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Exports that one round of a schedule begins; the next round goes on where it stopped."""


def on_confirmed(document: Document) -> None:
    """In the transaction that confirmed it: begin its export where an active trigger of its queue says so."""
    trigger = document.queue.triggers.filter(on=triggering.CONFIRMED, active=True).first()
    if trigger is not None:
        _begin(trigger, document)


def run_due(now: datetime) -> int:
    """Fire the schedules that are due; part of the sweep. Returns how many exports were begun."""
    begun = 0
    due = Trigger.unscoped.filter(on=triggering.SCHEDULE, active=True, next_at__lte=now)
    for trigger in due.select_related("queue").order_by("next_at")[:20]:
        with scope.to(trigger.organization_id):
            begun += _fire(trigger, now)
    return begun


def _fire(trigger: Trigger, now: datetime) -> int:
    """One schedule. Whoever moves `next_at` first fires it; a missed time is made up for once, not once a time."""
    next_at = now + timedelta(minutes=max(trigger.every_minutes, 1))
    if not Trigger.unscoped.filter(pk=trigger.pk, next_at=trigger.next_at).update(next_at=next_at, last_at=now):
        return 0
    waiting = Document.objects.filter(queue=trigger.queue, status=Status.CONFIRMED).order_by("pk")
    some = list(waiting[: AT_ONCE + 1])
    begun = sum(_begin(trigger, document) for document in some[:AT_ONCE])
    changes = {"last_count": begun}
    if begun and len(some) > AT_ONCE:
        changes["next_at"] = now  # type: ignore[assignment]  # more wait: the next round of the sweep goes on
    Trigger.unscoped.filter(pk=trigger.pk).update(**changes)
    return begun


def _begin(trigger: Trigger, document: Document) -> bool:
    by = Principal.system(f"trigger {trigger.name}", trigger.organization_id)
    try:
        with transaction.atomic():
            attempts.start(document, by=by, trigger="automatic", why=f"Trigger {trigger.name}.")
    except (Refused, PermissionDenied) as refusal:
        log.warning(
            "a trigger was refused", extra={"trigger": trigger.pk, "document": document.pk, "why": str(refusal)}
        )
        return False
    return True
