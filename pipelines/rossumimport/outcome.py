"""What an import came to, for people and programs: what was translated, what a person must look at, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class StageLine:
    """One hook that became a stage."""

    hook: int
    name: str
    kind: str
    action: str = ""
    """new, changed, same, or kept: somebody has edited it here since."""
    run_after: list[str] = field(default_factory=list)
    queues: list[str] = field(default_factory=list)
    """Only these; empty where it runs for all of the pipeline."""
    active: bool = True
    timeout_s: float | None = None
    retry_count: int | None = None


@dataclass
class PipelineLine:
    """One chain of hooks that became a pipeline."""

    name: str
    queues: list[str]
    action: str = ""
    max_tries: int = 1
    stages: list[StageLine] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """Names that its stages look up and that are not kept yet."""
    problems: list[str] = field(default_factory=list)
    """What stands against publishing it."""
    published: bool = False


@dataclass
class QueueLine:
    """One queue, with its schema."""

    id: int
    name: str
    action: str = ""
    schema: str = ""


@dataclass
class Note:
    """What a person must look at, or what was left out on purpose."""

    where: str
    what: str


@dataclass
class Outcome:
    """The whole report."""

    queues: list[QueueLine] = field(default_factory=list)
    pipelines: list[PipelineLine] = field(default_factory=list)
    people: list[Note] = field(default_factory=list)
    """Each needs a person."""
    left_out: list[Note] = field(default_factory=list)
    """No part of an export, or no part of what was asked for."""
    dry_run: bool = False

    def needs(self, where: str, what: str) -> None:
        note = Note(where, what)
        if note not in self.people:
            self.people.append(note)

    def leave(self, where: str, what: str) -> None:
        self.left_out.append(Note(where, what))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        if self.dry_run:
            yield "Nothing was changed: this is what would be done."
            yield ""
        yield f"Queues: {len(self.queues)}"
        for queue in self.queues:
            yield f"  {queue.name} ({queue.action}){f', schema {queue.schema}' if queue.schema else ''}"
        yield f"Pipelines: {len(self.pipelines)}"
        for pipeline in self.pipelines:
            yield from _pipeline(pipeline)
        yield f"Needs a person: {len(self.people)}"
        yield from (f"  {note.where}: {note.what}" for note in self.people)
        yield f"Left out: {len(self.left_out)}"
        yield from (f"  {note.where}: {note.what}" for note in self.left_out)


def _pipeline(line: PipelineLine) -> Iterator[str]:
    done = ", published" if line.published else ""
    yield f"  {line.name} ({line.action}{done}), for {', '.join(line.queues) or 'no queue'}"
    for stage in line.stages:
        after = f" after {', '.join(stage.run_after)}" if stage.run_after else ""
        only = f", only for {', '.join(stage.queues)}" if stage.queues else ""
        off = "" if stage.active else ", not active"
        times = f", timeout_s {stage.timeout_s:g}" if stage.timeout_s is not None else ""
        tries = f", retry_count {stage.retry_count}" if stage.retry_count is not None else ""
        yield f"    {stage.name}: {stage.kind}{after}{only}{off}{times}{tries} ({stage.action}, hook {stage.hook})"
    if line.secrets:
        yield f"    needs the secrets {', '.join(line.secrets)}"
    yield from (f"    before it can be published: {problem}" for problem in line.problems)
