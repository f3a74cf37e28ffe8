"""One turn of one source: tell the other side what ended, bring what was claimed, look what is new."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from pydantic import ValidationError

from accounts import scope
from exports import backoff, sources
from exports.models import Claim, SourceState
from exports.sources import leases, outcomes
from exports.sources.contract import Polled
from exports.sources.pull import Pull
from exports.states import ClaimState
from pipelines import wording
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable, Unconfirmed
from pipelines.models import Source
from pipelines.transports.http import Client

log = logging.getLogger(__name__)

REPORTS = 100
"""Claims that one report is of."""
FETCHES = 25
"""Claims that are brought before what has ended is reported again."""
GIVES_UP = 8
"""Tries of a claim that this program stumbles over."""
NEVER = timedelta(days=1)


def run(state: SourceState, client: Client, *, poll: bool = False) -> None:
    """A turn that is held by a lease. Never raises: what goes wrong is written in the source's state. `poll` looks
    whether or not it is time to."""
    source: Source = state.source
    pull: Pull | None = None
    changes: dict[str, Any] = {"errors": 0, "error": "", "reason": ""}
    next_at: datetime | None = None
    with scope.to(source.organization_id):
        try:
            pull = opened(source, client, state)
            busy, polled = _work(pull, poll=poll or state.next_at <= timezone.now())
            if polled is not None:
                next_at, seen = _after(state, source, polled)
                changes |= seen
            if busy:
                next_at = timezone.now()
        except leases.LostError:
            log.warning("another loop has this source now", extra={"source": source.pk})
            return
        except StageError as error:
            changes, next_at = _failed(state, source, error, pull)
        except Exception as error:
            log.exception("a source stumbled", extra={"source": source.pk})
            fault = StageError(f"Waybill stumbled over it ({type(error).__name__}). The log has more.")
            changes, next_at = _failed(state, source, fault, pull)
        if pull is not None:
            changes["memo"] = pull.memo
        leases.release(state.pk, state.lease, was=state.next_at, next_at=next_at, **changes)


def leave(state: SourceState, client: Client) -> None:
    """As the last worker stops: tell what ended, and let go of the rest. Never raises but what the database does."""
    with scope.to(state.source.organization_id):
        try:
            pull = opened(state.source, client, state)
            outcomes.look(pull)
            pull.kind.leave(pull)  # type: ignore[attr-defined]  # kinds that have it
        except leases.LostError:
            return
        except StageError as error:
            log.warning("a source was not left in order: %s", error, extra={"source": state.source_id})
        leases.release(state.pk, state.lease, was=state.next_at)


def opened(source: Source, client: Client, state: SourceState | None = None) -> Pull:
    """Raises Misconfigured where the kind is gone or its config is not valid."""
    try:
        kind: Any = sources.get(source.kind)
        return Pull(source, kind, client, state=state)
    except KeyError:
        raise Misconfigured(f'There is no kind of source "{source.kind}".', place="kind") from None
    except ValidationError as error:
        path, message = next(iter(wording.of(error, kind.Config, source.config)))
        raise Misconfigured(message, place=f"config.{path}" if path else "config") from error


def _work(pull: Pull, *, poll: bool) -> tuple[bool, Polled | None]:
    """What ended is told first: the other side waits for it. True where there is more to bring."""
    outcomes.look(pull)
    report(pull)
    busy = fetch(pull)
    polled = None
    if poll:
        polled = pull.kind.poll(pull) if pull.kind.POLLS else Polled()
        busy = fetch(pull) or busy
    return busy, polled


def report(pull: Pull) -> None:
    """Tell the other side of all that has ended."""
    due = Claim.objects.filter(source=pull.source, state=ClaimState.TO_REPORT).order_by("pk")
    while claims := list(due.filter(not_before__lte=timezone.now())[:REPORTS]):
        try:
            pull.kind.report(pull, claims)
        except StageError as error:
            _put_off(pull, claims, error)
            raise
        _put_off(pull, claims, StageError("The other side was not told."))


def fetch(pull: Pull) -> bool:
    """Bring what is claimed; what cannot be brought is told to the other side, what cannot be reached waits."""
    due = Claim.objects.filter(source=pull.source, state=ClaimState.CLAIMED, not_before__lte=timezone.now())
    claims = list(due.order_by("pk")[: FETCHES + 1])
    for claim in claims[:FETCHES]:
        try:
            pull.kind.fetch(pull, claim)
        except Rejected as error:
            pull.fail(claim, str(error))
        except Unconfirmed as error:
            pull.block(claim, str(error))
        except StageError as error:
            _put_off(pull, [claim], error)
            raise
        except leases.LostError:
            raise
        except Exception as error:
            log.exception("a source stumbled over one thing", extra={"source": pull.source.pk, "claim": claim.pk})
            said = f"Waybill stumbled over it ({type(error).__name__}). The log has more."
            if claim.tries + 1 >= GIVES_UP:
                pull.block(claim, said)
            else:
                pull.later(claim, said)
        else:
            _put_off(pull, [claim], StageError("It was not brought in."), state=ClaimState.CLAIMED)
    return len(claims) > FETCHES


def _put_off(pull: Pull, claims: list[Claim], error: StageError, *, state: ClaimState | None = None) -> None:
    """Those of `claims` that nothing became of are tried again later."""
    now = timezone.now()
    wait = error.retry_after if isinstance(error, Unavailable) else None
    for claim in claims:
        left = {state} if state else {ClaimState.TO_REPORT, ClaimState.CLAIMED}
        if claim.state in left and claim.not_before <= now:
            pull.later(claim, str(error), seconds=wait)


def _after(state: SourceState, source: Source, polled: Polled) -> tuple[datetime, dict[str, Any]]:
    """When to look next: at once while there is more, ever more rarely while nothing comes."""
    now = timezone.now()
    quiet = 0 if polled.taken else state.quiet + 1
    seconds = min(
        source.every_seconds * 1.5 ** min(max(quiet - 1, 0), 20), max(source.slowest_seconds, source.every_seconds)
    )
    wait = timedelta(0) if polled.busy else timedelta(seconds=seconds)
    if not sources.get(source.kind).POLLS:
        wait = NEVER
    seen = {
        "last_at": now,
        "last_found": polled.found,
        "last_taken": polled.taken,
        "lag_seconds": None if polled.lag is None else max(0, int(polled.lag)),
        "quiet": quiet,
    }
    return now + wait, seen


def _failed(
    state: SourceState, source: Source, error: StageError, pull: Pull | None
) -> tuple[dict[str, Any], datetime]:
    now = timezone.now()
    asked = error.retry_after if isinstance(error, Unavailable) else None
    wait = backoff.seconds(state.errors, first=source.every_seconds, retry_after=asked, random=random.random)
    said = pull.redacted(str(error)) if pull else str(error)
    changes = {"errors": state.errors + 1, "error": said, "reason": error.reason, "error_at": now}
    return changes, now + timedelta(seconds=wait)
