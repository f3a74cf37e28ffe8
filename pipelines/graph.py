"""Whether a draft may be published. Lives here: the whole judgement, and what shows without following the keys: names,
circles, kinds, configs, secrets, schema ids. What flows along the order is judged in `pipelines/flow.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from pipelines import configs, flow, mentions, schematree, stages
from pipelines.definition import Secrets, StageDraft
from pipelines.flow import Read
from pipelines.problems import Need, Problem, did_you_mean, listed


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What the checks know of a queue. `schema` is its list of sections, empty where it has none."""

    name: str
    schema: Sequence[Mapping[str, Any]] = ()
    attached: bool = True
    """Its documents go through this pipeline; False for one that only a stage's restriction names."""


Credentials = Callable[[StageDraft], Mapping[str, Any]]
"""Those of the destination of a stage; empty where it has none."""


class _Needs(Protocol):
    """What a kind that needs more than its config has besides the five names."""

    def __call__(self, config: object, credentials: Mapping[str, Any]) -> Iterator[Need]: ...


def check(
    drafts: Sequence[StageDraft],
    *,
    secrets: Secrets,
    credentials: Credentials | None = None,
    queues: Mapping[int, QueueFacts] | None = None,
    supplied: Callable[[], bool] = bool,
) -> list[Problem]:
    """Everything that is wrong with the draft: the pipeline's own problems first, then in the order of its stages.
    Without `credentials` those of destinations are not judged. `supplied`: artifacts come with the document from
    outside, and what was sent too, so that a stage may read and judge what none here wrote or sent."""
    if not drafts:
        return [Problem("", "", "The pipeline has no stages. Add one.")]
    queues = queues or {}
    problems = list(_names(drafts))
    loop = _loop(drafts)
    if loop:
        way = " → ".join(f'"{name}"' for name in loop)
        problems.append(Problem(loop[0], "run_after", f"These stages wait for each other in a circle: {way}. Cut it."))
    read: list[Read] = []
    for draft in drafts:
        one, found = _read(draft, secrets)
        problems += found if draft.active else [replace(each, severity="warning") for each in found]
        if one is not None:
            read.append(one)
            problems += _unmet(one, secrets, credentials)
    problems += _unknown_fields(read, queues)
    problems += _unattached(drafts, queues)
    if not loop and len({draft.name for draft in drafts}) == len(drafts):
        problems += flow.check(drafts, read, _contexts(drafts, queues), supplied=supplied)
    place = {draft.name: index for index, draft in reversed(list(enumerate(drafts)))}
    return sorted(problems, key=lambda problem: place.get(problem.stage, -1))


def _names(drafts: Sequence[StageDraft]) -> Iterator[Problem]:
    names = [draft.name for draft in drafts]
    for index, draft in enumerate(drafts):
        if not draft.name.strip():
            yield Problem("", "name", f"Stage number {index + 1} has no name. Give it one.")
        elif draft.name in names[:index]:
            yield Problem(draft.name, "name", f'Two stages are called "{draft.name}". Rename one of them.')
        for before in draft.run_after:
            if before not in names:
                hint = did_you_mean(before, names) or " Delete it, or add that stage."
                yield Problem(draft.name, "run_after", f'"{before}" is no stage of this pipeline.{hint}')
    if not any(draft.active for draft in drafts):
        yield Problem("", "", "No stage is active, so nothing would run. Activate one.")


def _loop(drafts: Sequence[StageDraft]) -> list[str]:
    """The names of one loop in running order, the first repeated at the end; empty where there is none."""
    names = {draft.name for draft in drafts}
    waits = {draft.name: [before for before in draft.run_after if before in names] for draft in drafts}
    done: set[str] = set()
    for start, befores in waits.items():
        path = [start]
        turns = [iter(befores)]
        while path:
            before = next((name for name in turns[-1] if name not in done), None)
            if before is None:
                done.add(path.pop())
                turns.pop()
            elif before in path:
                return [before, *reversed(path[path.index(before) :])]
            else:
                path.append(before)
                turns.append(iter(waits[before]))
    return []


