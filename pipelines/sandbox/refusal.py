"""What the child says when it does not do what it was asked."""

from __future__ import annotations


class RefusalError(Exception):
    """`kind` is one of syntax, undefined, limit, memory, failed, unreadable, rejected; `line` counts from 1, 0 when
    unknown; `place` names an extraction rule."""

    def __init__(self, kind: str, message: str, *, line: int = 0, place: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.line = line
        self.place = place
