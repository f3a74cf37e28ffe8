"""What a wrong input is, as a row of a table: what was given, what the user is told word for word, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Config:
    """A wrong config of one stage. `told` has each problem as (severity, path, message); None as `after` puts the
    stage behind the template and the call that every such pipeline begins with."""

    given: str
    config: Any
    told: Sequence[tuple[str, str, str]]
    do: str
    after: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Run:
    """A document that a published pipeline cannot export. `stages` makes the pipeline out of the receivers."""

    given: str
    stages: Callable[[Any], list[dict[str, Any]]]
    reason: str
    """Of the failed attempt; empty where it succeeds, with what is told as a warning."""
    place: str
    told: str
    do: str
    fields: Any = field(default_factory=lambda: {"document_id": "INV-7", "amount_total": "12.50"})
    answers: Sequence[Any] = ()
    """What the HTTP receiver does, request by request; 201 after that."""
    original: bytes | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A wrong document. `send` knows how its way in takes it; `status` is the HTTP status or the exit code."""

    given: str
    sent: Any
    status: int
    place: str
    told: str
    do: str
    comes_in: int = 0
    """How many documents there are afterwards."""