def _read(draft: StageDraft, secrets: Secrets) -> tuple[Read | None, list[Problem]]:
    try:
        module = stages.get(draft.kind)
    except KeyError:
        known = [kind for kind, _ in stages.choices()]
        hint = did_you_mean(draft.kind, known) or f" Known are {listed(known)}."
        return None, [Problem(draft.name, "kind", f'No stage kind is called "{draft.kind}".{hint}')]
    parsed = configs.parse(draft.name, module, draft.config)
    problems = list(parsed.problems)
    if parsed.raw is not None and draft.active:
        unknown = mentions.unknown_secrets(draft, parsed.raw, secrets(draft))
        problems += [parsed.problem(draft.name, path, message) for path, message in unknown]
    if parsed.config is None:
        return None, problems
    reads, writes = frozenset(module.reads(parsed.config)), frozenset(module.writes(parsed.config))
    return Read(draft, module, parsed, reads, writes), problems


def _unmet(one: Read, secrets: Secrets, credentials: Credentials | None) -> Iterator[Problem]:
    needs = cast("_Needs | None", getattr(one.module, "needs", None))
    if needs is None or credentials is None or not one.draft.active:
        return
    known = secrets(one.draft)
    for need in needs(one.parsed.config, credentials(one.draft)):
        if known & set(need.secrets):
            continue
        message = need.message
        if need.secrets:
            hint = next((near for name in need.secrets if (near := did_you_mean(name, known))), "")
            message = f"{message}{hint} {mentions.keep(one.draft)}"
        if need.place.startswith("config."):
            yield one.parsed.problem(one.name, need.place.removeprefix("config."), message)
        else:
            yield Problem(one.name, need.place, message)


def _contexts(drafts: Sequence[StageDraft], queues: Mapping[int, QueueFacts]) -> dict[int | None, str]:
    """The queues for which the order is judged; None stands for documents of a queue that no stage names."""
    attached: dict[int | None, str] = {key: queue.name for key, queue in queues.items() if queue.attached}
    named = sorted(frozenset[int]().union(*(draft.queues for draft in drafts)))
    return attached or {key: _queue_name(key, queues) for key in named} or {None: ""}


def _unattached(drafts: Sequence[StageDraft], queues: Mapping[int, QueueFacts]) -> Iterator[Problem]:
    attached = {key for key, queue in queues.items() if queue.attached}
    for draft in drafts:
        if attached and (idle := sorted(draft.queues - attached)):
            names = listed(_queue_name(key, queues) for key in idle)
            message = f"This stage is for documents of {names}, which do not go through this pipeline."
            yield Problem(draft.name, "queues", message, "warning")


def _queue_name(queue_id: int, queues: Mapping[int, QueueFacts]) -> str:
    return queues[queue_id].name if queue_id in queues else f"queue {queue_id}"


def _unknown_fields(read: Sequence[Read], queues: Mapping[int, QueueFacts]) -> Iterator[Problem]:
    """Schema ids that are mentioned and missing. Missing at every queue blocks; at some of them it may be meant,
    unless the stage writes the field."""
    known = {key: schematree.ids(queue.schema) for key, queue in queues.items() if queue.attached and queue.schema}
    for one in read:
        meant = {key: ids for key, ids in known.items() if not one.draft.queues or key in one.draft.queues}
        for mention in mentions.fields(one.draft.kind, one.parsed.raw) if one.draft.active else ():
            lacking = {key: ids for key, ids in meant.items() if mention.schema_id.removesuffix("_values") not in ids}
            if not lacking or any(mention.schema_id in ids for ids in lacking.values()):
                continue
            blocks = mention.how == "error" and (mention.written or len(lacking) == len(meant))
            hint = did_you_mean(mention.schema_id, frozenset[str]().union(*lacking.values()))
            names = listed(queues[key].name for key in lacking)
            message = f'The schema of {names} has no field "{mention.schema_id}".{hint}'
            yield one.parsed.problem(one.draft.name, mention.path, message, "error" if blocks else "warning")
