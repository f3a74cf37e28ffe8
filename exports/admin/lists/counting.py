"""How many rows match, and how many stand at which status: from indexes alone, and of free text only up to a limit.

What filters ask for is counted exactly. Free text is looked up once for a page, newest first, and both the figures and
the page are read from what was found; where that is more than MOST, the figures say so. A bulk action and a file are
of all that match, always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, F, QuerySet

from exports import conditions, matching
from exports.admin.lists.kinds import Kind, Tab
from exports.admin.lists.paging import Order, Slice, cut
from exports.models import Attempt, Document
from exports.parameters import FIELD
from exports.predicate import Predicate

MOST = 5_000
"""Rows found by free text that are counted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows that match. `by` are their numbers by status or state, whatever the chosen tab; at `more` there are more
    than these, and `rows` are the newest of all."""

    rows: QuerySet[Any]
    by: Mapping[str, int]
    more: bool = False

    def total(self, predicate: Predicate, tabs: Sequence[Tab]) -> int:
        """Of a chosen tab its number, counted already. Where documents are named by id, also deleted ones match, which
        no tab but their own counts."""
        chosen = next((tab for tab in tabs if tab.chosen), None)
        return self.rows.count() if chosen is None or "document" in predicate.given else chosen.number

    def page(self, kind: Kind, predicate: Predicate, order: Order, *, size: int, **marks: str) -> Slice:
        """One page. Raises Refused for a mark that is none."""
        found = _cut(kind, predicate, self.rows, order, size, marks)
        if self.more and (order != Order() or marks.get("before") or not found.after):
            return _cut(kind, predicate, kind.found(predicate), order, size, marks)
        return found


def _cut(
    kind: Kind, predicate: Predicate, rows: QuerySet[Any], order: Order, size: int, marks: Mapping[str, str]
) -> Slice:
    """Of captured values, which rows are on the page is asked first, and what they show afterwards of these alone: a
    planner guesses how many have a value, and where it takes many for few it would join them all before it sorts."""
    if "__" in order.column or not any(name.startswith(FIELD) for name in predicate.given):
        return cut(kind.columns_only(rows), order, size=size, **marks)
    page = cut(rows.only(order.column), order, size=size, **marks)
    shown = kind.columns_only(_model(kind).objects.filter(pk__in=[row.pk for row in page.rows])).in_bulk()
    return replace(page, rows=[shown[row.pk] for row in page.rows if row.pk in shown])


def count(kind: Kind, predicate: Predicate, size: int) -> Counted:
    """`size` rows at least are found, where there are as many."""
    everything = kind.untabbed(predicate)
    if not conditions.WORDS & predicate.values.keys():
        return _exactly(kind, predicate, everything)
    ids, by, more = _look_up(kind, everything)
    if more and len(ids) <= size:  # words that seldom meet: all have to be looked at after all
        return _exactly(kind, predicate, everything)
    return Counted(kind.found(predicate.wordless()).filter(matching.OneOf(ids)), by, more)


def _exactly(kind: Kind, predicate: Predicate, everything: Predicate) -> Counted:
    if everything is predicate:  # the rows have no tabs
        return Counted(kind.found(predicate), {})
    return Counted(kind.found(predicate), _by(kind, kind.found(everything)))


def _look_up(kind: Kind, predicate: Predicate) -> tuple[list[int], dict[str, int], bool]:
    """Ids of the newest rows, their numbers by status, and whether there may be more. Several words: those with the
    rarest one are looked up, and checked for the others."""
    rarest, *others = matching.rarest_first(predicate.values["q"]) if "q" in predicate.values else ("",)
    if kind.of == "attempts" and predicate.values.keys() == {"q"}:
        # Whatever has the word is wanted; a planner that is given the attempts to join with reads them all.
        found = matching.ids_saying(rarest).order_by("-pk")
    else:
        found = kind.found(predicate.saying(rarest) if others else predicate)
        # Plus 0: not by walking down the key, which finds what is rare last.
        found = found.order_by((F("pk") + 0).desc()).values_list("pk", flat=True)
    ids = list(found[: MOST + 1])
    more, ids = len(ids) > MOST, ids[:MOST]
    rows: QuerySet[Any] = _model(kind).objects.filter(matching.OneOf(ids))
    if not others:
        return ids, _by(kind, rows), more
    for word in others:
        rows = rows.filter(_has(kind, word))
    standing = dict(rows.order_by().values_list("pk", _standing(kind)))
    return list(standing), Counter(standing.values()), more


def _has(kind: Kind, word: str) -> Any:
    if kind.of == "attempts":
        return matching.attempt_has(word)
    return matching.document_has(word, conditions.newest())


def _model(kind: Kind) -> Any:
    return Attempt if kind.of == "attempts" else Document


def _standing(kind: Kind) -> str:
    return "state" if kind.of == "attempts" else "status"


def _by(kind: Kind, rows: QuerySet[Any]) -> dict[str, int]:
    name = _standing(kind)
    return dict(rows.order_by().values(name).annotate(number=Count("*")).values_list(name, "number"))
