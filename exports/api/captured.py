"""The API's filter by captured values: `field.SCHEMA_ID=value`, asked of the search index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter

from exports.api.problems import wrong
from exports.matching import documents_with
from exports.parameters import FIELD, FIELDS, LONGEST_NAME, MOST_FIELDS
from exports.readings import wanted

PARAMETER = OpenApiParameter(
    "field",
    {"type": "object", "additionalProperties": {"type": "string"}},
    OpenApiParameter.QUERY,
    description="`field.SCHEMA_ID=value`: documents with this captured value, anywhere in their fields. `value*` finds "
    "by its beginning, `low..high` numbers and days.",
    style="form",
    explode=True,
)


def narrowed(rows: QuerySet[Any], params: Mapping[str, str]) -> QuerySet[Any]:
    """The documents among `rows` that have every value asked for. Raises the problem that names a wrong one."""
    asked = [(name.removeprefix(FIELD), str(text)) for name, text in params.items() if name.startswith(FIELD)]
    if len(asked) > MOST_FIELDS:
        raise wrong("field", f"At most {MOST_FIELDS} field values are searched for at once.")
    for schema_id, text in asked:
        if not schema_id or len(schema_id) > LONGEST_NAME or "\0" in schema_id + text:
            raise wrong(f"field.{schema_id}", "Name the field after the point, and give its value as text.")
        try:
            value = wanted(text)
        except ValueError:
            raise wrong(f"field.{schema_id}", f"Allowed: {FIELDS.allowed}.") from None
        rows = rows.filter(pk__in=documents_with(schema_id, value))
    return rows
