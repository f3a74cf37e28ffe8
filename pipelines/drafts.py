"""Changing a pipeline's draft: each verb raises the draft's version by a conditional UPDATE, changes its rows and
writes its audit event, in one transaction. Who read an older version gets Stale, with who changed it and when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max

from accounts.policy import Principal, require
from audit import trail
from audit.models import Event
from pipelines import definition
from pipelines.definition import StageDraft
from pipelines.models import Destination, Pipeline, Queue, Revision, Stage
from pipelines.problems import did_you_mean
from pipelines.refusals import Refused, Stale

MAX_NAME = 100
MAX_CONFIG = 1_000_000
"""Characters of one stage's config; templates of a few hundred lines have some ten thousand."""

SETTINGS = ("name", "description", "every_status_counts", "max_tries")


def create(name: str, *, by: Principal, **settings: Any) -> Pipeline:
    """A new, empty draft. `settings` are those of SETTINGS. Raises Refused where the name is taken."""
    require(by, "pipelines.add_pipeline")
    pipeline = Pipeline.own(name=_named(name, "A pipeline"), **_known(settings))
    with transaction.atomic():
        _insert(pipeline, f'There is a pipeline called "{name}" already.')
        _record(pipeline, "pipeline.add", by=by, detail={"name": pipeline.name})
    return pipeline


def set_up(pipeline: Pipeline, *, by: Principal, version: int | None = None, **settings: Any) -> Pipeline:
    """Change settings of the pipeline itself: those of SETTINGS."""
    require(by, "pipelines.change_pipeline", pipeline)
    changed = {key: value for key, value in _known(settings).items() if getattr(pipeline, key) != value}
    if not changed:
        return pipeline
    if "name" in changed:
        changed["name"] = _named(changed["name"], "A pipeline")
        if Pipeline.objects.filter(name=changed["name"]).exclude(pk=pipeline.pk).exists():
            raise Refused(f'There is a pipeline called "{changed["name"]}" already.')
    with transaction.atomic():
        _raise(pipeline, version)
        Pipeline.objects.filter(pk=pipeline.pk).update(**changed)
        _record(pipeline, "pipeline.change", by=by, detail={"changed": sorted(changed)})
    pipeline.refresh_from_db()
    return pipeline


def save(
    pipeline: Pipeline,
    draft: StageDraft,
    *,
    by: Principal,
    stage: Stage | None = None,
    version: int | None = None,
    position: int | None = None,
    why: str = "",
) -> Stage:
    """Save a stage as typed, however unfinished its config is; without `stage` it is a new one, last on the page.

    A new name is carried into the "run_after" of the stages that wait for it. `version` is the draft's as it was
    read; None overwrites. `why` goes into the trail. Raises Stale, Refused, PermissionDenied."""
    require(by, "pipelines.change_stage" if stage else "pipelines.add_stage", pipeline)
    name = _named(draft.name, "A stage")
    if len(draft.config) > MAX_CONFIG:
        raise Refused(f'The config of "{name}" has {len(draft.config):,} characters; {MAX_CONFIG:,} are the most.')
    with transaction.atomic():
        _raise(pipeline, version)
        before = _row(pipeline, stage) if stage is not None else None
        others = Stage.objects.filter(pipeline=pipeline).exclude(pk=before.pk if before else None)
        if others.filter(name=name).exists():
            raise Refused(f'Another stage of this pipeline is called "{name}" already. Choose another name.')
        row = before or Stage.own(pipeline=pipeline)
        old_name = row.name
        changed = _fill(row, draft, name)
        if position is not None:
            row.position = position
        elif before is None:
            row.position = (others.aggregate(last=Max("position"))["last"] or 0) + 1
        row.save()
        queues = Queue.objects.filter(pk__in=draft.queues)
        if set(row.queues.values_list("pk", flat=True)) != {queue.pk for queue in queues}:
            row.queues.set(queues)
            changed.append("queues")
        if before is not None and old_name != name:
            _carry(others, old_name, name)
        verb = "stage.change" if before else "stage.add"
        detail = {"stage": name, "was": old_name or name, "changed": sorted(changed)}
        _record(pipeline, verb, by=by, detail=detail, why=why)
    return row


