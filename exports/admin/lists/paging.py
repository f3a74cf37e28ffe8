"""Pages of a list by key: the rows after one that was seen, in constant time however far down they are."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Q, QuerySet

from pipelines.refusals import Refused

_NO_PAGE = "This page of the list cannot be found any more. Begin at its top."


@dataclass(frozen=True, slots=True)
class Order:
    """By a database column that is never null, then by id."""

    column: str = "id"
    descending: bool = True

    @property
    def by(self) -> list[str]:
        sign = "-" if self.descending else ""
        return [f"{sign}{self.column}"] if self.column == "id" else [f"{sign}{self.column}", f"{sign}id"]

    def beyond(self, field: Field[Any, Any] | None, mark: str, *, back: bool) -> Q:
        """The rows after the one that `mark` names; before it with `back`. Raises Refused where it names none."""
        value, pk = _read(mark, field)
        way = "lt" if self.descending != back else "gt"
        if self.column == "id":
            return Q(**{f"id__{way}": pk})
        return Q(**{f"{self.column}__{way}": value}) | Q(**{self.column: value, f"id__{way}": pk})

    def mark(self, row: Any) -> str:
        value = row
        for name in self.column.split("__"):
            value = getattr(value, name)
        kept = json.dumps([value.isoformat() if hasattr(value, "isoformat") else value, row.pk])
        return base64.urlsafe_b64encode(kept.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Slice:
    rows: list[Any]
    before: str = ""
    """The mark that leads to the page before; empty on the first."""
    after: str = ""


def cut(rows: QuerySet[Any], order: Order, *, size: int, after: str = "", before: str = "") -> Slice:
    """One page of `rows`. Raises Refused for a mark that is none."""
    field = _field(rows, order.column)
    if before:
        backwards = [name[1:] if name.startswith("-") else f"-{name}" for name in order.by]
        found = list(rows.filter(order.beyond(field, before, back=True)).order_by(*backwards)[: size + 1])
        more, shown = len(found) > size, list(reversed(found[:size]))
        return Slice(shown, order.mark(shown[0]) if more else "", order.mark(shown[-1]) if shown else "")
    if after:
        rows = rows.filter(order.beyond(field, after, back=False))
    found = list(rows.order_by(*order.by)[: size + 1])
    shown = found[:size]
    return Slice(
        shown,
        order.mark(shown[0]) if after and shown else "",
        order.mark(shown[-1]) if len(found) > size else "",
    )


def _field(rows: QuerySet[Any], column: str) -> Field[Any, Any]:
    model: Any = rows.model
    *way, last = column.split("__")
    for name in way:
        model = model._meta.get_field(name).related_model
    field: Field[Any, Any] = model._meta.get_field(last)
    return field


def _read(mark: str, field: Field[Any, Any] | None) -> tuple[Any, int]:
    try:
        value, pk = json.loads(base64.urlsafe_b64decode(mark[:600] + "=" * (-len(mark) % 4)))
        value, pk = (field.to_python(value) if field else value), int(pk)
    except (ValueError, TypeError, OverflowError, binascii.Error, ValidationError):
        raise Refused(_NO_PAGE) from None
    if value is None or not 0 <= pk < 2**63 or "\0" in str(value):
        raise Refused(_NO_PAGE)
    return value, pk
