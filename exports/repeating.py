"""What a repeat of an attempt takes over, what it sends again byte for byte, and what it does anew.

How the bytes are found among what was kept lives in exports/sendings.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from exports import cases, sendings
from exports.models import Attempt, StageRun
from exports.sendings import Held
from exports.states import RunState
from pipelines.definition import Definition, Step
from pipelines.errors import StageError
from pipelines.models import Revision
from pipelines.refusals import Refused

DONE = frozenset({RunState.FINISHED, RunState.SKIPPED})
NOTHING = "It sent nothing that could be sent again as it was."


class Fate(StrEnum):
    """What a repeat does with one stage."""

    SENT = "sent"
    """Its bytes leave again as they were."""
    KEPT = "kept"
    """What it did is taken over; it does not run."""
    RUNS = "runs"
    """It runs: on the new reply, or because it never did."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """An attempt as it would be repeated byte for byte."""

    steps: Sequence[Step]
    runs: Mapping[str, StageRun]
    held: Mapping[str, Held]
    resume_from: str = ""

    def resumed(self, stage: str) -> Repeat:
        """The same, from a later stage on."""
        return replace(self, resume_from=stage)

    @property
    def fates(self) -> dict[str, Fate]:
        """By stage, in order."""
        return fates(self.steps, self.runs, self.held, self.resume_from)

    @property
    def why_not(self) -> str:
        """Why it cannot be; empty where it can."""
        again = [self.held[name] for name, fate in self.fates.items() if fate is Fate.SENT]
        if not again:
            return f"Nothing was sent from the stage {self.resume_from} on." if self.resume_from else NOTHING
        return next((held.why_not for held in again if held.why_not), "")


def repeat(attempt: Attempt, definition: Definition, *, resume_from: str = "") -> Repeat:
    """`definition` is that of the attempt's own revision. Eight queries at most, whatever it sent."""
    steps = _steps(attempt, definition)
    runs = list(StageRun.unscoped.filter(attempt_id=attempt.pk).defer("traceback", "checkpoint", "progress"))
    held = sendings.held_of(attempt, steps, runs)
    return Repeat(steps, {run.name: run for run in runs}, held, resume_from)


def why_not_many(attempt_ids: Sequence[int], *, resume: bool = False) -> dict[str, int]:
    """How many of these attempts cannot be repeated byte for byte, by the reason. Ten queries, however many."""
    rows = {
        attempt.pk: attempt
        for attempt in Attempt.objects.filter(pk__in=attempt_ids).select_related("document").only(
            "organization", "revision_id", "stage", "document__organization", "document__queue_id"
        )
    }  # fmt: skip
    steps: dict[int, Sequence[Step]] = {}
    told: Counter[str] = Counter()
    for pk, attempt in rows.items():
        try:
            steps[pk] = _steps(attempt, cases.definition_of(attempt.revision_id))
        except (StageError, Refused) as error:
            told[str(error)] += 1
    runs: dict[int, dict[str, StageRun]] = defaultdict(dict)
    for run in StageRun.objects.filter(attempt_id__in=steps).only(
        "organization", "attempt_id", "name", "state", "messages"
    ):  # fmt: skip
        runs[run.attempt_id][run.name] = run
    for pk, held in sendings.held_by(steps).items():
        stage = rows[pk].stage if resume else ""
        if why := Repeat(steps[pk], runs[pk], held, stage).why_not:
            told[why] += 1
    return dict(told.most_common())


def taken_over(attempt: Attempt, revision: Revision, resume_from: str, *, frozen: bool) -> list[str]:
    """The stages whose work a repeat through `revision` takes over. Raises Refused where there is no stage to resume
    from, or where not all that was sent is kept."""
    if not resume_from and not frozen:
        return []
    definition = cases.definition_of(revision.pk)
    steps = _steps(attempt, definition)
    if resume_from and resume_from not in {step.name for step in steps}:
        raise Refused(f'The revision has no stage "{resume_from}" for this queue.')
    if frozen:
        exact = repeat(attempt, definition, resume_from=resume_from)
        if exact.why_not:
            raise Refused(exact.why_not)
        return [name for name, fate in exact.fates.items() if fate is Fate.KEPT]
    again = {resume_from}
    for step in steps:
        if again & set(step.run_after):
            again.add(step.name)
    runs = StageRun.unscoped.filter(attempt_id=attempt.pk, state__in=sorted(DONE))
    return list(runs.exclude(name__in=again).values_list("name", flat=True))


def fates(
    steps: Sequence[Step], runs: Mapping[str, StageRun], sent: Collection[str], resume_from: str = ""
) -> dict[str, Fate]:
    """What a repeat does with each stage. Whatever fed a send is taken over, so that nothing is rendered again; what
    reads or judges a reply runs on the new one. Pure."""
    again = {resume_from} if resume_from else {step.name for step in steps}
    anew: set[str] = set()
    fresh: set[str] = set()
    found = {}
    for step in steps:
        if again & set(step.run_after):
            again.add(step.name)
        run = runs.get(step.name)
        done = run is not None and run.state in DONE and not _says_error(run)
        follows = bool(anew & set(step.run_after))
        reads, writes = step.module.reads(step.config), step.module.writes(step.config)
        if done and step.name not in again:
            fate = Fate.KEPT
        elif step.name in sent:
            fate = Fate.SENT
        elif done and not (follows and (step.sends or not writes or reads & fresh)):
            fate = Fate.KEPT
        else:
            fate = Fate.RUNS
        if follows or fate is not Fate.KEPT:
            anew.add(step.name)
        if fate is not Fate.KEPT:
            fresh |= writes
        found[step.name] = fate
    return found


def _steps(attempt: Attempt, definition: Definition) -> tuple[Step, ...]:
    if attempt.document is None:
        raise Refused("This attempt exports no document.")
    return definition.for_queue(attempt.document.queue_id)


def _says_error(run: StageRun) -> bool:
    return any(isinstance(message, dict) and message.get("type") == "error" for message in run.messages)
