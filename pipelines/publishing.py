"""From a draft to a Revision: check it, compare it with what is published, freeze it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max

from accounts.policy import Principal, may
from audit import trail
from pipelines import graph, vault
from pipelines.definition import Definition, StageDraft, compact, dump
from pipelines.graph import QueueFacts
from pipelines.models import Destination, Pipeline, Queue, Revision, Stage
from pipelines.problems import Problem
from pipelines.refusals import Refused, Stale


class NotPublishable(Refused):
    """The draft has errors. `problems` has them all, warnings too."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [problem for problem in problems if problem.severity == "error"]
        more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
        super().__init__(f"The pipeline cannot be published. {errors[0]}{more}")
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the draft differs from what is published. `old` and `new` are text for people; for a
    config they are the whole text, for a page to show side by side."""

    stage: str
    """Empty where it is the pipeline's own."""
    what: Literal["added", "removed", "changed"]
    path: str = ""
    """`config`, `run_after`, `active`, …; empty where a whole stage came or went."""
    old: str = ""
    new: str = ""


def drafts(pipeline: Pipeline) -> list[StageDraft]:
    """The draft's stages as data, in the order of the page."""
    rows = Stage.objects.filter(pipeline=pipeline).select_related("destination")
    restricted = Stage.queues.through.objects.filter(stage__pipeline=pipeline).values_list("stage_id", "queue_id")
    queues: dict[int, set[int]] = {}
    for stage_id, queue_id in restricted:
        queues.setdefault(stage_id, set()).add(queue_id)
    return [
        StageDraft(
            name=row.name,
            kind=row.kind,
            config=row.config,
            run_after=tuple(str(name) for name in row.run_after) if isinstance(row.run_after, list) else (),
            active=row.active,
            always_run=row.always_run,
            queues=frozenset(queues.get(row.pk, ())),
            destination_id=row.destination_id,
            destination_name=row.destination.name if row.destination else "",
        )
        for row in rows
    ]


def check(pipeline: Pipeline) -> list[Problem]:
    """Everything that is wrong with the draft. One of severity "error" keeps it from being published."""
    return _check(pipeline, drafts(pipeline))


def check_config(pipeline: Pipeline, stage: StageDraft, *, was: str = "") -> list[Problem]:
    """What is wrong with one stage as it stands in an editor, not saved yet, amid the others of the draft. `was` is
    its saved name where the editor has another; a stage that the draft does not have is taken as a new, last one."""
    others = drafts(pipeline)
    old = was or stage.name
    whole = [stage if draft.name == old else draft for draft in others]
    if old not in {draft.name for draft in others}:
        whole.append(stage)
    return [problem for problem in _check(pipeline, whole) if problem.stage == stage.name]


def publish(pipeline: Pipeline, *, by: Principal, note: str = "") -> Revision:
    """Freeze the draft as the next revision, which every attempt takes from now on.

    Where the draft means the same as what is published, that revision is returned and nothing is written: compare
    its id with `pipeline.published_id` before. Raises NotPublishable, Stale (the draft was changed meanwhile, by
    another publisher too) and PermissionDenied."""
    if not may(by, "pipelines.publish_pipeline", pipeline):
        raise PermissionDenied(f"{by.name} may not publish this pipeline.")
    pipeline.refresh_from_db(fields=["version", "published", "every_status_counts", "max_tries", "name"])
    seen, stages_now = pipeline.version, drafts(pipeline)
    problems = _check(pipeline, stages_now)
    if any(problem.severity == "error" for problem in problems):
        raise NotPublishable(problems)
    definition = _build(pipeline, stages_now)
    published: Revision | None = pipeline.published
    if published is not None and published.digest == definition.digest:
        return published
    with transaction.atomic():
        # Whoever raises the version first publishes; the other reads again. It also locks the row for the number.
        claimed = Pipeline.objects.filter(pk=pipeline.pk, version=seen).update(version=seen + 1)
        if not claimed:
            raise Stale(f'"{pipeline.name}" was changed while you published it. Look at the draft again, then publish.')
        revisions = Revision.objects.filter(pipeline=pipeline)
        revision = Revision(
            organization_id=pipeline.organization_id,
            pipeline=pipeline,
            number=(revisions.aggregate(last=Max("number"))["last"] or 0) + 1,
            definition=definition.dump(),
            digest=definition.digest,
            note=note,
            published_by=by.name,
        )
        revision.save(force_insert=True)
        Pipeline.objects.filter(pk=pipeline.pk).update(published=revision)
        trail.record(
            "pipeline.publish",
            f"pipeline:{pipeline.pk}",
            organization_id=pipeline.organization_id,
            actor=by.name,
            why=note,
            detail={"revision": revision.pk, "number": revision.number, "digest": revision.digest},
        )
    pipeline.published, pipeline.version = revision, seen + 1
    return revision


