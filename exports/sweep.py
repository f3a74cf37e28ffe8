"""What every drain loop does besides driving attempts: finds whatever was lost, late or due. All of it may run in
several loops at once, and any part that fails is tried again by the next round."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.utils import timezone

from accounts import accesstokens
from audit import sealing
from exports import (
    attempts,
    breakers,
    clienttasks,
    contents,
    exportsets,
    grouping,
    groups,
    replies,
    reviews,
    searching,
    tallies,
    transitions,
    triggers,
    watching,
    worklist,
)
from exports.bulk import working
from exports.events import fanout, redelivery
from exports.extensions import calls
from exports.models import Loop

log = logging.getLogger(__name__)


TURNS = 5
"""Rounds among which the parts that can wait some seconds take turns: each round costs the exports processor time."""


SEARCH_WAITS = 30.0
"""Seconds for which indexing for search gives way to exports that are due; it costs them a seventh of their speed."""

_caught_up = float("-inf")  # when this process last left nothing to index, by time.monotonic()


def run(turn: int | None = None) -> None:
    """One round: the urgent parts, and those of the others whose `turn` it is; all of them without one. A part's fault
    is logged and does not keep the other parts from their work."""
    urgent = (_lapse, _wake, _time_out, _seal, _tell, _breakers, _jobs)
    patient = (
        _clients,
        _triggers, _index, _groups, _tallies, _alerts, _reviews, _erase, _forget_loops, _forget_replies, _forget_events,
        _forget_tokens, _extensions,
    )  # fmt: skip
    for part in (*urgent, *(patient if turn is None else patient[turn % TURNS :: TURNS])):
        try:
            part()
        except Exception:
            log.exception("a part of the sweep failed", extra={"part": part.__name__})


def _lapse() -> None:
    if lapsed := transitions.lapse(timezone.now()):
        log.warning("leases lapsed", extra={"attempts": lapsed})


def _wake() -> None:
    transitions.wake(timezone.now())


def _time_out() -> None:
    attempts.time_out(timezone.now())


def _seal() -> None:
    for _ in range(5):  # a backlog is worked off faster than one round a second, but not at the cost of the rest
        if sealing.seal_new(limit=2000) < 2000:
            return


def _tell() -> None:
    fanout.tell()


def _breakers() -> None:
    breakers.look()  # a loop whose places are all taken claims nothing, and must know it nevertheless


def _clients() -> None:
    now = timezone.now()
    clienttasks.tend(now)
    clienttasks.forget(now)


def _tallies() -> None:
    tallies.roll_up(timezone.now())


def _alerts() -> None:
    watching.run(timezone.now())


def _jobs() -> None:
    working.advance(seconds=0.4)


def _triggers() -> None:
    triggers.run_due(timezone.now())


def _reviews() -> None:
    reviews.time_out(timezone.now())


def _erase() -> None:
    contents.erase()


def _groups() -> None:
    grouping.adopt()
    groups.tend(timezone.now())


def _index() -> None:
    global _caught_up  # noqa: PLW0603 (of this process, like the loop that it belongs to)
    if time.monotonic() - _caught_up < SEARCH_WAITS and worklist.busy():
        return
    for _ in range(5):  # likewise a backlog, also of what there was before search
        if searching.index_new() < 200:
            _caught_up = time.monotonic()
            return


def _forget_loops() -> None:
    Loop.objects.filter(seen_at__lt=timezone.now() - timedelta(minutes=10)).delete()


def _forget_events() -> None:
    now = timezone.now()
    redelivery.give_up_old(now)
    redelivery.forget(now)


def _forget_replies() -> None:
    exportsets.forget(timezone.now())
    replies.forget(timezone.now())


def _extensions() -> None:
    calls.abandoned(timezone.now())
    calls.forget(timezone.now())


def _forget_tokens() -> None:
    accesstokens.forget(timezone.now())
