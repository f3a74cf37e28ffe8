"""A pipeline as checked steps: what a Revision freezes and what the engine runs. Pure, and never changed once made.

Lives here: a draft's stage as data, the frozen steps, their order, and their JSON form, which revisions keep for years.
What makes a draft good enough to freeze is judged in `pipelines/graph.py`.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from pipelines import configs, jsontext, stages
from pipelines.errors import Misconfigured
from pipelines.problems import Problem as Problem  # engine and pages know it from here

FORMAT = 1
"""Of `dump`. Rises when the shape changes; `load` reads every number up to it."""

JUDGE = "evaluate"


@dataclass(frozen=True, slots=True)
class StageDraft:
    """One stage as staff typed it. `config` is the JSON text; `queues` are ids, none meaning every queue."""

    name: str
    kind: str
    config: str = "{}"
    run_after: tuple[str, ...] = ()
    active: bool = True
    always_run: bool = False
    queues: frozenset[int] = frozenset()
    destination_id: int | None = None
    destination_name: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage, frozen and parsed. In `Definition.for_queue`, `run_after` names steps of that queue only."""

    name: str
    kind: str
    config: Any
    """The kind's Config; None only for an inactive stage whose config was not finished."""
    text: str
    """The config as typed."""
    run_after: tuple[str, ...] = ()
    active: bool = True
    always_run: bool = False
    queues: frozenset[int] = frozenset()
    destination_id: int | None = None
    destination_name: str = ""
    sends: bool = False
    judged_downstream: bool = False
    """An evaluate step comes after this one, at any distance."""

    @property
    def module(self) -> ModuleType:
        return stages.get(self.kind)


