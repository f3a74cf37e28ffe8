"""An action as a page draws it: a button with what it asks for, or the reason why there is none.

Drawn by templates/admin/exports/ask.html; which actions there are lives in exports/admin/actions.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NO_RIGHT = "Your role does not include this."


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several, or the reason why it is none."""

    value: str
    label: str
    hint: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that an action needs to know. `kind` is text, select, radio, check or hidden."""

    name: str
    label: str = ""
    kind: str = "text"
    required: bool = False
    help: str = ""
    placeholder: str = ""
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()
    options: Sequence[Choice] = ()
    """Of a radio."""


@dataclass(frozen=True, slots=True)
class Action:
    """A button, or the reason why there is none."""

    name: str
    label: str
    url: str
    hint: str
    why_not: str = ""
    asks: Sequence[Ask] = ()
    button: str = ""
    primary: bool = False
    danger: bool = False
    key: str = ""
    link: bool = False
    """It only shows something, so it is no form."""

    @property
    def is_plain(self) -> bool:
        """Nothing to ask: one press does it."""
        return all(ask.kind == "hidden" for ask in self.asks)
