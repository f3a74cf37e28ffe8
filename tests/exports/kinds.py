"""Two stage kinds for tests of the engine: `act` does what its config says, `act_and_send` is felt outside as well.

What they did is in `done`, in order. A test registers them with the fixture `kinds`."""

from __future__ import annotations

import types
from datetime import timedelta
from typing import Any

import pytest

from exports import loop
from exports.models import StageRun
from pipelines import stages
from pipelines.blobs import Blob
from pipelines.contract import Checkpoint, Message, Outcome, Parked, Progress, Proof, Recovery, StageConfig
from pipelines.errors import Misconfigured, Rejected, Unavailable, Unconfirmed
from pipelines.fields import Operation
from tests import builders

ERRORS = {"reject": Rejected, "misconfigure": Misconfigured, "unavailable": Unavailable, "unconfirmed": Unconfirmed}

done: list[str] = []
"""The names of the stages that really ran."""


class Config(StageConfig):
    do: str = "finish"
    """finish, error, reject, misconfigure, unavailable, unconfirmed, bug, park, chunks or deliver."""
    message: str = ""
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    assign: dict[str, str] = {}
    recovery: Recovery | None = None
    minutes: int = 5
    """How long `park` waits for an answer."""
    times: int = 1_000_000
    """How often `do` applies; after that the stage finishes."""
    chunks: int = 0
    stop_at: int = -1
    probe: str | None = None
    """What a probe finds: there, absent or unclear."""


def run(config: Config, inbox: Any, tools: Any) -> Any:
    done.append(inbox.stage)
    seen = sum(1 for name in done if name == inbox.stage)
    if seen <= config.times:
        if config.do in ERRORS:
            raise ERRORS[config.do](config.message or f"{config.do} by {inbox.stage}")
        if config.do == "bug":
            raise ZeroDivisionError
        if config.do == "park" and inbox.answer is None:
            return _park(config, tools)
        if config.do == "deliver":
            blob = Blob.of(b"delivered bytes", name="a.txt")
            tools.deliver(
                "a", blob, "dummy://there/a.txt", lambda: Proof("dummy://there/a.txt", 15, blob.sha256, "test")
            )
    if config.chunks:
        return _chunks(config, inbox)
    operations = [Operation.assign(name, text) for name, text in config.assign.items()]
    messages = [Message("error", config.message or "judged wrong")] if config.do == "error" else []
    artifacts = {key: Blob.of(f"{key} by {inbox.stage}".encode(), name=f"{key}.txt") for key in config.write}
    return Outcome(messages=messages, operations=operations, artifacts=artifacts)


def probe(config: Config, inbox: Any, tools: Any) -> Proof | None:
    done.append(f"probe {inbox.stage}")
    if config.probe == "unclear":
        raise Unavailable("The probe was answered 503.")
    return None if config.probe == "absent" else Proof("dummy://there", 1, "ab", "GET answered 200 OK")


def _park(config: Config, tools: Any) -> Any:
    yield Parked("an outside client", tools.now() + timedelta(minutes=config.minutes), {"ticket": 7})
    return Outcome()


def _chunks(config: Config, inbox: Any) -> Any:
    first = int((inbox.checkpoint or {}).get("next", 0))
    for chunk in range(first, config.chunks):
        if chunk == config.stop_at and first == 0:
            raise KeyboardInterrupt  # as a killed worker: nothing after this line is written
        done.append(f"chunk {chunk}")
        yield Progress(chunk + 1, config.chunks, "chunks")
        yield Checkpoint({"next": chunk + 1})
    return Outcome()


def module(*, sends: bool) -> types.ModuleType:
    kind = types.ModuleType("act")
    kind.__dict__.update(
        SENDS=sends,
        RECOVERY=Recovery.ASK,
        Config=Config,
        reads=lambda config: frozenset(config.read),
        writes=lambda config: frozenset(config.write),
        run=run,
        probe=probe,
    )
    return kind


def act(name, do="finish", *, kind="act", after=None, **config):
    stage = {"name": name, "kind": kind, "config": {"do": do, **config}}
    if "always_run" in config:
        stage["always_run"] = stage["config"].pop("always_run")
    return stage if after is None else {**stage, "run_after": after}


def ran(attempt):
    return {run.name: run.state for run in StageRun.objects.filter(attempt=attempt)}


def export(*stages, fields=None, **values):
    attempt = builders.attempt(*stages, fields=fields, **values)
    return loop.run_now(attempt.pk)


@pytest.fixture
def kinds(monkeypatch):
    known = {"act": module(sends=False), "act_and_send": module(sends=True)}
    real = stages.get
    monkeypatch.setattr(stages, "get", lambda kind: known.get(kind) or real(kind))
    monkeypatch.setattr(stages, "KINDS", {**stages.KINDS, **dict.fromkeys(known, "for tests")})
    done.clear()
    from exports import cases

    cases.definition_of.cache_clear()
    return done
