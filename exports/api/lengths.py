"""How long a JSON list is, asked of the database, so that the list itself is not read."""

from __future__ import annotations

from typing import Any

from django.db.models import Func, IntegerField


class Length(Func):
    """How many items a JSON list has, without reading it."""

    output_field = IntegerField()
    function = "JSON_ARRAY_LENGTH"
    arity = 1

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, function="JSONB_ARRAY_LENGTH", **extra)
