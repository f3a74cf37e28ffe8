"""What people and robots ask of sources and of what they took: save, test, poll now, pause, tell again, let go."""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError

from accounts.policy import Principal, require
from audit import trail
from exports import sources
from exports.models import Claim, SourceState
from exports.models.sources import OPEN
from exports.sources import leases, steps, turn
from exports.states import ClaimState
from pipelines import configuration, wording
from pipelines.destinations import Finding
from pipelines.errors import StageError
from pipelines.models import Source
from pipelines.refusals import InUse, Refused
from pipelines.transports.http import Client


def problems(source: Source) -> list[str]:
    """What is wrong with a source about to be saved, each "column: message"; that of its config names the place."""
    found = configuration.problems(source)
    try:
        sources.get(source.kind).Config.model_validate(source.config)
    except KeyError:
        pass
    except ValidationError as error:
        wrong = wording.of(error, sources.get(source.kind).Config, source.config)
        found += [f"config: {path}: {message}" if path else f"config: {message}" for path, message in wrong]
    except StageError as error:
        found.append(f"config: {error.message}")
    return found


def save(source: Source, *, by: Principal) -> Source:
    """Insert or change. Raises Refused beginning with the column whose value cannot be, and PermissionDenied."""
    require(by, f"pipelines.{'add' if source.pk is None else 'change'}_source", source)
    before = None if source.pk is None else Source.objects.filter(pk=source.pk).first()
    if before is not None and before.kind != source.kind:
        raise Refused("kind: A source keeps its kind. Make another one.")
    for message in problems(source):
        raise Refused(message)
    with transaction.atomic():
        configuration.save(source, by=by)
        leases.adopt()
        SourceState.objects.filter(source=source).update(next_at=timezone.now())
    return source


def delete(source: Source, *, by: Principal) -> None:
    """Its claims go with it, its documents stay. Raises InUse while the other side waits for a word about some."""
    require(by, "pipelines.delete_source", source)
    if waiting := Claim.objects.filter(source=source, state__in=OPEN).count():
        some = "one document" if waiting == 1 else f"{waiting:,} documents"
        raise InUse(f'"{source.name}" cannot be deleted: the other side waits for a word about {some}. Pause it.')
    configuration.delete(source, by=by)


def test(source: Source, *, by: Principal) -> Finding:
    """Look whether the other side answers, changing nothing there. Takes its time; no transaction may be open."""
    require(by, "pipelines.test_source", source)
    client, begun = Client(), time.monotonic()
    pull = None
    try:
        pull = turn.opened(source, client)
        said = pull.kind.check(pull.config, pull)
        finding = Finding(True, source.name, f"{said} It took {(time.monotonic() - begun) * 1000:.0f} ms.")
    except StageError as error:
        message = pull.redacted(str(error)) if pull else str(error)
        finding = Finding(False, source.name, message, error.reason)
    finally:
        client.close()
    _record("test", source, by, detail={"ok": finding.ok, "message": finding.message[:500]})
    return finding


def poll(source: Source, *, by: Principal) -> None:
    """Look as soon as a worker comes to it. Raises Refused for one that is paused, or is told instead of asked."""
    require(by, "pipelines.poll_source", source)
    if source.paused_at is not None:
        raise Refused(f'"{source.name}" is paused. Resume it first.')
    with transaction.atomic():
        leases.adopt()
        SourceState.objects.filter(source=source).update(next_at=timezone.now(), quiet=0)
        _record("poll", source, by)


def pause(source: Source, *, by: Principal, why: str = "") -> Source:
    """Nothing is taken, and the other side is told nothing, until it is resumed."""
    require(by, "pipelines.pause_source", source)
    with transaction.atomic():
        rows = Source.objects.filter(pk=source.pk, paused_at=None)
        if rows.update(paused_at=timezone.now(), paused_why=why):
            _record("pause", source, by, why=why)
    source.refresh_from_db()
    return source


def resume(source: Source, *, by: Principal, why: str = "") -> Source:
    require(by, "pipelines.pause_source", source)
    with transaction.atomic():
        rows = Source.objects.filter(pk=source.pk, paused_at__isnull=False)
        if rows.update(paused_at=None, paused_why=""):
            leases.adopt()
            SourceState.objects.filter(source=source).update(next_at=timezone.now(), quiet=0)
            _record("resume", source, by, why=why)
    source.refresh_from_db()
    return source


def try_again(claim: Claim, *, by: Principal) -> Claim:
    """The step that a claim waits for or is blocked at, now: for a person who mended what kept it."""
    require(by, "exports.change_claim", claim)
    with transaction.atomic():
        now = timezone.now()
        if claim.state == ClaimState.BLOCKED:
            to = ClaimState.TO_REPORT if claim.outcome else ClaimState.CLAIMED if claim.document_id is None else None
            if to is None:
                raise Refused("What became of its document is unknown. Settle the attempt: the rest goes by itself.")
            moved = steps.move(claim, to, by=by, verb="try_again", sources={ClaimState.BLOCKED})
        else:
            waiting = Claim.objects.filter(pk=claim.pk, state__in=[ClaimState.CLAIMED, ClaimState.TO_REPORT])
            moved = bool(waiting.update(not_before=now, tries=0))
        if not moved:
            raise Refused(f"There is nothing to try again: it is {claim.state.replace('_', ' ')}.")
        SourceState.objects.filter(source=claim.source_id).update(next_at=now)
    claim.refresh_from_db()
    return claim


def let_go(claim: Claim, *, by: Principal, why: str) -> Claim:
    """Forget a thing of the other side, which is told nothing: whoever does this has told it, or will. Its document
    stays here as it is."""
    require(by, "exports.change_claim", claim)
    if not why.strip():
        raise Refused("Say why the other side needs no word: the reason is kept in the audit trail.")
    if not steps.move(claim, ClaimState.RELEASED, by=by, verb="let_go", why=why):
        raise Refused("Nobody waits for a word about it any more.")
    return claim


def _record(verb: str, source: Source, by: Principal, *, why: str = "", detail: dict[str, Any] | None = None) -> None:
    trail.record(
        f"source.{verb}",
        f"source:{source.pk}",
        organization_id=source.organization_id,
        actor=by.name,
        why=why,
        detail=detail or {"name": source.name},
    )
