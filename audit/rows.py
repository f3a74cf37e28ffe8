"""Many rows in one statement, without the ORM's cost a row: for the trail, and for the ledger of exports/.

Django's `bulk_create` spends three quarters of a commit point preparing values field by field; here the conversion of a
column is chosen once a model. The result is the same rows (tests/exports/test_rows.py compares the two)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection
from django.db.models import NOT_PROVIDED, Model
from django.db.models.base import ModelState

Convert = Callable[[Any], Any]

M = TypeVar("M", bound=Model)


def new(model: type[M], **values: Any) -> M:
    """A row as its constructor would make it, at a fifth of the cost: `values` by column name (`attempt_id`), the
    rest defaults. No signals are sent; nobody listens to these models."""
    fixed, fresh = _defaults(model)
    row = model.__new__(model)
    row._state = ModelState()
    row.__dict__.update(fixed)
    row.__dict__.update({name: default() for name, default in fresh if name not in values})
    row.__dict__.update(values)
    return row


@cache
def _defaults(model: type[Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """The defaults that are one value for all rows, and those that each row has its own of."""
    fixed, fresh = {}, []
    for field in model._meta.concrete_fields:
        if callable(field.default) and field.default is not NOT_PROVIDED:
            fresh.append((field.attname, field.default))
        else:
            fixed[field.attname] = field.get_default()
    return fixed, fresh


def insert(
    model: type[Model], rows: Sequence[Model], *, update: Sequence[str] = (), unique: Sequence[str] = ()
) -> None:
    """Insert `rows`, whose ids are set unless the database gives them and nobody needs to know.

    A row whose id is there already is left as it is, or takes over the columns named in `update`; with `unique`, so
    does one that has the same values in those columns. Other conflicts raise IntegrityError."""
    if not rows:
        return
    conflict = tuple(unique) or (("",) if rows[0].pk is not None else ())
    into, slots, after, read, convert = _statement(
        model, connection.vendor, tuple(update), conflict, given=rows[0].pk is not None
    )
    values = [list(read(row)) for row in rows]
    _convert(values, convert)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # prepares once, then runs without Python between the rows
            cursor.executemany(f"{into} {slots} {after}", values)  # names of our own tables
            return
        for some in _parts(values):
            flat = [value for row in some for value in row]
            cursor.execute(f"{into} {', '.join([slots] * len(some))} {after}", flat)


def insert_returning(model: type[Model], rows: Sequence[Model], name: str) -> dict[Any, Any]:
    """Insert `rows`, whose ids the database gives: those ids by the value of the column `name`, unique among them."""
    ids: dict[Any, Any] = {}
    if not rows:
        return ids
    into, slots, after, read, convert = _statement(model, connection.vendor, (), (), given=False)
    values = [list(read(row)) for row in rows]
    _convert(values, convert)
    returning = f"RETURNING {connection.ops.quote_name(name)}, {connection.ops.quote_name(_pk(model).column)}"
    with connection.cursor() as cursor:
        for some in _parts(values):
            flat = [value for row in some for value in row]
            cursor.execute(f"{into} {', '.join([slots] * len(some))} {after} {returning}", flat)
            ids.update(cursor.fetchall())
    return ids


def _convert(values: list[list[Any]], convert: Sequence[tuple[int, Convert]]) -> None:
    for column, converted in convert:
        for value in values:
            if value[column] is not None:
                value[column] = converted(value[column])


def _parts(values: list[list[Any]]) -> Iterator[list[list[Any]]]:
    """As many rows as one statement takes parameters for: 32,766 on SQLite, 65,535 on PostgreSQL."""
    most = max(1, 30_000 // len(values[0]))
    for first in range(0, len(values), most):
        yield values[first : first + most]


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
    values = [
        [*(v if v is None or c is None else c(v) for c, v in zip(converters, row[1:], strict=True)), row[0]]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {sets} WHERE {key} = %s", values)  # noqa: S608  # our own names


def _field(model: type[Model], name: str) -> Any:
    return next(field for field in model._meta.concrete_fields if field.attname == name)


def _pk(model: type[Model]) -> Any:
    return model._meta.pk


@cache
def _statement(
    model: type[Model], vendor: str, update: tuple[str, ...], unique: tuple[str, ...], *, given: bool
) -> tuple[str, str, str, Callable[[Any], tuple[Any, ...]], list[tuple[int, Convert]]]:
    """The three parts of the statement, what reads a row's columns, and the columns that need converting."""
    quote = connection.ops.quote_name
    fields: list[Any] = [f for f in model._meta.concrete_fields if given or not f.primary_key]
    names = ", ".join(quote(field.column) for field in fields)
    into = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES"
    conflict = ""
    if unique:
        renewed = [quote(field.column) for field in fields if field.name in update or field.column in update]
        key = ", ".join(quote(name or _pk(model).column) for name in unique)
        sets = ", ".join(f"{column} = excluded.{column}" for column in renewed)
        conflict = f"ON CONFLICT ({key}) DO UPDATE SET {sets}" if sets else "ON CONFLICT DO NOTHING"
    converters = ((column, _converter(field, vendor)) for column, field in enumerate(fields))
    needed = [(column, converted) for column, converted in converters if converted is not None]
    return into, f"({', '.join(['%s'] * len(fields))})", conflict, attrgetter(*[f.attname for f in fields]), needed


def _converter(field: Any, vendor: str) -> Convert | None:
    """What makes of a value, never None, what the database takes, as `get_db_prep_save` would; None where it does
    already."""
    kind = field.get_internal_type()
    if kind in {"ForeignKey", "OneToOneField"}:
        return _converter(field.target_field, vendor)
    if vendor == "sqlite" and kind in _FOR_SQLITE:
        return _FOR_SQLITE[kind]
    if kind in _AS_IT_IS:
        return None
    return lambda value: field.get_db_prep_save(value, connection)


def _utc(value: datetime) -> str:
    """SQLite keeps an instant as text in UTC; every instant that the engine writes is in UTC already."""
    return str(value.replace(tzinfo=None))


_FOR_SQLITE: dict[str, Convert] = {"UUIDField": attrgetter("hex"), "DateTimeField": _utc, "JSONField": json.dumps}

_AS_IT_IS = frozenset({
    "CharField", "TextField", "BigAutoField", "BigIntegerField", "PositiveBigIntegerField", "UUIDField",
    "PositiveIntegerField", "PositiveSmallIntegerField", "BooleanField", "DateTimeField",
})  # fmt: skip
