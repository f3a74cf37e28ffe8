"""Many rows in one statement, without the ORM's cost a row: the ledger's hot path.

Django's `bulk_create` spends three quarters of a commit point preparing values field by field; here the conversion of a
column is chosen once a model. The result is the same rows (tests/exports/test_rows.py compares the two)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model

Convert = Callable[[Any], Any]


def insert(model: type[Model], rows: Sequence[Model], *, update: Sequence[str] = ()) -> None:
    """Insert `rows`, whose ids are set unless the database gives them and nobody needs to know.

    A row whose id is there already is left as it is, or takes over the attributes named in `update`."""
    if not rows:
        return
    given = rows[0].pk is not None
    head, columns = _statement(model, connection.vendor, tuple(update), given=given)
    values = [[convert(getattr(row, name)) for name, convert in columns] for row in rows]
    slots = f"({', '.join(['%s'] * len(columns))})"
    into, conflict = head
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # prepares once, then runs without Python between the rows
            cursor.executemany(f"{into} {slots} {conflict}", values)  # names of our own tables
            return
        most = max(1, 60_000 // len(columns))  # PostgreSQL takes 65,535 parameters in one statement
        for first in range(0, len(values), most):
            some = values[first : first + most]
            flat = [value for row in some for value in row]
            cursor.execute(f"{into} {', '.join([slots] * len(some))} {conflict}", flat)


def update(model: type[Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the columns `names` of many rows, each given as its id and then the values in the order of `names`.

    A value of None leaves the column as it is."""
    if not rows:
        return
    fields = [_field(model, name) for name in names]
    converters = [_converter(field, connection.vendor) for field in fields]
    quote = connection.ops.quote_name
    sets = ", ".join(f"{quote(field.column)} = COALESCE(%s, {quote(field.column)})" for field in fields)
    table, key = quote(model._meta.db_table), quote(_pk(model).column)
    values = [[*(convert(v) for convert, v in zip(converters, row[1:], strict=True)), row[0]] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {sets} WHERE {key} = %s", values)  # noqa: S608  # our own names


def _field(model: type[Model], name: str) -> Any:
    return next(field for field in model._meta.concrete_fields if field.attname == name)


def _pk(model: type[Model]) -> Any:
    return model._meta.pk


@cache
def _statement(
    model: type[Model], vendor: str, update: tuple[str, ...], *, given: bool
) -> tuple[tuple[str, str], list[tuple[str, Convert]]]:
    quote = connection.ops.quote_name
    fields: list[Any] = [f for f in model._meta.concrete_fields if given or not f.primary_key]
    names = ", ".join(quote(field.column) for field in fields)
    into = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES"
    conflict = ""
    if given:
        renewed = [quote(field.column) for field in fields if field.name in update]
        key = quote(_pk(model).column)
        sets = ", ".join(f"{column} = excluded.{column}" for column in renewed)
        conflict = f"ON CONFLICT ({key}) DO UPDATE SET {sets}" if sets else "ON CONFLICT DO NOTHING"
    return (into, conflict), [(field.attname, _converter(field, vendor)) for field in fields]


def _converter(field: Any, vendor: str) -> Convert:
    """What the database takes for a value of this field, as `get_db_prep_save` would give it."""
    kind = field.get_internal_type()
    if kind in {"ForeignKey", "OneToOneField"}:
        return _converter(field.target_field, vendor)
    if kind == "UUIDField" and vendor == "sqlite":
        return _hex
    if kind == "DateTimeField" and vendor == "sqlite":
        return _utc
    if kind == "JSONField" and vendor == "sqlite":
        return _json
    if kind in {"CharField", "TextField", "BigAutoField", "BigIntegerField", "PositiveBigIntegerField", "UUIDField",
                "PositiveIntegerField", "PositiveSmallIntegerField", "BooleanField", "DateTimeField"}:  # fmt: skip
        return _as_is
    return lambda value: field.get_db_prep_save(value, connection)


def _as_is(value: Any) -> Any:
    return value


def _hex(value: uuid.UUID | None) -> str | None:
    return None if value is None else value.hex


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _utc(value: datetime | None) -> str | None:
    """SQLite keeps an instant as text in UTC; every instant that the engine writes is in UTC already."""
    return None if value is None else str(value.replace(tzinfo=None))
