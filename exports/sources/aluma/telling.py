"""Telling Aluma how a task ended: complete, fail, or cancel, which gives it back. Each may be said twice; where Aluma
refuses, what stands there decides."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exports import attempts
from exports.models import Claim
from exports.sources import steps
from exports.sources.aluma.api import Api, RefusedError
from exports.sources.contract import TRANSIENT, Outcome
from exports.states import ACTIVE, ClaimState, Reason, Status
from exports.wire.alumaclient import DONE, OVER, STARTABLE, STARTED
from pipelines.errors import Unavailable, Unconfirmed
from pipelines.refusals import Refused

if TYPE_CHECKING:
    from exports.sources.pull import Pull

OURS = TRANSIENT | {Reason.MISCONFIGURED, Reason.INTERNAL}
"""Reasons that say nothing against the task: it is given back, and taken again when they may be mended."""
OVERDUE, STOPPING = "overdue", "stopping"
ANOTHER = "Another robot of the account has it. It is told when that has ended."


def tell(pull: Pull, api: Api, claim: Claim) -> None:
    """Of a claim whose document has ended. Raises Unconfirmed where it must be said again."""
    if claim.outcome == Outcome.EXPORTED:
        _finish(pull, api, claim)
    elif claim.outcome == Outcome.UNKNOWN:
        cancel(pull, api, claim)
        pull.block(claim, "Nobody saw the end of its send. Look at the other side, then settle the attempt.")
    elif claim.outcome == Outcome.FAILED and claim.reason not in OURS:
        if pull.config.on_fatal == "fail":
            _finish(pull, api, claim)
        else:
            cancel(pull, api, claim)
            pull.block(claim, f"No further try would help: {claim.message}")
    elif claim.outcome == Outcome.FAILED or claim.facts.get("stopped") == OVERDUE:
        give_back(pull, api, claim, claim.message)
    else:  # a person stopped it, who gets the longest time to go on; or Waybill stopped, and takes it up again
        by_waybill = claim.facts.get("stopped") == STOPPING
        cancel(pull, api, claim)
        release(pull, claim, claim.message, seconds=1 if by_waybill else pull.config.longest_delay_seconds)


def give_back(pull: Pull, api: Api, claim: Claim, why: str, *, counts: bool = True) -> None:
    """Cancel, which offers the task to everybody at once. That it waits here first is committed before that."""
    failures = claim.facts.get("failures", 0)
    if counts and claim.facts.get("counted") != claim.rounds:
        failures += 1
        pull.mark(claim, failures=failures, counted=claim.rounds)
    cancel(pull, api, claim)
    if counts and failures >= pull.config.max_tries:
        pull.mark(claim, failures=0)  # a person who tries again begins anew
        pull.block(claim, f"Given back to Aluma after {failures} tries, and left there. The last one: {why}")
    else:
        release(pull, claim, why, seconds=_delay(pull, failures) if counts else pull.config.first_delay_seconds)


def cancel(pull: Pull, api: Api, claim: Claim) -> None:
    """Let go of the task at Aluma, whether or not it is still held. Raises Unconfirmed."""
    if claim.facts.get("cancelling") and api.state(claim.key) != STARTED:
        pull.mark(claim, held=False, cancelling=False)  # it came through; who holds it next is left alone
    if not (claim.facts.get("held") or claim.facts.get("starting")):
        return
    pull.mark(claim, cancelling=True)
    with suppress(RefusedError):  # it is not held any more: what was wanted
        api.cancel(claim.key)
    pull.mark(claim, held=False, starting="", cancelling=False)


def release(pull: Pull, claim: Claim, why: str, *, seconds: float) -> None:
    """It is Aluma's, and is not taken again for so long."""
    steps.move(
        claim, ClaimState.RELEASED, by=pull.by, verb="release", why=why, error=pull.redacted(why),
        not_before=pull.now() + timedelta(seconds=seconds),
    )  # fmt: skip


