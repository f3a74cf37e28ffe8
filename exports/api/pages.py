"""Lists in pages: ordered by id, continued by an opaque cursor, so that a page costs the same wherever it stands.

Rows that arrive or vanish between two pages neither repeat nor hide others, which page numbers would do.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import Field
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from exports.api.problems import wrong

DEFAULT_SIZE = 50
MAX_SIZE = 200
PARAMETERS = frozenset({"cursor", "page_size"})


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after (or, backwards, before) the row with this id."""

    backwards: bool
    position: str

    def encode(self) -> str:
        plain = f"{'p' if self.backwards else 'n'}{self.position}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, key: Field[Any, Any]) -> Cursor:
        """Raises ApiProblem where the text is no cursor of this list."""
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
            key.clean(plain[1:], None)
        except (binascii.Error, UnicodeError, ValidationError, ValueError, OverflowError) as error:
            raise wrong("cursor", "This is no cursor of this list. Follow `next`, or begin without one.") from error
        if plain[0] not in "np":
            raise wrong("cursor", "This is no cursor of this list. Follow `next`, or begin without one.")
        return cls(plain[0] == "p", plain[1:])


class CursorPages(BasePagination):
    """`?cursor=…&page_size=…` → `{"next", "previous", "results"}`. Newest first, unless the view says otherwise."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = _size(request)
        given = request.query_params.get("cursor")
        cursor = Cursor.decode(given, queryset.model._meta.pk) if given else None
        backwards = cursor is not None and cursor.backwards
        descending = getattr(view, "newest_first", True) != backwards
        rows = queryset.order_by("-pk" if descending else "pk")
        if cursor is not None:
            rows = rows.filter(**{"pk__lt" if descending else "pk__gt": cursor.position})
        found = list(rows[: size + 1])
        more = len(found) > size
        found = found[:size]
        if backwards:
            found.reverse()
        self._request = request
        self._next = Cursor(backwards=False, position=str(found[-1].pk)) if found and (more or backwards) else None
        earlier = more if backwards else cursor is not None
        self._previous = Cursor(backwards=True, position=str(found[0].pk)) if found and earlier else None
        return found

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._link(self._next), "previous": self._link(self._previous), "results": data})

    def _link(self, cursor: Cursor | None) -> str | None:
        if cursor is None:
            return None
        kept = [(name, value) for name, value in self._request.query_params.items() if name != "cursor"]
        query = urlencode([*kept, ("cursor", cursor.encode())])
        return self._request.build_absolute_uri(f"{self._request.path}?{query}")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "The following page; null on the last one."},
                "previous": {**link, "description": "The page before; null on the first one."},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE, "default": DEFAULT_SIZE}
        return [
            _parameter("cursor", {"type": "string"}, "Where to go on: taken from `next` or `previous`, opaque."),
            _parameter("page_size", size, f"Rows in a page, {MAX_SIZE} at the most."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _size(request: Request) -> int:
    given = request.query_params.get("page_size")
    if given is None:
        return DEFAULT_SIZE
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= MAX_SIZE):
        raise wrong("page_size", f"A page has 1 to {MAX_SIZE} rows, not {given[:20]!r}.")
    return int(given)
