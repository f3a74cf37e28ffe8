"""What is wrong with a draft: where, in words for the person who must put it right, and whether it blocks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """An `error` blocks publication, a `warning` does not. `stage` is empty where the whole pipeline is meant."""

    stage: str
    path: str
    """Where in the stage: `config.request.url`, `run_after`, `kind`, `name`; empty means all of it."""
    message: str
    severity: Severity = "error"
    line: int = 0
    """The line of the config's text, from 1; 0 where there is none to name."""

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line and not self.message.startswith("line ") else ""
        place = ", ".join(part for part in (self.stage, self.path, line) if part)
        return f"{place}: {self.message}" if place else self.message


@dataclass(frozen=True, slots=True)
class Need:
    """What a stage needs beside its config, to be told at `place` where it is missing: one of `secrets`, or, where
    none are named, what the message says."""

    place: str
    """`destination`, or a path of the config: `config.credentials`."""
    message: str
    secrets: tuple[str, ...] = ()


class PlacedError(ValueError):
    """What a check of a whole block found wrong at one place within it; `at` are the steps to it from the block on."""

    def __init__(self, message: str, *at: str | int) -> None:
        super().__init__(message)
        self.at = at


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`Did you mean "url"?` with a space before it, or nothing where no known name is near."""
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(given.lower(), names, n=1, cutoff=0.6)
    return f' Did you mean "{names[near[0]]}"?' if near else ""


def listed(names: Iterable[str]) -> str:
    """`"a", "b" and "c"`."""
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}" if quoted else ""
