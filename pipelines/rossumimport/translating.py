"""Hooks and queues as they are at Rossum, made into the drafts of pipelines. Pure: ids are still Rossum's.

Hooks that share a queue, or wait for each other, belong to one pipeline; its stages run for the queues that their
hooks are attached to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines import configs
from pipelines.definition import StageDraft
from pipelines.rossumhooks import EVALUATOR, KINDS, PURGE, of_address
from pipelines.rossumimport import evaluators
from pipelines.rossumimport.evaluators import Untranslatable
from pipelines.rossumimport.outcome import Outcome
from pipelines.rossumimport.reading import Found, Object, ids_of

EXPORT, CHANGED = "annotation_content.export", "annotation_status.changed"
SENDING = frozenset({"rest_api", "file_storage"})
MAX_NAME = 100


@dataclass
class StagePlan:
    """A stage to be; `queues` are Rossum's ids, empty for all of the pipeline."""

    hook: int
    draft: StageDraft
    queues: frozenset[int]
    timeout_s: float | None = None
    retry_count: int | None = None


@dataclass
class PipelinePlan:
    """A pipeline to be, for the queues with these of Rossum's ids."""

    name: str
    queues: list[int]
    stages: list[StagePlan] = field(default_factory=list)
    max_tries: int = 1


def plan(found: Found, outcome: Outcome, *, only: str = "") -> list[PipelinePlan]:
    """The pipelines; what is not translated is told to `outcome`. `only` names one queue, by its name or id."""
    queues = {number: one for number, one in found.queues.items() if _wanted(number, one, only)}
    hooks = {}
    for number, hook in sorted(found.hooks.items()):
        where = f'Hook {number} "{name_of(hook)}"'
        if only and not set(ids_of(hook.get("queues"))) & set(queues):
            continue
        if _exports(hook, where, outcome):
            hooks[number] = hook
    kinds = {number: kind for number, hook in hooks.items() if (kind := _kind(number, hook, outcome))}
    names = _names(hooks)
    plans = []
    for queue_ids, hook_ids in _chains(queues, hooks):
        stages = [one for one in hook_ids if one in kinds]
        if stages:
            plans.append(_pipeline(queue_ids, stages, found, hooks, kinds, names, outcome))
    return plans


def name_of(one: Object) -> str:
    return " ".join(str(one.get("name") or "").split())[:MAX_NAME] or "Without a name"


def _wanted(number: int, queue: Object, only: str) -> bool:
    return not only or only in {str(number), str(queue.get("name"))}


def _exports(hook: Object, where: str, outcome: Outcome) -> bool:
    events = [str(event) for event in hook.get("events") or ()]
    exporting = any(event in {EXPORT, "annotation_content"} for event in events)
    if not exporting:
        outcome.leave(where, f"It is called on {', '.join(events) or 'nothing'}, which is no part of an export.")
    return exporting


@dataclass(frozen=True)
class _Kind:
    kind: str
    config: dict[str, Any]


def _kind(number: int, hook: Object, outcome: Outcome) -> _Kind | None:
    """The stage that does what a hook does; None where only a person can say."""
    where = f'Hook {number} "{name_of(hook)}"'
    settings = hook.get("settings") if isinstance(hook.get("settings"), dict) else {}
    config = hook.get("config") if isinstance(hook.get("config"), dict) else {}
    assert isinstance(settings, dict)
    assert isinstance(config, dict)
    if hook.get("type") == "function":
        return _function(where, settings, str(config.get("code") or ""), outcome)
    url = str(config.get("url") or "")
    extension = of_address(url)
    if extension is None:
        host = url.partition("://")[2].partition("/")[0] or "no address"
        told = f"It calls {host}, a webhook of somebody else's. Build a rest_api stage that sends what is needed there."
        outcome.needs(where, told)
        return None
    if extension == PURGE and CHANGED in (hook.get("events") or ()):
        told = "It also cleans up when documents are purged at Rossum; Waybill purges its own documents whole."
        outcome.leave(where, told)
    return _Kind(KINDS[extension], dict(settings))


def _function(where: str, settings: Mapping[str, Any], code: str, outcome: Outcome) -> _Kind | None:
    if isinstance(settings.get("stages"), list):
        count = len(settings["stages"])
        told = f"It is Rossum's Request Processor, with {count} stages of its own. Build each call as a rest_api stage."
        outcome.needs(where, told)
        return None
    try:
        return _Kind(KINDS[EVALUATOR], evaluators.config_of(settings, code))
    except (Untranslatable, RecursionError) as error:
        why = str(error) if isinstance(error, Untranslatable) else "Its code is nested too deep."
        outcome.needs(where, f"It is a function whose code was read and not run, nor translated. {why}")
        return None


