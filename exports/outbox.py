"""Events as they are recorded, and the pushes that they begin: in the transaction of the move that the event is of.

A push is noted where the event is, so that none is lost and none looked for; a worker makes it a document, and exports
that (exports/pushes.py). See docs/subscriptions.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from audit import rows
from audit.models import Event
from exports import doorbell
from exports.models import Document, Push
from exports.verbs import VERBS
from pipelines import eventing
from pipelines.models import Subscription


def record(events: Iterable[Event]) -> None:
    """Append the events, and note the pushes that they begin."""
    recorded = list(events)
    rows.insert(Event, recorded)
    note(recorded)


def note(events: Sequence[Event]) -> None:
    """Note what is to be pushed of these events, in their order. What is itself a push is not: pushes never loop."""
    concerned = [event for event in events if event.subject.startswith("document:") and event.verb in VERBS]
    if not concerned:
        return
    subscriptions = defaultdict(list)
    for row in Subscription.unscoped.filter(organization_id__in={event.organization_id for event in concerned}):
        subscriptions[row.organization_id].append(row)
    concerned = [event for event in concerned if any(row.active for row in subscriptions[event.organization_id])]
    if not concerned:
        return
    stood = {
        pk: (queue, fields)
        for pk, queue, fields in Document.unscoped.filter(pk__in={_document(event) for event in concerned}).values_list(
            "pk", "queue_id", "fields_id"
        )
    }
    pushes = [
        Push(
            organization_id=event.organization_id,
            subscription=row,
            document_id=_document(event),
            fields_id=stood[_document(event)][1],
            type=VERBS[event.verb],
            happened_at=event.at,
        )
        for event in concerned
        for row in subscriptions[event.organization_id]
        if _wanted(row, VERBS[event.verb], stood[_document(event)][0], subscriptions[event.organization_id])
    ]
    if pushes:
        rows.insert(Push, pushes)
        doorbell.ring()


def _document(event: Event) -> int:
    return int(event.subject.partition(":")[2])


def _wanted(row: Subscription, type_: str, queue: int, others: Sequence[Subscription]) -> bool:
    if not row.active or type_ not in eventing.PUSHED or not eventing.matches(type_, row.events):
        return False
    return (not row.queues or queue in row.queues) and all(queue != other.into_id for other in others)
