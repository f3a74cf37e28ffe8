"""How a stage begins, and driving the generator of a long one: its progress and checkpoints are durable before it goes
on."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from exports.models import StageRun
from pipelines.contract import Checkpoint, Inbox, Outcome, Parked, Progress
from pipelines.definition import Step
from pipelines.errors import Misconfigured

if TYPE_CHECKING:
    from exports.runner import Drive
    from exports.tools import StageTools

PROGRESS_EVERY = 2.0
"""Seconds between two committed Progress rows of one stage."""


def begun(drive: Drive, step: Step, inbox: Inbox, tools: StageTools) -> Any:
    """The stage's run, or its repeat with the bytes that an earlier attempt sent. Raises Misconfigured where they are
    gone since the repeat was asked for."""
    held = drive.case.held.get(step.name)
    if held is None:
        return step.module.run(step.config, inbox, tools)
    if held.why_not:
        raise Misconfigured(f"{held.why_not} Re-queue it, rebuilt from today's fields.")
    return step.module.resend(step.config, inbox, tools, held.sent)


def complete(drive: Drive, result: Any, run: StageRun, *, sends: bool) -> Outcome | Parked:
    """The outcome of a stage, generator or not; checkpoints are durable before the stage goes on."""
    if not isinstance(result, Generator):
        return _checked(result)
    told_at = 0.0
    while True:
        try:
            came = next(result)
        except StopIteration as stop:
            return _checked(stop.value)
        if isinstance(came, Parked):
            result.close()
            return came
        if isinstance(came, Checkpoint):
            run.checkpoint = dict(came.state)
            drive.record.attach(run, came.artifacts, redact=sends)
            drive.commit()
        elif isinstance(came, Progress):
            run.progress = asdict(came)
            if time.monotonic() - told_at > PROGRESS_EVERY:
                told_at = time.monotonic()
                drive.commit()


def _checked(given: Any) -> Outcome:
    """What a stage returned, which for a third-party kind may be anything."""
    if not isinstance(given, Outcome):
        message = f"The stage returned a {type(given).__name__} where an Outcome was due."
        raise TypeError(message)
    return given
