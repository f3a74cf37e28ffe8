"""How reference keys flow along a draft's order, judged for each queue by itself: read before written, written twice
in no order, taken away by a purge, and an evaluator with nothing before it to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import ModuleType
from typing import Protocol, cast

from pipelines import configs
from pipelines.configs import Parsed
from pipelines.contract import RECEIVED
from pipelines.definition import JUDGE, StageDraft, ancestors, in_order, through
from pipelines.problems import Problem, Severity, did_you_mean, listed


class _Removes(Protocol):
    """What a kind that takes artifacts away has besides the five names: whether it takes this key."""

    def __call__(self, config: object, key: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Read:
    """A draft whose config was read, and the reference keys that its kind says it reads and writes."""

    draft: StageDraft
    module: ModuleType
    parsed: Parsed
    reads: frozenset[str]
    writes: frozenset[str]

    @property
    def name(self) -> str:
        return self.draft.name

    def takes(self, key: str) -> bool:
        removes = cast("_Removes | None", getattr(self.module, "removes", None))
        return removes is not None and removes(self.parsed.config, key)

    def problem(self, key: str, message: str, severity: Severity = "error") -> Problem:
        """At the place in the config that names a reference key."""
        named = (path for path, text in configs.strings(self.parsed.raw) if text == key and _names_a_key(path))
        return self.parsed.problem(self.name, next(named, ""), message, severity)


def check(
    drafts: Sequence[StageDraft],
    read: Sequence[Read],
    queues: Mapping[int | None, str],
    *,
    supplied: Callable[[], bool] = bool,
) -> Iterator[Problem]:
    """`queues` are the ids and names for whose documents the order is judged. What holds for all of them is said once,
    the rest names its queues. The order must have no loop."""
    waits = {draft.name: draft.run_after for draft in drafts}
    order = {name: index for index, name in enumerate(in_order(list(waits), waits))}
    everyone = sorted(read, key=lambda one: order[one.name])
    found: dict[Problem, list[str]] = {}
    for queue_id, queue_name in queues.items():
        running = {draft.name for draft in drafts if draft.active and (not draft.queues or queue_id in draft.queues)}
        if not running and any(draft.active for draft in drafts):
            message = f'No stage runs for documents of "{queue_name}": every active stage is for other queues.'
            yield Problem("", "", message)
            continue
        before = ancestors({name: through(name, waits, running) for name in running})
        for problem in _Flow(before, everyone, supplied).problems():
            found.setdefault(problem, []).append(queue_name)
    for problem, where in found.items():
        tail = "" if len(where) == len(queues) else f" (For documents of {listed(where)}.)"
        yield replace(problem, message=problem.message + tail)


@dataclass(frozen=True)
class _Flow:
    """The order as documents of one queue take it: `before` has each running stage's predecessors, near and far."""

    before: Mapping[str, frozenset[str]]
    everyone: Sequence[Read]
    """Every stage whose config could be read, the idle ones too."""
    supplied: Callable[[], bool] = bool
    """Whether artifacts come from outside as well; asked only where one is missing."""

    @cached_property
    def live(self) -> list[Read]:
        return [one for one in self.everyone if one.name in self.before]

    @cached_property
    def unread(self) -> frozenset[str]:
        """Running stages whose config could not be read: their own problem is said, nothing is guessed from them."""
        return frozenset(self.before) - {one.name for one in self.everyone}

    def problems(self) -> Iterator[Problem]:
        for one in self.live:
            missing = [] if self.unread & self.before[one.name] else [*self.unwritten(one), *self.nothing_to_judge(one)]
            if missing and not self.supplied():
                yield from missing
            yield from self.written_twice(one)
            yield from self.reserved(one)
            yield from self.purged_beside(one)

    def ordered(self, one: Read, other: Read) -> bool:
        return one.name in self.before[other.name] or other.name in self.before[one.name]

    def unwritten(self, one: Read) -> Iterator[Problem]:
        for key in sorted(one.reads):
            if key.startswith(RECEIVED):  # comes with the document, or the stage says that it did not
                continue
            writers = [other for other in self.everyone if key in other.writes and other is not one]
            earlier = [other for other in writers if other.name in self.before[one.name]]
            if not earlier:
                yield one.problem(key, f'Nothing before this stage writes "{key}".{self.why(one, key, writers)}')
                continue
            takers = [other for other in self.live if other.name in self.before[one.name] and other.takes(key)]
            for taker in takers:
                if all(writer.name in self.before[taker.name] for writer in earlier):
                    message = f'"{taker.name}" takes "{key}" away before this stage reads it. Let it run first of all.'
                    yield one.problem(key, message)

    def why(self, one: Read, key: str, writers: Sequence[Read]) -> str:
        """What the person can do about a key that comes too late or not at all."""
        running = [other for other in writers if other.name in self.before]
        if later := [other.name for other in running if one.name in self.before[other.name]]:
            return f" {listed(later)} writes it, but runs after this stage: turn their order round."
        if beside := [other.name for other in running]:
            return f' {listed(beside)} writes it, but in parallel: put {listed(beside)} into "run_after".'
        if idle := [other.name for other in writers if not other.draft.active]:
            return f" {listed(idle)} would write it, but is not active."
        if elsewhere := [other.name for other in writers]:
            return f" {listed(elsewhere)} writes it, but for documents of other queues."
        if key in one.writes:
            return " This stage writes it itself, which is too late."
        return did_you_mean(key, {written for other in self.live for written in other.writes})

    def written_twice(self, one: Read) -> Iterator[Problem]:
        """Said at the later one on the page, once a pair."""
        for other in self.live[: self.live.index(one)]:
            for key in sorted(one.writes & other.writes):
                if not self.ordered(one, other):
                    message = (
                        f'"{other.name}" writes "{key}" too, and nothing says which comes last. '
                        'Put one into the other\'s "run_after", or give each its own key.'
                    )
                    yield one.problem(key, message)

    def reserved(self, one: Read) -> Iterator[Problem]:
        for key in sorted(key for key in one.writes if key.startswith(RECEIVED)):
            message = f'Keys that begin with "{RECEIVED}" are for files that come with a document. Choose another.'
            yield one.problem(key, message)

    def purged_beside(self, one: Read) -> Iterator[Problem]:
        """Said at the first stage of a branch only: what comes after it is cured with it."""
        for purge in self.live:
            if one is purge or not self.endangered(one, purge):
                continue
            if any(self.endangered(other, purge) for other in self.live if other.name in self.before[one.name]):
                continue
            key = min(key for key in one.reads | one.writes if purge.takes(key))
            message = f'Runs in parallel with "{purge.name}", which would take "{key}" away: put "{purge.name}" here.'
            yield Problem(one.name, "run_after", message)

    def endangered(self, one: Read, purge: Read) -> bool:
        return (
            one is not purge
            and not self.ordered(one, purge)
            and any(purge.takes(key) for key in one.reads | one.writes)
        )  # fmt: skip

    def nothing_to_judge(self, one: Read) -> Iterator[Problem]:
        if one.draft.kind != JUDGE:
            return
        if not any(other.module.SENDS for other in self.live if other.name in self.before[one.name]):
            message = 'No stage before this one sends anything, so there is no answer to judge. See its "run_after".'
            yield Problem(one.name, "run_after", message, "warning")


def _names_a_key(path: str) -> bool:
    """`export_reference_key`, `keys[2]`, and `export_id` of older configs."""
    return path.rsplit(".", 1)[-1].rstrip("0123456789[]").endswith(("key", "keys", "export_id"))
