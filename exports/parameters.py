"""What lists can be narrowed by: the name of each query parameter, what is allowed, and how it is read. Pure.

How a text is read lives in exports/readings.py; what the values mean to the database in exports/conditions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exports import looks, states
from exports.readings import (
    MOST_WORDS,
    Range,
    Reading,
    assignee,
    chosen,
    codes,
    flag,
    ids,
    since,
    span,
    stages,
    texts,
    tries,
    until,
    wanted,
    words,
    yes,
)
from pipelines.refusals import Refused

MOST_FIELDS = 5
"""Captured values in one predicate."""
LONGEST_NAME = 100
"""Characters of a field's name."""
TRIGGERS = ("automatic", "person", "robot", "bulk", "resume", "outside")
TABS = (*(key for key, _, _ in looks.TABS), "failed", "deleted", "purged")
FIELD = "field."


@dataclass(frozen=True, slots=True)
class Parameter:
    """One query parameter."""

    name: str
    title: str
    """For the panel and the chips."""
    allowed: str
    """For the refusal and the documentation."""
    read: Callable[[str, Reading], Any]
    """Text to value; raises ValueError where it is none."""
    many: bool = True
    """Several values, separated by commas or by giving the parameter again: any of them."""
    frozen: Callable[[Any], str] | None = None
    """The text whose meaning no longer depends on the reading; none where it never does."""


def refuse(name: str, text: str, allowed: str) -> Refused:
    return Refused(f'{name}: "{text[:60]}" is not understood. Allowed: {allowed}.')


def _said_assignees(found: tuple[int | None, ...]) -> str:
    return ",".join("none" if pk is None else str(pk) for pk in found)


def _said_span(found: Range) -> str:
    return "..".join(side.isoformat() if side else "" for side in (found.low, found.high))


_IDS = "ids, separated by commas"
_TIME = "a time (2026-11-20, 2026-11-20T08:00) or how long ago (30m, 24h, 7d, 2w)"
_SPAN = f"{_TIME}, or two of them: 14d..7d"
_WORDS = f'at most {MOST_WORDS} words, or phrases in "double quotes"'
_LIST = "{}, separated by commas"

PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("q", "Search", _WORDS, words, many=False),
        Parameter("group", "Cause", f"{_IDS}; a group counts those merged into it", ids),
        Parameter("side", "Whose fault", _LIST.format(", ".join(side.key for side in looks.SIDES)),
                  chosen(*(side.key for side in looks.SIDES))),
        Parameter("reason", "Reason", _LIST.format(", ".join(states.Reason)), chosen(*states.Reason)),
        Parameter("destination", "Destination", _IDS, ids),
        Parameter("pipeline", "Pipeline", _IDS, ids),
        Parameter("queue", "Queue", _IDS, ids),
        Parameter("stage", "Stage", "names of stages, separated by commas", stages),
        Parameter("code", "Code", "statuses such as 404, 5xx or 500..503, separated by commas", codes),
        Parameter("state", "State", _LIST.format(", ".join(states.State)), chosen(*states.State)),
        Parameter("open", "Open failures", "1: the failure waits for a person; 0: it does not", flag, many=False),
        Parameter("resolution", "What became of it", _LIST.format(", ".join(states.Resolution)),
                  chosen(*states.Resolution)),
        Parameter("tries", "Tries", "a number or a range: 3, 2..5, 4..", tries, many=False),
        Parameter("trigger", "Begun by", _LIST.format(", ".join(TRIGGERS)), chosen(*TRIGGERS)),
        Parameter("since", "Since", _TIME, since, many=False, frozen=datetime.isoformat),
        Parameter("until", "Until", _TIME, until, many=False, frozen=datetime.isoformat),
        Parameter("reply", "Reply", _WORDS, words, many=False),
        Parameter("assignee", "Assignee", "me, none or ids, separated by commas; me only for a person", assignee,
                  frozen=_said_assignees),
        Parameter("revision", "Revision", _IDS, ids),
        Parameter("ids", "Attempts", f"at least one id; {_IDS}", ids),
        Parameter("document", "Documents", f"at least one id; {_IDS}", ids),
        Parameter("last", "Last attempts", "1: only the newest attempt of each document", yes, many=False),
        Parameter("status", "Status", _LIST.format(", ".join(states.Status)), chosen(*states.Status)),
        Parameter("tab", "Tab", _LIST.format(", ".join(TABS)), chosen(*TABS)),
        Parameter("arrived", "Arrived", _SPAN, span, many=False, frozen=_said_span),
        Parameter("begun", "Begun", _SPAN, span, many=False, frozen=_said_span),
        Parameter("modified", "Changed", _SPAN, span, many=False, frozen=_said_span),
        Parameter("external_id", "External ids", "the senders' ids, separated by commas", texts),
        Parameter("automated", "Automated", "1 or 0", flag, many=False),
    )
}  # fmt: skip
FIELDS = Parameter(
    "field.NAME",
    "Field",
    "a value, the beginning of one (INV-*), or a range of numbers or days (100..250, 2026-11-01..)",
    wanted,
    many=False,
)
"""Stands for every `field.` parameter."""


def named(name: str) -> Parameter:
    """The parameter of this name. Raises Refused where there is none."""
    if name.startswith(FIELD) and 0 < len(name) - len(FIELD) <= LONGEST_NAME and "\0" not in name:
        return FIELDS
    try:
        return PARAMETERS[name]
    except KeyError:
        known = ", ".join([*PARAMETERS, FIELDS.name])
        raise Refused(f'There is no filter "{name[:60]}". There are: {known}.') from None


NEVER_EMPTY = frozenset({"ids", "document"})
"""An empty selection is a mistake; of the others a form sends empty ones for what was left alone."""
