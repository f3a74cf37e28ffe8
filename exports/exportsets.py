"""The result sets of robots' exports: frozen at the first page, so that moving documents out of what was asked for
skips none; handed out once more where the robot cannot have got the answer (docs/decisions has the rule and its price).

Each page moves its own documents, in the transaction that notes them as moved: another robot never gets them, and what
nobody has read yet is still to be had.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from exports.models import Document, ExportSet
from exports.states import Status
from pipelines.models import Queue
from pipelines.refusals import Refused

MOST = 10_000
"""Documents of one set; the others match again at the next run."""
KEPT = timedelta(hours=24)
"""How long a set can be read on, and an answer that was never written is made up for."""
BUSY = timedelta(seconds=5)
"""A set whose request is younger may still be worked on."""
REPEATS_WITHIN = timedelta(seconds=10)
"""Within this time after an answer a client that is known to repeat by itself is taken to do so."""
MOST_REPEATS = 2
"""The official client tries three times in all."""
DONE = frozenset({Status.EXPORTING, Status.EXPORTED})

Move = Callable[[Sequence[Document]], Collection[int]]
"""Moves as many of these as can be moved; returns the ids of those it did move."""


@dataclass(frozen=True, slots=True)
class Run:
    """What makes two requests the same run: who asks, and for what but the page."""

    queue: Queue
    caller: str
    query: str
    key: str = ""
    """The Idempotency-Key, if one was sent: then only it says what is a repetition."""
    repeats: bool = False
    """Whether this client repeats by itself a request whose answer it did not get."""
    at: datetime | None = None
    """When the request arrived: before it waited for anything."""


def begin(run: Run, matching: QuerySet[Document]) -> ExportSet:
    """The set of a first page: what matches now, and what an earlier request of the same run has moved without its
    robot getting the answer. With a key that is known, the set of that key."""
    at = run.at or timezone.now()
    with transaction.atomic():
        earlier = list(_of(run, at).select_for_update()[:20])
        if run.key and earlier:
            if earlier[0].query != run.query:
                raise Refused("This Idempotency-Key was sent with another request before. Give each request its own.")
            return earlier[0]
        again = bool(earlier) and _is_repeated(earlier[0], run, at)
        lost = _take_back(earlier, at, again=again)
        found = dict(matching.order_by("pk").values_list("pk", "status")[:MOST])
        made = ExportSet(
            organization_id=run.queue.organization_id,
            queue=run.queue,
            caller=run.caller,
            query=run.query,
            key=run.key,
            ids=sorted({*found, *lost}),
            there=[pk for pk, status in found.items() if status in DONE and pk not in lost],
            moved=sorted(lost),
            begun_at=at,
            touched_at=at,
            repeats=earlier[0].repeats + 1 if again else 0,
        )
        made.save(force_insert=True)
    return made


def _of(run: Run, at: datetime) -> QuerySet[ExportSet]:
    """The sets of the same run, the newest first."""
    sets: QuerySet[ExportSet] = ExportSet.objects.filter(
        queue=run.queue, caller=run.caller, key=run.key, begun_at__gt=at - KEPT
    )
    return (sets if run.key else sets.filter(query=run.query)).order_by("-pk")


def _is_repeated(last: ExportSet, run: Run, at: datetime) -> bool:
    """Whether the answer of `last` was written, but to a client that sends the same request at once once more."""
    if not run.repeats or last.paged or last.answered_at is None or last.repeats >= MOST_REPEATS:
        return False
    return timedelta(0) <= at - last.answered_at <= REPEATS_WITHIN


def _take_back(earlier: Sequence[ExportSet], at: datetime, *, again: bool) -> set[int]:
    """Take from earlier sets what they moved and no robot got to know, so that it is handed out once more only. A set
    whose reply may still be under way keeps its own."""
    lost: set[int] = set()
    for index, one in enumerate(earlier):
        if one.answered_at is None and one.touched_at > at - BUSY:
            continue
        whole = index == 0 and again
        if own := set(one.moved) - (set() if whole else set(one.handed)):
            lost |= own
            one.moved = sorted(set(one.moved) - own)
            one.save(update_fields=["moved"])
    return set(Document.objects.filter(pk__in=lost, status__in=DONE).values_list("pk", flat=True))


def latest(run: Run) -> ExportSet | None:
    """The set that a later page goes on with; asking for one says that the pages before it arrived."""
    at = run.at or timezone.now()
    found: ExportSet | None = _of(run, at).first()
    if found is not None:
        ExportSet.objects.filter(pk=found.pk).update(paged=True, handed=F("moved"))
    return found


def take(held: ExportSet, first: int, end: int | None, move: Move) -> list[int]:
    """The ids of one page, in order, once its documents have been moved: those that this run has moved, now or when the
    page was asked for before, and those that were exporting or exported already."""
    with transaction.atomic():
        locked = ExportSet.objects.select_for_update().get(pk=held.pk)
        page = locked.ids[first:end]
        known = {*locked.there, *locked.moved}
        open_ids = [pk for pk in page if pk not in known]
        moved = set(move(list(Document.objects.filter(pk__in=open_ids).order_by("pk")))) if open_ids else set()
        locked.moved = sorted({*locked.moved, *moved})
        locked.touched_at, locked.answered_at = timezone.now(), None
        locked.save(update_fields=["moved", "touched_at", "answered_at"])
    known |= moved
    return [pk for pk in page if pk in known]


def answered(held: ExportSet) -> None:
    """The reply was written to its end."""
    now = timezone.now()
    ExportSet.objects.filter(pk=held.pk).update(answered_at=now, touched_at=now, handed=F("moved"))


def unanswered(held: ExportSet) -> None:
    """The reply was not written: the robot left, or something of ours failed. What it moved is handed out again."""
    ExportSet.objects.filter(pk=held.pk).update(answered_at=None, touched_at=F("begun_at") - KEPT)


def forget(now: datetime, *, most: int = 200) -> int:
    """Delete sets that nobody can read on; part of the sweep. Returns how many."""
    over = ExportSet.unscoped.filter(begun_at__lt=now - KEPT).order_by("begun_at")
    return ExportSet.unscoped.filter(pk__in=list(over.values_list("pk", flat=True)[:most])).delete()[0]
