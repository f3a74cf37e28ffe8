"""What a comparison of trees finds: its changes, and making them in the first tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["added", "removed", "changed", "moved"]
Step = str | int
Path = tuple[Step, ...]


class Missing:
    """Stands where one side has nothing: a JSON null is something."""

    def __repr__(self) -> str:
        return "(nothing)"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


@dataclass(slots=True, eq=False)
class Element:
    """One XML element: `{namespace}name`, its attributes, and its elements and texts in order."""

    tag: str
    attributes: Mapping[str, str]
    children: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` leads to it in the second tree, and for what was removed its last step in the first.

    `moved` says that a list's item stands elsewhere: `before` and `after` are its places."""

    kind: Kind
    path: Path
    before: Any = MISSING
    after: Any = MISSING
    place: str = ""
    """The path for people: "lines[number=4].amount", "/Invoice/Line[2]/@currency"."""


@dataclass(slots=True)
class Found:
    """What a comparison found; `more` where it stopped with as many as are gathered."""

    changes: list[Change] = field(default_factory=list)
    more: bool = False


def applied(before: Any, changes: Iterable[Change]) -> Any:
    """`before` with the changes of a whole comparison of JSON trees made in it: `after`."""
    by_step: dict[Step, list[Change]] = defaultdict(list)
    here: list[Change] = []
    for change in changes:
        if not change.path:
            return change.after
        if len(change.path) == 1:
            here.append(change)
        else:
            shorter = Change(change.kind, change.path[1:], change.before, change.after)
            by_step[change.path[0]].append(shorter)
    if not by_step and not here:
        return before
    if isinstance(before, Mapping):
        return _applied_to_members(before, here, by_step)
    return _applied_to_items(before, here, by_step)


def _applied_to_members(before: Mapping[str, Any], here: Sequence[Change], by_step: Mapping[Step, list[Change]]) -> Any:
    made = dict(before)
    for change in here:
        name = str(change.path[0])
        if change.kind == "removed":
            del made[name]
        else:
            made[name] = change.after
    for step, within in by_step.items():
        made[str(step)] = applied(made[str(step)], within)
    return made


def _applied_to_items(before: Sequence[Any], here: Sequence[Change], by_step: Mapping[Step, list[Change]]) -> Any:
    gone = {change.path[0] for change in here if change.kind == "removed"}
    moved = {int(change.before): int(change.after) for change in here if change.kind == "moved"}
    placed = {change.path[0]: change.after for change in here if change.kind == "added"}
    placed |= {to: before[of] for of, to in moved.items()}
    rest = (item for index, item in enumerate(before) if index not in gone and index not in moved)
    length = len(before) - len(gone) - len(moved) + len(placed)
    made = [placed[index] if index in placed else next(rest) for index in range(length)]
    for change in here:
        if change.kind == "changed":
            made[int(change.path[0])] = change.after
    for index, within in by_step.items():
        made[int(index)] = applied(made[int(index)], within)
    return made


def local(tag: str) -> str:
    return tag.rpartition("}")[2]
