"""Named instants of a send, and of a source's turn, at which the chaos run kills its own worker. Without
WAYBILL_CRASH_AT each is a no-op.

WAYBILL_CRASH_AT="after-mark:3" ends the process with SIGKILL the third time it reaches that instant.
"""

from __future__ import annotations

import os
import signal
from itertools import count

POINTS = ("before-mark", "after-mark", "after-reply", "before-commit")
OF_SOURCES = ("after-claim", "before-take", "after-take", "before-tell", "after-tell")
"""Of what a source does: a claim, its document, and a call that moves something at the other side."""

OF_ALUMA = (
    "before-start", "after-start", "after-file", "before-cancel", "after-cancel", "before-complete", "after-complete",
    "before-fail", "after-fail",
)  # fmt: skip
"""Of a task: each word that moves it, and its files."""

_point, _, _nth = os.environ.get("WAYBILL_CRASH_AT", "").partition(":")
_armed = int(_nth or 1) if _point in POINTS + OF_SOURCES + OF_ALUMA else 0
_reached = count(1)


def reach(point: str) -> None:
    """Die here, if this is the instant that was asked for."""
    if _armed and point == _point and next(_reached) == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
