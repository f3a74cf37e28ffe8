"""How a stage came to be what it is: its config in every revision, and which revision each line is from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from audit.models import Event
from pipelines import definition
from pipelines.definition import StageDraft
from pipelines.models import Pipeline, Revision, Stage

MOST_REVISIONS = 100
"""Looked at, newest first. A line that is older stands under the oldest of them."""

MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Version:
    """A stage as it stood in one revision, or, with the number 0, as it stands in the draft."""

    number: int
    by: str
    at: datetime | None
    note: str
    stage: StageDraft | None
    """None where the revision did not have the stage."""

    @property
    def config(self) -> str:
        return self.stage.config if self.stage else ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the newest text, and the version that brought it."""

    text: str
    version: Version
    begins: bool
    """The first of several lines of the same version."""


def of_stage(pipeline: Pipeline, stage: Stage, draft: StageDraft) -> list[Version]:
    """Oldest first, the draft last. A stage that was renamed is followed by the audit trail."""
    events = _changes(pipeline)
    mine = next((event for event in events if event["detail"].get("stage") == stage.name), None)
    newest = Version(0, mine["actor"] if mine else "", mine["at"] if mine else None, "", draft)
    renames = [
        (event["at"], event["detail"].get("was"), event["detail"].get("stage"))
        for event in events
        if event["verb"] == "stage.change" and event["detail"].get("was") != event["detail"].get("stage")
    ]
    found = [newest]
    for revision in pipeline.revisions.order_by("-number")[:MOST_REVISIONS]:
        name = _name_at(stage.name, revision.published_at, renames)
        found.append(_version(revision, name))
    return found[::-1]


def changed(versions: Sequence[Version]) -> list[tuple[Version, Version | None]]:
    """Each version in which the stage differs from the one before, with that one; newest first."""
    pairs: list[tuple[Version, Version | None]] = []
    before: Version | None = None
    for version in versions:
        if _meant(version.stage) != _meant(before.stage if before else None):
            pairs.append((version, before))
        before = version
    return pairs[::-1]


def blame(versions: Sequence[Version], texts: Sequence[str] | None = None) -> list[Line]:
    """The newest text's lines, each with the version that brought it. `texts` are of the versions, instead of their
    configs. A line that was only indented otherwise is not new."""
    given = [version.config for version in versions] if texts is None else texts
    origin: list[Version] = []
    keys: list[str] = []
    lines: list[str] = []
    for version, text in zip(versions, given, strict=True):
        if version.stage is None:
            origin, keys = [], []
            continue
        lines = text.split("\n")
        new_keys = [line.strip() for line in lines]
        new_origin = [version] * len(lines)
        for old, new, size in SequenceMatcher(None, keys, new_keys, autojunk=False).get_matching_blocks():
            new_origin[new : new + size] = origin[old : old + size]
        origin, keys = new_origin, new_keys
    return [
        Line(line, version, begins=index == 0 or origin[index - 1] is not version)
        for index, (line, version) in enumerate(zip(lines, origin, strict=True))
    ]


def templates(version: Version) -> dict[str, str]:
    """The Jinja2 templates of a template stage, by reference key; empty for other kinds and broken configs."""
    try:
        config = json.loads(version.config)
        entries = config["export_configs"] if version.stage and version.stage.kind == "template" else []
        return {str(e.get("export_reference_key") or e.get("export_id")): _source(e) for e in entries}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _source(entry: dict[str, Any]) -> str:
    lines = entry.get("file_content_template_multiline")
    return "\n".join(map(str, lines)) if isinstance(lines, list) else str(entry.get("file_content_template") or "")


def _meant(stage: StageDraft | None) -> Any:
    """What counts as a difference: everything but a destination's name."""
    if stage is None:
        return None
    return (
        definition.compact(stage.config), stage.kind, stage.run_after, stage.active, stage.always_run, stage.queues,
        stage.destination_id,
    )  # fmt: skip


def _version(revision: Revision, name: str) -> Version:
    stages = {stage.name: stage for stage in definition.drafts_of(revision.definition)}
    return Version(revision.number, revision.published_by, revision.published_at, revision.note, stages.get(name))


def _changes(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The events of the draft's stages, newest first."""
    rows = Event.objects.filter(organization_id=pipeline.organization_id, subject=f"pipeline:{pipeline.pk}")
    columns = ("verb", "actor", "at", "detail")
    return list(rows.filter(verb__in=("stage.add", "stage.change")).order_by("-id").values(*columns)[:MOST_EVENTS])


def _name_at(name: str, at: datetime, renames: Sequence[tuple[datetime, str | None, str | None]]) -> str:
    """What the stage was called then. `renames` are newest first."""
    for when, was, now in renames:
        if when > at and now == name and was:
            name = was
    return name
