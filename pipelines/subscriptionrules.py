"""What a subscription must satisfy before it is saved."""

from __future__ import annotations

from pipelines import eventing
from pipelines.models import Queue, Subscription


def problems(row: Subscription) -> list[str]:
    """What is wrong, each "column: message"."""
    found = [*_events(row.events), *_queues(row)]
    into = Queue.objects.select_related("pipeline").filter(pk=row.into_id).first() if row.into_id else None
    if into is None:
        return [*found, "into: Choose the queue that pushes go through."]
    if into.use_confirmed_state:
        found.append("into: What is pushed leaves at once. Choose a queue without the confirmed state.")
    if into.pipeline is None or into.pipeline.published_id is None:
        found.append("into: This queue has no published pipeline that a push could go through.")
    others = Subscription.objects.exclude(pk=row.pk)
    if any(into.pk in other.queues for other in others):
        found.append("into: Another subscription listens to this queue. What is pushed is never pushed again.")
    return found


def _events(given: object) -> list[str]:
    if not isinstance(given, list) or not given or not all(isinstance(name, str) for name in given):
        return ["events: Name at least one type of event."]
    wrong = sorted({name for name in given if name not in {*eventing.PUSHED, "document.*"}})
    return [f"events: Not one that can be pushed: {', '.join(wrong)[:200]}."] if wrong else []


def _queues(row: Subscription) -> list[str]:
    given = row.queues
    if not isinstance(given, list) or any(not isinstance(pk, int) or isinstance(pk, bool) for pk in given):
        return ["queues: A list of the ids of queues; empty means all."]
    known = set(Queue.objects.filter(pk__in=given).values_list("pk", flat=True))
    if unknown := sorted(set(given) - known):
        return [f"queues: There is no queue {', '.join(map(str, unknown))}."]
    into = {row.into_id, *Subscription.objects.exclude(pk=row.pk).values_list("into_id", flat=True)}
    if into & set(given):
        return ["queues: What is pushed is never pushed again: leave out the queues that pushes go through."]
    return []
