"""Holding one attempt back for a while, and letting it go on. What goes to one place is held by pausing that place.

Who may cancel an attempt may pause it: stopping for good is the graver of the two, and nobody is trusted with that
alone.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.policy import Principal, require
from exports import doorbell, transitions
from exports.models import Attempt
from exports.states import State
from pipelines.refusals import Refused

PAUSABLE = frozenset({State.QUEUED, State.WAITING})

WHY_NOT = {
    State.RUNNING: "It is running: a worker has it now. Wait until it waits or ends; to stop what follows, pause its "
    "destination.",
    State.PARKED: "It is parked: it waits for somebody outside, and sends nothing until they answer.",
}
"""What is said of an attempt that cannot be paused."""


def pause(attempt: Attempt, *, by: Principal, why: str = "") -> Attempt:
    """Hold an attempt that is queued or waiting until somebody resumes it. Its tries are kept, and its document stays
    exporting. Pausing twice is pausing once. Raises Refused where it runs, is parked or has ended."""
    require(by, "exports.cancel_attempt", attempt)
    if not transitions.move_attempt(attempt.pk, State.PAUSED, by=by, verb="pause", why=why, sources=PAUSABLE):
        attempt.refresh_from_db()
        if attempt.state != State.PAUSED:
            raise Refused(WHY_NOT.get(State(attempt.state), f"It has {attempt.state} already."))
    attempt.refresh_from_db()
    return attempt


def resume(attempt: Attempt, *, by: Principal, why: str = "") -> Attempt:
    """Let a paused attempt go on: it is due now, whenever its next try would have been. Resuming what is under way
    changes nothing. Raises Refused where it has ended."""
    require(by, "exports.cancel_attempt", attempt)
    with transaction.atomic():
        moved = transitions.move_attempt(
            attempt.pk, State.QUEUED, by=by, verb="resume", why=why, sources={State.PAUSED}, due_at=timezone.now()
        )
        if moved:
            doorbell.ring()
    attempt.refresh_from_db()
    if not moved and attempt.finished_at is not None:
        raise Refused(f"It has {attempt.state} already.")
    return attempt