def differences(pipeline: Pipeline) -> list[Difference]:
    """What publishing would change: the draft against the published revision, or against nothing where none is.
    A config that differs in spaces and line breaks only does not differ."""
    published: Revision | None = pipeline.published
    return compared(published.definition if published else {"stages": []}, dumped(pipeline))


def dumped(pipeline: Pipeline) -> dict[str, Any]:
    """The draft in the form in which revisions keep theirs."""
    return dump(
        pipeline.pk, drafts(pipeline), every_status_counts=pipeline.every_status_counts, max_tries=pipeline.max_tries
    )  # fmt: skip


def compared(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """In what two definitions differ, each as a revision keeps it. Of the organization in scope."""
    found = [
        Difference("", "changed", path, _text(before[path]), _text(after[path]))
        for path in ("every_status_counts", "max_tries")
        if path in before and path in after and before[path] != after[path]
    ]
    queues = dict(Queue.objects.values_list("pk", "name"))
    old = {stage["name"]: stage for stage in before["stages"]}
    new = {stage["name"]: stage for stage in after["stages"]}
    for name, stage in new.items():
        if name not in old:
            found.append(Difference(name, "added", new=stage["config"]))
        else:
            found += _stage_differences(name, old[name], stage, queues)
    return found + [Difference(name, "removed", old=stage["config"]) for name, stage in old.items() if name not in new]


def _stage_differences(name: str, old: dict[str, Any], new: dict[str, Any], queues: dict[int, str]) -> list[Difference]:
    found = []
    for path in ("kind", "config", "run_after", "active", "always_run", "queues"):
        if old[path] == new[path] or (path == "config" and compact(old[path]) == compact(new[path])):
            continue
        before, after = old[path], new[path]
        if path == "queues":
            before, after = ([queues.get(key, str(key)) for key in keys] for keys in (before, after))
        found.append(Difference(name, "changed", path, _text(before), _text(after)))
    if old["destination_id"] != new["destination_id"]:
        found.append(Difference(name, "changed", "destination", old["destination_name"], new["destination_name"]))
    return found


def _check(pipeline: Pipeline, stages_now: Sequence[StageDraft]) -> list[Problem]:
    known: dict[int | None, frozenset[str]] = {}

    def secrets(draft: StageDraft) -> frozenset[str]:
        if draft.destination_id not in known:
            known[draft.destination_id] = vault.names_for(
                pipeline.organization_id, destination_id=draft.destination_id, pipeline_id=pipeline.pk
            )
        return known[draft.destination_id]

    named = {draft.destination_id for draft in stages_now} - {None}
    there = dict(Destination.objects.filter(pk__in=named).values_list("pk", "credentials")) if named else {}

    def credentials(draft: StageDraft) -> Mapping[str, Any]:
        return there.get(draft.destination_id) or {}

    return graph.check(
        stages_now,
        secrets=secrets,
        credentials=credentials,
        queues=_queues(pipeline, stages_now),
        supplied=pipeline.rossum_hooks.exists,
    )


def _queues(pipeline: Pipeline, stages_now: Sequence[StageDraft]) -> dict[int, QueueFacts]:
    named = frozenset[int]().union(*(draft.queues for draft in stages_now))
    own = Queue.objects.filter(organization_id=pipeline.organization_id).select_related("schema")
    rows = own.filter(pipeline=pipeline) | own.filter(pk__in=named)
    return {
        row.pk: QueueFacts(row.name, row.schema.content if row.schema else (), attached=row.pipeline_id == pipeline.pk)
        for row in rows
    }


def _build(pipeline: Pipeline, stages_now: Sequence[StageDraft]) -> Definition:
    return Definition.build(
        pipeline.pk,
        stages_now,
        every_status_counts=pipeline.every_status_counts,
        max_tries=pipeline.max_tries,
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
