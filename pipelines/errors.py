"""Four ways a stage ends badly, named by what to do next (docs/decisions/0003).

Nothing else is raised on purpose. Any other exception is a bug: the runner keeps its traceback, fails the attempt as
`internal` and never repeats it by itself.
"""

from __future__ import annotations


class StageError(Exception):
    """A stage could not do its work. `place` names where in the configuration or the document, for example
    `config.request.url` or `field.amount_total` or `line 4`; `detail` is longer text for the page, already readable."""

    reason = "internal"

    def __init__(self, message: str, *, place: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Rejected(StageError):
    """The other side, or the document itself, said no. A person corrects the document and re-queues."""

    reason = "rejected"


class Misconfigured(StageError):
    """The pipeline, a secret or a destination is wrong. A person corrects it, publishes and re-queues."""

    reason = "misconfigured"


class Unavailable(StageError):
    """Nothing was accepted (no connection, 429, 503): the same send is tried again by itself.

    `retry_after` is what the other side asked for, in seconds; None leaves it to the backoff."""

    reason = "exhausted"

    def __init__(self, message: str, *, place: str = "", detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, place=place, detail=detail)
        self.retry_after = retry_after


class Unconfirmed(StageError):
    """The body left and no trustworthy answer came. Never sent again in silence: a person or a probe decides."""

    reason = "unconfirmed"