def fingerprint(stage: Stage) -> str:
    """Of a stage as it is saved, in hex: another one means that somebody changed it."""
    told = [getattr(stage, name) for name in ("name", "kind", "config", "run_after", "destination_id", "active")]
    told += [stage.always_run, stage.position, sorted(queue.pk for queue in stage.queues.all())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def remove(stage: Stage, *, by: Principal, version: int | None = None) -> None:
    """Delete a stage of the draft. Whoever waited for it waits for what it waited for; revisions keep it."""
    require(by, "pipelines.delete_stage", stage)
    pipeline = stage.pipeline
    with transaction.atomic():
        _raise(pipeline, version)
        row = _row(pipeline, stage)
        _carry(Stage.objects.filter(pipeline=pipeline).exclude(pk=row.pk), row.name, *row.run_after)
        detail = {"stage": row.name, "kind": row.kind, "config": row.config}
        row.delete()
        _record(pipeline, "stage.delete", by=by, detail=detail)


def reorder(pipeline: Pipeline, names: Sequence[str], *, by: Principal, version: int | None = None) -> None:
    """The order of the page, which is also the order between parallel branches. Every stage must be named once."""
    require(by, "pipelines.change_pipeline", pipeline)
    with transaction.atomic():
        _raise(pipeline, version)
        rows = {row.name: row for row in Stage.objects.filter(pipeline=pipeline)}
        if sorted(names) != sorted(rows):
            unknown = [name for name in names if name not in rows]
            hint = f'"{unknown[0]}" is none of them.{did_you_mean(unknown[0], rows)}' if unknown else ""
            raise Refused(f"Name each of the pipeline's {len(rows)} stages once. {hint}".strip())
        for position, name in enumerate(names, start=1):
            rows[name].position = position
        Stage.objects.bulk_update(rows.values(), ["position"])
        _record(pipeline, "pipeline.reorder", by=by, detail={"order": list(names)})


def return_to(revision: Revision, *, by: Principal, version: int | None = None) -> list[str]:
    """Make the draft what it was in a revision; nothing is published by that.

    Returns what could not be brought back: destinations and queues that are gone since."""
    pipeline = revision.pipeline
    require(by, "pipelines.change_pipeline", pipeline)
    dumped = revision.definition
    drafts = definition.drafts_of(dumped)
    lost: list[str] = []
    with transaction.atomic():
        _raise(pipeline, version)
        Stage.objects.filter(pipeline=pipeline).delete()
        Pipeline.objects.filter(pk=pipeline.pk).update(
            every_status_counts=dumped["every_status_counts"], max_tries=dumped["max_tries"]
        )
        queues = {queue.pk: queue for queue in Queue.objects.all()}
        for position, draft in enumerate(drafts, start=1):
            row = Stage.own(pipeline=pipeline, position=position)
            _fill(row, draft, draft.name)
            row.save()
            row.queues.set(queues[key] for key in draft.queues if key in queues)
            if draft.destination_id and row.destination_id is None:
                lost.append(f'Stage "{draft.name}": the destination "{draft.destination_name}" is gone.')
            if draft.queues - set(queues):
                lost.append(f'Stage "{draft.name}": a queue that it was for is gone.')
        detail = {"revision": revision.pk, "number": revision.number, "lost": lost}
        _record(pipeline, "pipeline.return", by=by, detail=detail)
    pipeline.refresh_from_db()
    return lost


def return_stage(stage: Stage, revision: Revision, *, by: Principal) -> list[str]:
    """Make one stage of the draft what the stage of its name was in a revision; where it stands and what it waits for
    stay. Returns what could not be brought back. Raises Refused where the revision has no such stage."""
    require(by, "pipelines.change_stage", stage)
    then = next((one for one in definition.drafts_of(revision.definition) if one.name == stage.name), None)
    if then is None:
        raise Refused(f'Revision {revision.number} has no stage called "{stage.name}".')
    given = replace(then, run_after=tuple(stage.run_after))
    row = save(stage.pipeline, given, by=by, stage=stage, why=f"As it was in revision {revision.number}.")
    lost = []
    if then.destination_id and row.destination_id is None:
        lost.append(f'The destination "{then.destination_name}" is gone.')
    if then.queues - set(row.queues.values_list("pk", flat=True)):
        lost.append("A queue that it was for is gone.")
    return lost


def _raise(pipeline: Pipeline, version: int | None) -> None:
    """Raise the version first: the row is held from here to the end of the transaction."""
    rows = Pipeline.objects.filter(pk=pipeline.pk)
    mine = rows if version is None else rows.filter(version=version)
    if mine.update(version=F("version") + 1):
        pipeline.version = rows.values_list("version", flat=True).get()
        return
    last = Event.objects.filter(organization_id=pipeline.organization_id, subject=f"pipeline:{pipeline.pk}").last()
    who = f" by {last.actor} at {last.at:%Y-%m-%d %H:%M} UTC" if last else ""
    raise Stale(f'"{pipeline.name}" was changed since you read it{who}. Look at the change first, then save again.')


def _row(pipeline: Pipeline, stage: Stage) -> Stage:
    row: Stage | None = Stage.objects.select_related("destination").filter(pipeline=pipeline, pk=stage.pk).first()
    if row is None:
        raise Refused(f'"{stage.name}" is no stage of this pipeline any more. Somebody deleted it.')
    return row


def _fill(row: Stage, draft: StageDraft, name: str) -> list[str]:
    """Returns the names of what changed."""
    destination = Destination.objects.filter(pk=draft.destination_id).first() if draft.destination_id else None
    values = {
        "name": name,
        "kind": draft.kind,
        "config": draft.config.replace("\r\n", "\n"),
        "run_after": list(dict.fromkeys(draft.run_after)),
        "destination": destination,
        "active": draft.active,
        "always_run": draft.always_run,
    }
    changed = [key for key, value in values.items() if row.pk is None or getattr(row, key) != value]
    for key, value in values.items():
        setattr(row, key, value)
    return changed


def _carry(others: Iterable[Stage], old: str, *new: str) -> None:
    for other in others:
        if old in other.run_after:
            names = [name for before in other.run_after for name in (new if before == old else (before,))]
            other.run_after = list(dict.fromkeys(name for name in names if name != other.name))
            other.save(update_fields=["run_after"])


def _named(name: str, what: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused(f"{what} needs a name.")
    if len(name) > MAX_NAME:
        raise Refused(f"{what}'s name has at most {MAX_NAME} characters.")
    return name


def _known(settings: dict[str, Any]) -> dict[str, Any]:
    for key in settings:
        if key not in SETTINGS:
            raise Refused(f'A pipeline has no setting "{key}".{did_you_mean(key, SETTINGS)}')
    return settings


def _insert(pipeline: Pipeline, taken: str) -> None:
    try:
        with transaction.atomic():
            pipeline.save(force_insert=True)
    except IntegrityError as error:
        raise Refused(taken) from error


def _record(pipeline: Pipeline, verb: str, *, by: Principal, detail: dict[str, Any], why: str = "") -> None:
    subject = f"pipeline:{pipeline.pk}"
    trail.record(verb, subject, organization_id=pipeline.organization_id, actor=by.name, why=why, detail=detail)
