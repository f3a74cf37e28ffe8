"""Two trees compared node by node: objects by name, lists by what their items are known by, XML by element.

No item is compared with every other: equal subtrees share a number, so that the work grows with the size of both
trees and not with its square."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from exports.differences.changes import MISSING, Change, Element, Found, Kind, Path, local
from exports.differences.pairing import in_order, key_of, paired

DEPTH = 80
"""Levels that are walked; what differs further down is shown whole."""

LONG = 80
"""Characters of a name that stand in a place."""

MOST = 5_000
"""Changes that are gathered; a comparison with more says so."""


def compare(before: Any, after: Any) -> Found:
    """The changes that make `after` of `before`; none where they are equal. Raises RecursionError for trees that are
    nested deeper than Python goes."""
    comparison = _Comparison()
    comparison.walk(before, after, (), _root(after))
    return comparison.found


class _Full(Exception):
    """As many changes as are gathered."""


class _Comparison:
    def __init__(self) -> None:
        self.found = Found()
        self._numbers: dict[Any, int] = {}
        self._known: dict[int, tuple[Any, int]] = {}

    def walk(self, before: Any, after: Any, path: Path, place: str) -> None:
        try:
            self._walk(before, after, path, place)
        except _Full:
            self.found.more = True

    def _walk(self, before: Any, after: Any, path: Path, place: str) -> None:
        if self._number(before) == self._number(after):
            return
        if len(path) < DEPTH:
            if isinstance(before, dict) and isinstance(after, dict):
                self._members(before, after, path, place)
                return
            if isinstance(before, list) and isinstance(after, list):
                self._items(before, after, path, place)
                return
            if isinstance(before, Element) and isinstance(after, Element) and before.tag == after.tag:
                self._members(before.attributes, after.attributes, path, place, sign="/@")
                self._items(before.children, after.children, path, place)
                return
        self._note("changed", path, before, after, place)

    def _members(self, before: Any, after: Any, path: Path, place: str, sign: str = "") -> None:
        for name in before:
            if name not in after:
                self._note("removed", (*path, name), before[name], MISSING, _named(place, name, sign))
        for name, value in after.items():
            where = _named(place, name, sign)
            if name not in before:
                self._note("added", (*path, name), MISSING, value, where)
            else:
                self._walk(before[name], value, (*path, name), where)

    def _items(self, before: Sequence[Any], after: Sequence[Any], path: Path, place: str) -> None:
        pairs = paired(before, after, [*map(self._number, before)], [*map(self._number, after)])
        kept = in_order(pairs)
        old, new = _places(before, place), _places(after, place)
        partners = dict(pairs)
        taken = set(partners.values())
        for index, item in enumerate(before):
            if index not in partners:
                self._note("removed", (*path, index), item, MISSING, old[index])
        by_new = {to: of for of, to in pairs}
        for index, item in enumerate(after):
            if index not in taken:
                self._note("added", (*path, index), MISSING, item, new[index])
                continue
            of = by_new[index]
            if of not in kept:
                self._note("moved", (*path, index), of, index, new[index])
            self._walk(before[of], item, (*path, index), new[index])

    def _note(self, kind: Kind, path: Path, before: Any, after: Any, place: str) -> None:
        if len(self.found.changes) >= MOST:
            raise _Full
        self.found.changes.append(Change(kind, path, before, after, place or "(all of it)"))

    def _number(self, value: Any) -> int:
        """The same for equal values only; 1, 1.0 and true are three."""
        if isinstance(value, dict | list | Element):
            if (known := self._known.get(id(value))) is not None:
                return known[1]
            number = self._numbers.setdefault(self._shape(value), len(self._numbers))
            self._known[id(value)] = (value, number)  # held, so that its id stays its own
            return number
        return self._numbers.setdefault((type(value).__name__, str(value)), len(self._numbers))

    def _shape(self, value: Any) -> Any:
        if isinstance(value, dict):
            return ("{", tuple(sorted((name, self._number(each)) for name, each in value.items())))
        if isinstance(value, Element):
            attributes = tuple(sorted(value.attributes.items()))
            return ("<", value.tag, attributes, tuple(map(self._number, value.children)))
        return ("[", tuple(map(self._number, value)))


def _root(after: Any) -> str:
    return f"/{local(after.tag)}" if isinstance(after, Element) else ""


def _named(place: str, name: str, sign: str) -> str:
    if sign:
        return f"{place}{sign}{local(name)[:LONG]}"
    return f"{place}.{name[:LONG]}" if place else name[:LONG]


def _places(items: Sequence[Any], place: str) -> list[str]:
    """How people find each item: by its key, by its element's name, else by its number from 1."""
    key = key_of(items)
    found = []
    seen: Counter[str] = Counter()
    for index, item in enumerate(items):
        if isinstance(item, Element):
            seen[item.tag] += 1
            found.append(f"{place}/{local(item.tag)}[{seen[item.tag]}]")
        elif place.startswith("/") and isinstance(item, str):
            found.append(f"{place}/text()")
        elif key:
            found.append(f"{place}[{key}={str(item[key])[:LONG]}]")
        else:
            found.append(f"{place}[{index + 1}]")
    return found