@dataclass(frozen=True)
class Definition:
    """A pipeline frozen. `steps` holds every stage, the inactive too, each after all it waits for."""

    pipeline_id: int
    steps: tuple[Step, ...]
    every_status_counts: bool = False
    max_tries: int = 6
    _of_queue: dict[int | None, tuple[Step, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(
        cls, pipeline_id: int, drafts: Sequence[StageDraft], *, every_status_counts: bool = False, max_tries: int = 6
    ) -> Definition:
        """Raises Misconfigured naming stage and path where a stage that is active cannot be read."""
        order = in_order([draft.name for draft in drafts], {draft.name: draft.run_after for draft in drafts})
        made = {draft.name: _step(draft) for draft in drafts}
        steps = _judged([made[name] for name in order])
        return cls(pipeline_id, steps, every_status_counts, max_tries)

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> Definition:
        """The exact inverse of `dump`. Raises Misconfigured where this Waybill cannot read the revision any more."""
        return cls.build(
            dumped["pipeline_id"],
            drafts_of(dumped),
            every_status_counts=dumped["every_status_counts"],
            max_tries=dumped["max_tries"],
        )

    def dump(self) -> dict[str, Any]:
        """JSON for the revision's row. Each config stays the text that was typed: databases reorder JSON's keys,
        and the order of form fields is felt outside."""
        drafts = [
            StageDraft(
                step.name, step.kind, step.text, step.run_after, step.active, step.always_run,
                step.queues, step.destination_id, step.destination_name,
            )
            for step in self.steps
        ]  # fmt: skip
        return dump(
            self.pipeline_id, drafts, every_status_counts=self.every_status_counts, max_tries=self.max_tries
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """sha256 in hex of what the definition means: spaces and line breaks in configs do not count, nor does a
        destination's name."""
        meant = self.dump()
        for stage in meant["stages"]:
            stage["config"] = compact(stage["config"])
            del stage["destination_name"]
        canonical = json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def for_queue(self, queue_id: int | None) -> tuple[Step, ...]:
        """The steps that run for documents of a queue, in order. An inactive or unattached step counts as satisfied:
        whoever waits for it waits for what it waited for. None stands for a queue that no
        stage names."""
        if queue_id not in self._of_queue:
            live = {step.name for step in self.steps if step.active and (not step.queues or queue_id in step.queues)}
            waits = {step.name: step.run_after for step in self.steps}
            self._of_queue[queue_id] = _judged([
                replace(step, run_after=through(step.name, waits, live)) for step in self.steps if step.name in live
            ])  # fmt: skip
        return self._of_queue[queue_id]

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)


def dump(
    pipeline_id: int, drafts: Iterable[StageDraft], *, every_status_counts: bool, max_tries: int
) -> dict[str, Any]:
    """A draft in the form of `Definition.dump`, whether or not its configs can be read."""
    return {
        "format": FORMAT,
        "pipeline_id": pipeline_id,
        "every_status_counts": every_status_counts,
        "max_tries": max_tries,
        "stages": [
            {
                "name": draft.name,
                "kind": draft.kind,
                "config": draft.config,
                "run_after": list(draft.run_after),
                "active": draft.active,
                "always_run": draft.always_run,
                "queues": sorted(draft.queues),
                "destination_id": draft.destination_id,
                "destination_name": draft.destination_name,
            }
            for draft in drafts
        ],
    }


def drafts_of(dumped: Mapping[str, Any]) -> list[StageDraft]:
    """The stages in a dump. Raises Misconfigured where this Waybill does not know its format."""
    version = dumped.get("format")
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        message = (
            f"This revision has the format {version}, this Waybill reads 1 to {FORMAT}. "
            "Upgrade Waybill, or publish the pipeline again."
        )
        raise Misconfigured(message, place="format")
    return [
        StageDraft(
            name=stage["name"],
            kind=stage["kind"],
            config=stage["config"],
            run_after=tuple(stage["run_after"]),
            active=stage["active"],
            always_run=stage["always_run"],
            queues=frozenset(stage["queues"]),
            destination_id=stage["destination_id"],
            destination_name=stage["destination_name"],
        )
        for stage in dumped["stages"]
    ]


def in_order(names: Sequence[str], waits: Mapping[str, Iterable[str]]) -> list[str]:
    """Each name after all that it waits for; where the order is free, as given. Names in a loop come last."""
    place = {name: index for index, name in enumerate(names)}
    left = {name: {before for before in waits[name] if before in place} for name in place}
    followers: dict[str, list[str]] = {name: [] for name in place}
    for name, befores in left.items():
        for before in befores:
            followers[before].append(name)
    ready = [place[name] for name, befores in left.items() if not befores]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for follower in followers[name]:
            left[follower].discard(name)
            if not left[follower]:
                heapq.heappush(ready, place[follower])
    return order + [name for name in place if name not in set(order)]


def through(name: str, waits: Mapping[str, Iterable[str]], live: Iterable[str]) -> tuple[str, ...]:
    """The live names that `name` waits for, looking through those that are not live."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    stack = list(reversed(list(waits.get(name, ()))))
    while stack:
        before = stack.pop()
        if before in seen or before not in waits:
            continue
        seen.add(before)
        if before in live:
            found[before] = None
        else:
            stack.extend(reversed(list(waits[before])))
    return tuple(found)


def ancestors(waits: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """For each name everything that is done before it begins; loops are walked once."""
    return {name: _reach(name, waits) for name in waits}


def compact(text: str) -> str:
    """The JSON without its spaces, keys in the order typed; text that is no JSON as it is."""
    try:
        value = jsontext.read(text).value
    except jsontext.BadJsonError:
        return text
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _reach(name: str, waits: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen: set[str] = set()
    stack = list(waits[name])
    while stack:
        before = stack.pop()
        if before in waits and before not in seen:
            seen.add(before)
            stack.extend(waits[before])
    return frozenset(seen)


def _judged(steps: Sequence[Step]) -> tuple[Step, ...]:
    live = {step.name for step in steps if step.active}
    waits = {step.name: step.run_after for step in steps}
    judges = {step.name for step in steps if step.kind == JUDGE and step.name in live}
    before = ancestors(waits)
    judged = frozenset().union(*(before[name] for name in judges))
    return tuple(replace(step, judged_downstream=step.name in judged) for step in steps)


def _step(draft: StageDraft) -> Step:
    try:
        module = stages.get(draft.kind)
    except KeyError:
        if draft.active:
            message = f'No stage kind is called "{draft.kind}" here. Was the package that brings it removed?'
            raise Misconfigured(message, place=f"{draft.name}: kind") from None
        return _frozen(draft, None, sends=False)
    parsed = configs.parse(draft.name, module, draft.config)
    if parsed.config is None and draft.active:
        first = next(problem for problem in parsed.problems if problem.severity == "error")
        raise Misconfigured(first.message, place=f"{draft.name}: {first.path}")
    return _frozen(draft, parsed.config, sends=module.SENDS)


def _frozen(draft: StageDraft, config: Any, *, sends: bool) -> Step:
    return Step(
        name=draft.name,
        kind=draft.kind,
        config=config,
        text=draft.config,
        run_after=draft.run_after,
        active=draft.active,
        always_run=draft.always_run,
        queues=draft.queues,
        destination_id=draft.destination_id,
        destination_name=draft.destination_name,
        sends=sends,
    )


Secrets = Callable[[StageDraft], frozenset[str]]
"""The names of the secrets that a stage may name: its destination's, its pipeline's, the organization's."""
