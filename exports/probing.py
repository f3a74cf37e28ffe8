"""When nobody knows whether a send arrived: asking the other side by the probe that the stage's config names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exports.models import StageRun
from pipelines.contract import Inbox, Message, Outcome, Proof
from pipelines.errors import StageError, Unavailable, Unconfirmed

if TYPE_CHECKING:
    from exports.tools import StageTools
    from pipelines.definition import Step

ABSENT = "absent at the last probe"
"""The mark that a try leaves in its run's checkpoint: the next one probes again before it sends."""


def has_probe(step: Step) -> bool:
    return hasattr(step.module, "probe") and getattr(step.config, "probe", None) is not None


def decide(step: Step, inbox: Inbox, tools: StageTools, run: StageRun, error: Unconfirmed) -> Outcome:
    """What becomes of an unknown outcome. It arrived: the stage has done its work, with the proof as its receipt. It
    did not: Unavailable, so that it is sent again later, after another look. Nobody says: Unconfirmed as before."""
    if not has_probe(step):
        raise error
    try:
        proof = step.module.probe(step.config, inbox, tools)
    except StageError as unclear:
        raise Unconfirmed(f"{error.message} The probe did not settle it: {unclear.message}") from error
    if proof is None:
        run.checkpoint = {"probe": ABSENT}
        told = f"{error.message} The probe says that it did not arrive, so it is sent again."
        raise Unavailable(told) from error
    return _arrived(step, tools, proof)


def look_again(step: Step, inbox: Inbox, tools: StageTools, run: StageRun) -> Outcome | None:
    """Before a send that follows such a probe: None to send, or the outcome where it has arrived meanwhile, late."""
    if (inbox.checkpoint or {}).get("probe") != ABSENT or not has_probe(step):
        return None
    proof = step.module.probe(step.config, inbox, tools)
    run.checkpoint = None
    return None if proof is None else _arrived(step, tools, proof)


def _arrived(step: Step, tools: StageTools, proof: Proof) -> Outcome:
    tools.prove(step.name, proof)
    told = f"No answer to the send was kept, but it arrived: {proof.how} ({proof.place})."
    return Outcome(messages=[Message("info", told)])
