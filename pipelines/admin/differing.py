"""Differences as pages show them: long text line by line, short values side by side."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from pipelines.publishing import Difference


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a coloured difference."""

    kind: str
    text: str


def told(difference: Difference) -> dict[str, Any]:
    """A difference for the page."""
    long = difference.path in {"", "config"}
    return {
        "stage": difference.stage,
        "what": difference.what,
        "path": difference.path,
        "old": difference.old,
        "new": difference.new,
        "lines": unified(difference.old, difference.new) if long else [],
    }


def unified(old: str, new: str) -> list[Line]:
    """A unified difference, three lines around each change."""
    kinds = {"+": "added", "-": "removed", "@": "place", " ": "same"}
    raw = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3)
    return [
        Line(kinds.get(line[:1], "same"), line if line.startswith("@") else line[1:])
        for index, line in enumerate(raw)
        if index > 1  # the two lines that name the files
    ]
