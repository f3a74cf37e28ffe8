"""A kind of source for tests of the machinery: its other side is an object in memory that obeys and counts."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exports import loop
from exports.models import Attempt, Claim, SourceState
from exports.sources import poller
from exports.sources.contract import Outcome, Polled, SourceConfig
from exports.states import ClaimState, State
from pipelines import publishing, sourcing
from pipelines.models import Source
from tests import builders
from tests.exports.kinds import act


@dataclass
class Other:
    """`things` wait there, version by key; `told` is what it was told, in order."""

    things: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    wrong: dict[str, Exception] = field(default_factory=dict)
    """By step ("poll", "fetch", "report") what it does instead."""
    fields: dict[str, Any] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)


class Config(SourceConfig):
    greeting: str = "hello"
    """What it says first."""


def kind(other: Other, *, reports: frozenset[Outcome] = frozenset({Outcome.EXPORTED, Outcome.FAILED})) -> Any:
    def fail(step: str) -> None:
        if step in other.wrong:
            raise other.wrong[step]

    def check(config: Any, pull: Any) -> str:
        fail("check")
        return f"It says {config.greeting}."

    def poll(pull: Any) -> Polled:
        fail("poll")
        taken = [key for key, version in other.things.items() if pull.claim(key, version=version)]
        return Polled(found=len(other.things), taken=len(taken), lag=7.5 if other.things else None)

    def fetch(pull: Any, claim: Claim) -> None:
        fail("fetch")
        other.fetched.append(claim.key)
        pull.take(claim, fields=other.fields.get(claim.key, {"number": claim.key}))

    def report(pull: Any, claims: Sequence[Claim]) -> None:
        fail("report")
        for claim in claims:
            other.told.append((claim.key, claim.outcome))
            if claim.outcome == Outcome.UNKNOWN:
                pull.block(claim, "Nobody knows.")
            elif claim.outcome == Outcome.CANCELLED:
                pull.released(claim)
            else:
                pull.reported(claim)

    module = types.ModuleType("exports.sources.pretend")
    module.__dict__.update(
        POLLS=True, RATE=None, REPORTS=reports, Config=Config, check=check, poll=poll, fetch=fetch, report=report
    )
    return module


@pytest.fixture
def other(monkeypatch):
    """The other side of every source of the kind `pretend`."""
    made = Other()
    register(monkeypatch, kind(made))
    return made


def register(monkeypatch, module) -> None:
    monkeypatch.setitem(sourcing.KINDS, "pretend", "for tests")
    monkeypatch.setitem(sys.modules, "exports.sources.pretend", module)


def source(*stages: dict[str, Any], **values: Any) -> Source:
    """A source whose documents go through these stages; without any, one that succeeds."""
    draft = builders.pipeline(*(stages or [act("send")]))
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    made = Source.own(**{"name": "Other side", "kind": "pretend", "queue": builders.queue(pipeline=draft), **values})
    made.save()
    return made


def turn(made: Source, *, exports: bool = True) -> SourceState:
    """One turn, after which everything is exported that is due; backoffs are taken for over."""
    early = timezone.now() - timedelta(seconds=1)
    Claim.objects.filter(source=made).update(not_before=early)
    SourceState.objects.filter(source=made).update(next_at=early)
    made.refresh_from_db()
    assert poller.poll_now(made)
    if exports:
        for attempt in Attempt.objects.filter(state=State.QUEUED).order_by("pk"):
            loop.run_now(attempt.pk)
    return SourceState.objects.get(source=made)


def claims(made: Source) -> dict[str, str]:
    return dict(Claim.objects.filter(source=made).values_list("key", "state").order_by("key"))


def claim(made: Source, key: str) -> Claim:
    found: Claim = Claim.objects.get(source=made, key=key)
    return found


__all__ = ["ClaimState", "act", "claim", "claims", "kind", "other", "register", "source", "turn"]
