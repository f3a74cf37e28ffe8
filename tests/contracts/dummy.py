"""A stage kind that can be told to fail, to wait, to park and to take its time: for tests of what the engine promises.

Registered as a third party would: by an entry point (`install`), so that real worker processes find it too. With a
`journal` each chunk leaves a line in that file, which outlives the process that wrote it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pipelines.blobs import Blob
from pipelines.contract import Checkpoint, Inbox, Message, Outcome, Parked, Progress, StageConfig, Steps, Tools
from pipelines.errors import Misconfigured, Rejected, Unavailable, Unconfirmed

SENDS = False

ERRORS: dict[str, Callable[[str], Exception]] = {
    "rejected": Rejected,
    "misconfigured": Misconfigured,
    "unavailable": Unavailable,
    "unconfirmed": Unconfirmed,
    "bug": ZeroDivisionError,
}


class Config(StageConfig):
    """What the dummy shall do, in this order: park, work through its chunks, fail or finish."""

    chunks: int = 0
    """How many chunks of work there are."""
    checkpoint_every: int = 10
    """Chunks between two checkpoints."""
    seconds_a_chunk: float = 0.0
    """How long a chunk takes."""
    journal: str = ""
    """A file that gets a line a chunk: the process's id and the chunk's number."""
    park_on: str = ""
    """Wait for an outside answer first."""
    park_seconds: float = 60.0
    """How long the answer may take."""
    fail: Literal["", "rejected", "misconfigured", "unavailable", "unconfirmed", "bug"] = ""
    """How the stage ends, where it should not succeed."""
    target_key: str = "chunks"
    """The reference key of the result: one line a chunk."""


def reads(config: Config) -> frozenset[str]:
    return frozenset()


def writes(config: Config) -> frozenset[str]:
    return frozenset({config.target_key} if config.chunks else ())


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome | Steps:
    if config.chunks or config.park_on:
        return _steps(config, inbox, tools)
    return _end(config, {})


def _steps(config: Config, inbox: Inbox, tools: Tools) -> Steps:
    if config.park_on and inbox.answer is None:
        yield Parked(config.park_on, tools.now() + timedelta(seconds=config.park_seconds), {"asked": 1})
    kept = inbox.checkpoint or {}
    lines: list[str] = list(kept.get("lines", ()))
    for chunk in range(len(lines), config.chunks):
        if config.seconds_a_chunk:
            time.sleep(config.seconds_a_chunk)
        if config.journal:
            with Path(config.journal).open("a") as journal:
                journal.write(f"{os.getpid()} {chunk}\n")
        lines.append(str(chunk))
        yield Progress(chunk + 1, config.chunks, "chunks")
        if (chunk + 1) % config.checkpoint_every == 0:
            yield Checkpoint({"lines": list(lines)})
    artifacts = {config.target_key: Blob.of("\n".join(lines).encode(), name="chunks.txt", media_type="text/plain")}
    return _end(config, artifacts if config.chunks else {}, str((inbox.answer or {}).get("said", "")))


def _end(config: Config, artifacts: dict[str, Blob], said: str = "") -> Outcome:
    if config.fail:
        raise ERRORS[config.fail](f"told to be {config.fail}")
    return Outcome(artifacts=artifacts, messages=[Message("info", said)] if said else [])


def install(folder: Path) -> Path:
    """`folder`, put on the path of a process, makes the kind "dummy" known there: a distribution with an entry point."""
    distribution = folder / "waybill_dummy-1.0.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: waybill-dummy\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text("[waybill.stages]\ndummy = tests.contracts.dummy\n")
    return folder
