"""One list of several tables, whose ids on the wire lie in ranges of their own, in pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from exports.protocols.rossum.view import View, ordering
from exports.wire.rossum import paging
from exports.wire.rossum.paging import Page


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one table. On the wire their ids are `above` more, below those of the next part."""

    above: int
    rows: QuerySet[Any]
    shape: Callable[[Sequence[Any]], list[dict[str, Any]]]
    columns: Mapping[str, str]
    """By which a client may order, with this table's columns."""

    def holding(self, ids: Collection[int]) -> Part:
        """Those of these ids of the wire that are its own."""
        own = [pk - self.above for pk in ids if self.above < pk < self.above + 10**12]
        return Part(self.above, self.rows.filter(pk__in=own), self.shape, self.columns)


def listed(view: View, parts: Sequence[Part], *, newest_first: bool = False) -> Response:
    """`parts` stand in the order of their ids. Ordered by something else, each is by itself."""
    page = Page.read(view.given)
    words = view.given.words("ordering")
    backwards = words[0] == "-id" if words and words[0] in {"id", "-id"} else newest_first and not words
    counts, before = 0, page.first
    results: list[dict[str, Any]] = []
    for part in reversed(parts) if backwards else parts:
        order = ordering(view.given, part.columns) or (["-pk"] if newest_first else ["pk"])
        rows = part.rows.order_by(*order, *([] if {"pk", "-pk"} & set(order) else ["pk"]))
        count = rows.count()
        counts += count
        room = page.size - len(results)
        if before < count and room > 0:
            results += part.shape(list(rows[before : before + room]))
        before = max(0, before - count)
    return Response(paging.envelope(results, page=page, total=counts, url=view.request.build_absolute_uri()))


def one(parts: Sequence[Part], pk: str | int) -> dict[str, Any]:
    """The object with this id of the wire. Raises NotFound."""
    for part in parts:
        if found := list(part.holding([int(pk)]).rows):
            return part.shape(found)[0]
    raise NotFound
