"""Drives one attempt through its stages, from wherever it stands, to its end or its next wait.

Pure stages' results gather in the open entry and ride along with the next commit point; see exports/tools.py for the
mark before a send. The runner decides what a stage's outcome or error means; stages decide nothing about attempts.
"""

from __future__ import annotations

import logging
import random
import traceback
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit import rows
from exports import backoff, endings, probing, stepping
from exports.breakers import Away
from exports.cases import Case
from exports.endings import Failure, Standing
from exports.ledger import LeaseLostError
from exports.models import StageRun
from exports.payloads import Payload
from exports.record import Record
from exports.states import Reason, RunState
from exports.tools import PausedError, StageTools
from exports.world import World
from pipelines import formulas, keepable
from pipelines.contract import Inbox, Message, Outcome, Parked, Recovery
from pipelines.definition import Step
from pipelines.errors import StageError, Unavailable, Unconfirmed
from pipelines.fields import Operation

log = logging.getLogger(__name__)

MAX_LAPSES = 5
"""An attempt that takes its worker down this often is not tried again."""

DONE = frozenset({RunState.FINISHED, RunState.SKIPPED, RunState.BLOCKED, RunState.FAILED})


class Drive:
    """One attempt under one lease."""

    def __init__(self, case: Case, world: World) -> None:
        self.case = case
        self.world = world
        self.content = case.fields
        self.record = Record(case, world.ledger)
        self.standing = Standing()
        self.current: StageRun | None = None
        self._position = len(case.runs)

    def run(self) -> None:
        """To the end, or to the next wait. LeaseLostError means that somebody else has the attempt now."""
        if self.case.lapses >= MAX_LAPSES:
            endings.worn_out(self.case, self.standing)
        else:
            for step in self.case.definition.for_queue(self.case.facts.queue_id):
                self._step(step)
        self._finish()

    # One stage

    def _step(self, step: Step) -> None:
        prior = self.case.runs.get(step.name)
        if prior is not None and prior.state in DONE:
            self._replay(prior)
            return
        if any(name in self.standing.pending for name in step.run_after):
            self.standing.pending.add(step.name)
            return
        broken = [name for name in step.run_after if name in self.standing.broken]
        if broken and not step.always_run:
            self._close(self._run_of(step), RunState.BLOCKED, note=f"Not run: {', '.join(broken)} did not succeed.")
            self.standing.broken.add(step.name)
            return
        if prior is not None and prior.state == RunState.PARKED and not self._answered(step.name):
            self._go_on_waiting(step, prior)
            return
        self._attempt_stage(step, prior)

    def _go_on_waiting(self, step: Step, run: StageRun) -> None:
        """Of a parked stage that nobody answered: parked as before, until its own deadline has passed."""
        deadline = run.deadline or self.case.deadline or timezone.now()
        if deadline > timezone.now():
            self.standing.park(step.name, Parked(run.note, deadline, run.checkpoint or {}))
            return
        self.current = run
        told = f"Nothing was heard from {run.note} before the deadline."
        if run.marked_at is not None:  # a client took it, and may have done it
            told += " Somebody had taken it: look at the other side, then say whether it arrived."
        self._fail(step, run, Reason.TIMEOUT if run.marked_at is None else Reason.UNCONFIRMED, StageError(told))

    def _answered(self, stage: str) -> bool:
        return bool(self.case.answer) and (self.case.answer or {}).get("stage") in {stage, None}

    def _attempt_stage(self, step: Step, prior: StageRun | None) -> None:
        answered = prior is not None and prior.state == RunState.PARKED
        self.current = run = self._run_of(step)
        try:
            outcome = self._outcome(step, prior, run, answered=answered)
            if isinstance(outcome, Parked):
                self._park(step, run, outcome)
            else:
                self._take(step, run, outcome)
        except LeaseLostError:
            raise
        except Unavailable as error:
            self._wait(step, run, error)
        except StageError as error:
            self._fail(step, run, Reason(error.reason), error)
        except Exception as error:  # a bug of ours: kept with its traceback, never repeated by itself
            log.exception("stage failed internally", extra={"attempt": self.case.attempt_id, "stage": step.name})
            run.traceback = self.record.text(traceback.format_exc())
            message = f"Waybill itself failed here ({type(error).__name__}). The traceback is kept with the stage run."
            self._fail(step, run, Reason.INTERNAL, StageError(message))

    def _outcome(self, step: Step, prior: StageRun | None, run: StageRun, *, answered: bool) -> Outcome | Parked:
        tools = StageTools(self, step, run)
        inbox = self._inbox(prior, repeats=False, answered=answered)
        try:
            if prior is not None and prior.marked_at is not None:
                inbox = replace(inbox, repeats=self._recover(step, prior))
            elif (arrived := probing.look_again(step, inbox, tools, run)) is not None:
                return arrived
            return stepping.complete(self, stepping.begun(self, step, inbox, tools), run, sends=step.sends)
        except Unconfirmed as error:
            return probing.decide(step, inbox, tools, run, error)

    def _recover(self, step: Step, prior: StageRun) -> bool:
        """A send of an earlier worker has a mark and no end. True: the stage looks at the far end first."""
        for exchange in self.case.open_exchanges.get(prior.pk, ()):
            exchange.error = "The worker ended before the answer was recorded."
            exchange.ended_at = timezone.now()
            self.record.exchange(exchange)
        own = getattr(step.config, "recovery", None) or getattr(step.module, "RECOVERY", None)
        rule = Recovery(own or Recovery.ASK)
        if rule is Recovery.ASK:
            message = (
                "The worker ended after this stage began to send and before an answer was recorded. Look at the other "
                "side: if it arrived, mark it delivered; if not, re-queue."
            )
            raise Unconfirmed(message)
        return rule is Recovery.VERIFY

    def _inbox(self, prior: StageRun | None, *, repeats: bool, answered: bool) -> Inbox:
        return Inbox(
            stage=self.current.name if self.current else "",
            document=self.case.facts,
            fields=self.content,
            artifacts=dict(self.case.artifacts),
            original=self.case.original,
            received=self.case.received,
            schema=self.case.schema,
            attempt_id=self.case.attempt_id,
            checkpoint=prior.checkpoint if prior is not None else None,
            answer=self.case.answer if answered else None,
            repeats=repeats,
            payload=Payload(self.case, self.content),
        )

    def _take(self, step: Step, run: StageRun, outcome: Outcome) -> None:
        for key in outcome.detach:
            self.record.detach(key)
        run.detached = list(outcome.detach)
        self.record.attach(run, outcome.artifacts, redact=step.sends)
        messages = [self._redacted(message) for message in outcome.messages]
        operations = [replace(operation, value=keepable.json(operation.value)) for operation in outcome.operations]
        self.content, warnings = self.content.apply(operations)
        if operations:
            self.content, wrong = formulas.recompute(self.content, self.case.schema)
            warnings.extend(wrong)
        messages.extend(Message("warning", warning) for warning in warnings)
        run.operations = [self.record.redactor.json(_plain(operation)) for operation in operations]
        run.messages = [asdict(message) for message in messages]
        self._close(run, RunState.SKIPPED if outcome.skipped else RunState.FINISHED, note=outcome.skipped)
        self.standing.judge(run)

    def _replay(self, run: StageRun) -> None:
        """What an earlier worker already committed of this attempt."""
        operations = [Operation(**operation) for operation in run.operations]
        if operations:
            self.content, _ = self.content.apply(operations)
            self.content, _ = formulas.recompute(self.content, self.case.schema)
        self.standing.judge(run)
        if run.state == RunState.BLOCKED:
            self.standing.broken.add(run.name)
        elif run.state == RunState.FAILED:
            self.standing.broken.add(run.name)
            self.standing.failures.append(Failure(Reason(run.reason), run.name, run.note, None))
            self.standing.tell("error", run.note, run.name)

    # How a stage ends

    def _close(self, run: StageRun, state: RunState, *, note: str = "") -> None:
        run.state = state
        run.note = self.record.text(note)
        run.marked_at = None
        run.finished_at = timezone.now()
        self.record.run(run)  # a commit point in the middle of the stage may have taken it out of the open entry

    def _fail(self, step: Step, run: StageRun, reason: Reason, error: StageError) -> None:
        note = f"{error.message}\n{error.detail}" if error.detail else error.message
        self._close(run, RunState.FAILED, note=note)
        run.reason = reason
        run.place = self.record.text(error.place)[:300]
        self.standing.fail(step.name, reason, self.record.text(str(error)))

    def _wait(self, step: Step, run: StageRun, error: Unavailable) -> None:
        paused = isinstance(error, PausedError)
        if not paused and step.destination_id is not None:
            self.standing.contacts[step.destination_id] = Away(self.record.text(str(error)), error.retry_after)
        if not paused and self.case.tries + 1 >= self.case.definition.max_tries:
            told = f" Tried {self.case.tries + 1} times." if self.case.tries else " The pipeline allows one try."
            self._fail(step, run, Reason.EXHAUSTED, StageError(f"{error}{told}", place=error.place))
            return
        wait = backoff.seconds(
            self.case.tries, first=settings.BACKOFF_SECONDS, retry_after=error.retry_after, random=random.random
        )
        self._close(run, RunState.WAITING, note=str(error))
        self.standing.wait(step.name, timezone.now() + timedelta(seconds=wait), tried=not paused)

    def _park(self, step: Step, run: StageRun, parked: Parked) -> None:
        run.checkpoint = dict(parked.state)
        run.deadline = parked.deadline
        self._close(run, RunState.PARKED, note=parked.on)
        self.standing.park(step.name, parked)

    # How the attempt ends

    def _finish(self) -> None:
        end = self.standing.end(self.case, self.content)
        self.record.commit(None, replace(end, contacts=self.standing.contacts))

    def abort(self, error: BaseException) -> None:
        """Fail as internal, whatever was underway; for the loop, when the drive itself has a bug."""
        marked = self.current is not None and self.current.marked_at is not None
        reason = Reason.UNCONFIRMED if marked else Reason.INTERNAL
        self.record.discard()
        message = f"Waybill itself failed ({type(error).__name__}); the log has the traceback."
        self.standing = Standing()
        self.standing.fail(self.current.name if self.current else "", reason, message)
        self.content = self.case.fields
        self._finish()

    # The stage run's row

    def commit(self) -> None:
        """A commit point in the middle of a stage."""
        self.record.commit(self.current)

    def _run_of(self, step: Step) -> StageRun:
        """This attempt's run of a step: begun now, or taken up again."""
        run = self.case.runs.get(step.name)
        if run is None:
            self._position += 1
            run = rows.new(
                StageRun,
                organization_id=self.case.organization_id,
                attempt_id=self.case.attempt_id,
                name=step.name,
                kind=step.kind,
                position=self._position,
                begun_at=timezone.now(),
            )
            self.case.runs[step.name] = run
        else:
            run.tries += 1
            run.state = RunState.BEGUN
            run.finished_at = None
            run.note = ""
        self.record.run(run)
        return run

    def _redacted(self, message: Message) -> Message:
        return Message(message.type, self.record.text(message.content)[:4096], message.field)


def _plain(operation: Operation) -> dict[str, Any]:
    return {"op": operation.op, "id": operation.id, "schema_id": operation.schema_id, "value": operation.value}
