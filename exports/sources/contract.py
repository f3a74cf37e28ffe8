"""What a kind of source is given and what it gives back.

A kind is a module with these names:

`POLLS`    whether it is asked at all; a webhook is not, it is told.
`RATE`     requests a second that the other side bears; None is unlimited.
`REPORTS`  the outcomes that the other side is told. One that is not among them tells it nothing: a claim whose attempt
           was cancelled then waits for what else becomes of the document, one whose outcome is unknown is blocked.
`Config`   a closed pydantic model, `SourceConfig`'s child. It names secrets; it never holds one.

`check(config, pull) -> str`     the test button: log in, look, change nothing; returns what was seen.
`poll(pull) -> Polled`           list what waits at the other side and `pull.claim` each. No more: contents are fetched
                                 by `fetch`, for each claim by itself, so that one broken thing stops no other.
`fetch(pull, claim) -> None`     bring the thing here and `pull.take` it; asked again after a crash or an error.
`report(pull, claims) -> None`   tell the other side how these ended (`claim.outcome`, `reason`, `message`), and settle
                                 each with `pull.reported`, `released`, `retake`, `later` or `block`.

A kind that holds something at the other side has besides
`leave(pull) -> None`            as the last worker stops: let go of all that is held there.

The crash rule: an outside call that moves something there has `pull.mark` before it. Whoever is asked again and finds
the mark asks the other side first what became of it, and repeats only what did not happen. A kind raises the four
errors of pipelines.errors; nothing else on purpose. All calls leave through `pull.call`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from exports.states import Reason
from pipelines.contract import StageConfig

if TYPE_CHECKING:
    from exports.models import Claim
    from exports.sources.pull import Pull

SourceConfig = StageConfig
"""Closed and frozen, options described by the text below them, as stages have it."""


class Outcome(StrEnum):
    """Of a claim: what became of its document."""

    EXPORTED = "exported"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """People stopped its export; the document waits here."""
    UNKNOWN = "unknown"
    """A send left and nobody saw its end. A kind that reports it blocks the claim once it has."""


TRANSIENT = frozenset({Reason.EXHAUSTED, Reason.TIMEOUT})
"""Reasons after which the same thing may well succeed later; all others are final until somebody acts."""


def transient(claim: Claim) -> bool:
    return claim.reason in TRANSIENT


@dataclass(frozen=True, slots=True)
class Polled:
    """What one look saw. `busy`: there is more, look again at once."""

    found: int = 0
    taken: int = 0
    busy: bool = False
    lag: float | None = None
    """Seconds for which the oldest thing had waited there, as far as the other side says."""


class Kind(Protocol):
    """A kind's module, as the machinery sees it."""

    POLLS: bool
    RATE: float | None
    REPORTS: frozenset[Outcome]
    Config: type[SourceConfig]

    def check(self, config: Any, pull: Pull) -> str: ...
    def poll(self, pull: Pull) -> Polled: ...
    def fetch(self, pull: Pull, claim: Claim) -> None: ...
    def report(self, pull: Pull, claims: Sequence[Claim]) -> None: ...