def _chains(queues: Mapping[int, Object], hooks: Mapping[int, Object]) -> list[tuple[list[int], list[int]]]:
    """Queues and hooks that hang together, each chain by its ids."""
    home: dict[str, str] = {}

    def top(name: str) -> str:
        home.setdefault(name, name)
        while home[name] != name:
            home[name] = home[home[name]]
            name = home[name]
        return name

    for queue in queues:
        top(f"queue {queue}")
    for number, hook in hooks.items():
        mine = top(f"hook {number}")
        beside = [f"queue {one}" for one in ids_of(hook.get("queues")) if one in queues]
        beside += [f"hook {one}" for one in ids_of(hook.get("run_after")) if one in hooks]
        for other in beside:
            home[top(other)] = top(mine)
    chains: dict[str, tuple[list[int], list[int]]] = {}
    for name in sorted(home, key=lambda each: int(each.split()[1])):
        kind, number_text = name.split()
        chain = chains.setdefault(top(name), ([], []))
        chain[0 if kind == "queue" else 1].append(int(number_text))
    return list(chains.values())


def _pipeline(
    queue_ids: list[int],
    stages: list[int],
    found: Found,
    hooks: Mapping[int, Object],
    kinds: Mapping[int, _Kind],
    names: Mapping[int, str],
    outcome: Outcome,
) -> PipelinePlan:
    titles = [name_of(found.queues[one]) for one in queue_ids]
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    title = f"{titles[0][:60]}{more}" if titles else names[stages[0]][:60]
    made = PipelinePlan(f"Rossum: {title}", queue_ids)
    for number in stages:
        made.stages.append(_stage(number, queue_ids, hooks, kinds, names, outcome))
    tries = [one.retry_count for one in made.stages if one.draft.kind in SENDING and one.retry_count is not None]
    made.max_tries = 1 + (max(tries) if tries else 0)
    _tell_of_secrets(made, outcome)
    return made


def _stage(
    number: int,
    queue_ids: Sequence[int],
    hooks: Mapping[int, Object],
    kinds: Mapping[int, _Kind],
    names: Mapping[int, str],
    outcome: Outcome,
) -> StagePlan:
    hook, kind = hooks[number], kinds[number]
    attached = frozenset(ids_of(hook.get("queues"))) & set(queue_ids)
    told = hook.get("config") if isinstance(hook.get("config"), dict) else {}
    assert isinstance(told, dict)
    timeout, retries = told.get("timeout_s"), told.get("retry_count")
    config = dict(kind.config)
    if kind.kind == "rest_api" and isinstance(timeout, int | float) and timeout > 0:
        config.setdefault("timeout_s", timeout)
    active = hook.get("active") is not False
    if active and queue_ids and not attached:
        active = False
        outcome.needs(f'Hook {number} "{name_of(hook)}"', "It is attached to no queue, so its stage is not active.")
    return StagePlan(
        hook=number,
        draft=StageDraft(
            name=names[number],
            kind=kind.kind,
            config=json.dumps(config, ensure_ascii=False, indent=2),
            run_after=tuple(names[one] for one in _before(number, hooks, kinds)),
            active=active,
        ),
        queues=frozenset() if attached == set(queue_ids) else attached,
        timeout_s=float(timeout) if isinstance(timeout, int | float) else None,
        retry_count=retries if isinstance(retries, int) else None,
    )


def _before(number: int, hooks: Mapping[int, Object], kinds: Mapping[int, _Kind]) -> Iterable[int]:
    """The hooks that became stages and that this one waits for, through those that did not."""
    found: dict[int, None] = {}
    seen: set[int] = {number}
    stack = list(reversed(ids_of(hooks[number].get("run_after"))))
    while stack:
        one = stack.pop()
        if one in seen or one not in hooks:
            continue
        seen.add(one)
        if one in kinds:
            found[one] = None
        else:
            stack.extend(reversed(ids_of(hooks[one].get("run_after"))))
    return found


def _names(hooks: Mapping[int, Object]) -> dict[int, str]:
    """Stage names: the hooks' own, with their id where two are called the same."""
    given = {number: name_of(hook) for number, hook in hooks.items()}
    often = list(given.values())
    return {
        number: name if often.count(name) == 1 else f"{name[: MAX_NAME - 14]} [{number}]"
        for number, name in given.items()
    }  # fmt: skip


def _tell_of_secrets(made: PipelinePlan, outcome: Outcome) -> None:
    """At Rossum each hook has secrets of its own; here the stages of a pipeline share them by name."""
    users: dict[str, list[str]] = {}
    for stage in made.stages:
        raw = json.loads(stage.draft.config)
        for name in {name for _, name in configs.secrets_named(raw)} - {"access_token"}:
            users.setdefault(name, []).append(stage.draft.name)
    for name, stages in sorted(users.items()):
        if len(stages) > 1:
            told = (
                f'The secret "{name}" is named by {", ".join(stages)}: each had its own at Rossum, here they share it. '
            )
            outcome.needs(made.name, told + "Where the values differ, give the stages destinations with secrets.")
