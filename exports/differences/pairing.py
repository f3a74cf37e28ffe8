"""Which item of one list is which of another: work that grows with the lists, not with their product."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from exports.differences.changes import Element

KEYS = (
    "id",
    "number",
    "line_number",
    "position",
    "key",
    "code",
    "sku",
    "external_id",
    "item_code",
    "name",
    "schema_id",
)
"""Members by which the items of a list are told apart, the best first."""


def paired(
    before: Sequence[Any], after: Sequence[Any], old: Sequence[int], new: Sequence[int]
) -> list[tuple[int, int]]:
    """Which item of one list is which of the other: by a key that both lists have, else by what is equal (`old` and
    `new` number the items; equal ones alike), and in the gaps between equal ones by their order."""
    if (keyed := _keyed(before, after)) is not None:
        return keyed
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    waiting: dict[int, list[int]] = defaultdict(list)
    for index in range(len(old) - last - 1, first - 1, -1):
        waiting[old[index]].append(index)
    middle = range(first, len(new) - last)
    equal = [(waiting[new[index]].pop(), index) for index in middle if waiting[new[index]]]
    equal += [(index, index) for index in range(first)]
    equal += [(len(old) - back, len(new) - back) for back in range(1, last + 1)]
    kept = in_order(equal)
    anchors = sorted(pair for pair in equal if pair[0] in kept)
    used_old, used_new = {of for of, _ in equal}, {to for _, to in equal}
    found = list(equal)
    left = upper = 0
    for of, to in [*anchors, (len(old), len(new))]:
        olds = [index for index in range(left, of) if index not in used_old]
        news = [index for index in range(upper, to) if index not in used_new]
        found += [(one, other) for one, other in zip(olds, news, strict=False) if _alike(before[one], after[other])]
        left, upper = of + 1, to + 1
    return found


def key_of(items: Sequence[Any]) -> str:
    """A member that every item has, as a text or a number, each with another value."""
    if not items or not all(isinstance(item, dict) for item in items):
        return ""
    for key in KEYS:
        values = [item.get(key) for item in items]
        known = all(isinstance(value, str | int) and not isinstance(value, bool) for value in values)
        if known and len({str(value) for value in values}) == len(values):
            return key
    return ""


def _keyed(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]] | None:
    key = key_of(before)
    if not key or key_of(after) != key:
        return None
    places = {str(item[key]): index for index, item in enumerate(before)}
    return [(places[str(item[key])], to) for to, item in enumerate(after) if str(item[key]) in places]


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    shorter = min(len(one), len(other))
    return next((index for index in range(shorter) if one[index] != other[index]), shorter)


def in_order(pairs: Iterable[tuple[int, int]]) -> set[int]:
    """The first members of the longest run of pairs in which both sides rise: what stands in its order still."""
    ordered = sorted(pairs, key=lambda pair: pair[1])
    tails: list[int] = []
    at: list[int] = []
    came: list[int] = []
    for index, (of, _) in enumerate(ordered):
        spot = bisect_left(tails, of)
        came.append(at[spot - 1] if spot else -1)
        tails[spot : spot + 1] = [of]
        at[spot : spot + 1] = [index]
    return {ordered[index][0] for index in _chain(at[-1] if at else -1, came)}


def _chain(index: int, came: Sequence[int]) -> Iterator[int]:
    while index >= 0:
        yield index
        index = came[index]


def _alike(before: Any, after: Any) -> bool:
    """Whether one may have become the other: two elements of one name, or two values that are none."""
    if isinstance(before, Element) or isinstance(after, Element):
        return isinstance(before, Element) and isinstance(after, Element) and before.tag == after.tag
    return True