def late(pull: Pull, claim: Claim) -> bool:
    """Whether Aluma will soon wait no longer for a task that is held."""
    begun = claim.facts.get("started_at")
    patience = timedelta(minutes=pull.config.minutes - pull.config.margin_minutes)
    return bool(begun) and pull.now() >= datetime.fromisoformat(begun) + patience


def give_back_late(pull: Pull) -> None:
    """What cannot be exported in time is given back before Aluma takes it away."""
    for claim in _under_way(pull):
        if claim.facts.get("held") and late(pull, claim):
            why = f"It was not exported within the {pull.config.minutes} minutes for which Aluma waits."
            _stop(pull, claim, why, OVERDUE)


def give_all_back(pull: Pull) -> None:
    """Nothing of ours is left started at Aluma."""
    api = Api(pull)
    for claim in Claim.objects.filter(source=pull.source, state=ClaimState.CLAIMED):
        if claim.facts.get("starting"):
            give_back(pull, api, claim, "Waybill stops.", counts=False)
    for claim in _under_way(pull):
        if claim.facts.get("held"):
            _stop(pull, claim, "Waybill stops.", STOPPING)
    for claim in Claim.objects.filter(source=pull.source, state=ClaimState.TO_REPORT):
        try:
            tell(pull, api, claim)
        except (Unconfirmed, Unavailable) as error:
            pull.later(claim, str(error))


def _under_way(pull: Pull) -> list[Claim]:
    rows = Claim.objects.filter(source=pull.source, state=ClaimState.RUNNING, document__status=Status.EXPORTING)
    return list(rows.select_related("document"))


def _stop(pull: Pull, claim: Claim, why: str, stopped: str) -> None:
    """Cancel its export and give it back. One whose send is under way ends as it ends, and Aluma is told then."""
    assert claim.document is not None
    attempt = claim.document.attempts.filter(state__in=sorted(ACTIVE)).first()
    try:
        if attempt is not None:
            attempts.cancel(attempt, by=pull.by, why=why)
    except Refused:
        with suppress(Unconfirmed, Unavailable):  # half an hour of silence says the same
            cancel(pull, Api(pull), claim)
        return
    pull.mark(claim, stopped=stopped)
    steps.move(
        claim, ClaimState.TO_REPORT, by=pull.by, verb="end", outcome=Outcome.CANCELLED, reason="", message=why,
    )  # fmt: skip


def _finish(pull: Pull, api: Api, claim: Claim) -> None:
    """complete, or fail with the reason. A task that is not held any more is started for it, and not exported again."""
    if not claim.facts.get("held") and not _hold(pull, api, claim):
        return
    try:
        if claim.outcome == Outcome.EXPORTED:
            api.complete(claim.key)
        else:
            api.fail(claim.key, claim.message or "It cannot be exported.")
    except RefusedError as refusal:
        state = api.state(claim.key)
        if state in OVER | DONE or not state:
            _told(pull, claim)
            return
        pull.mark(claim, held=False)
        why = f"Aluma refused to hear how it ended, and it is {state} there: {refusal}"
        pull.later(claim, why, seconds=1 if state == STARTABLE else None)
        return
    _told(pull, claim)


def _hold(pull: Pull, api: Api, claim: Claim) -> bool:
    """Start it only to finish it. False where there is nothing to finish, or not now."""
    mine = bool(claim.facts.get("starting"))
    pull.mark(claim, starting=pull.now().isoformat())
    try:
        api.start(claim.key, key=f"waybill-{claim.pk}-{claim.rounds}-end")
    except RefusedError:
        state = api.state(claim.key)
        if state in OVER | DONE or not state:
            _told(pull, claim)
            return False
        if state != STARTED or not mine:
            pull.mark(claim, starting="")
            pull.later(claim, ANOTHER)
            return False
    pull.mark(claim, held=True, started_at=pull.now().isoformat())
    return True


def _told(pull: Pull, claim: Claim) -> None:
    pull.mark(claim, held=False, starting="")
    pull.reported(claim)


def _delay(pull: Pull, failures: int) -> float:
    grown = pull.config.first_delay_seconds * 2 ** min(max(failures - 1, 0), 20)
    return float(min(grown, pull.config.longest_delay_seconds))
