"""Many rows in one statement, without the ORM's cost a row: for the trail, and for the ledger of exports/.

Django's `bulk_create` spends three quarters of a commit point preparing values field by field; here the conversion of a
column is chosen once a model, and PostgreSQL gets all rows of a statement as one JSON text. The result is the same rows
(tests/exports/test_rows.py compares the two)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
    given = rows[0].pk is not None
    conflict = tuple(unique) or (("",) if given else ())
    plan = _plan(model, connection.vendor, tuple(update), conflict, given=given)
    values = plan.values(rows)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # prepares once, then runs without Python between the rows
            cursor.executemany(plan.statement(1), values)
            return
        for some in _parts(values):
            cursor.execute(plan.statement(len(some)), plan.parameters(some))


def insert_returning(model: type[Model], rows: Sequence[Model], name: str) -> dict[Any, Any]:
    """Insert `rows`, whose ids the database gives: those ids by the value of the column `name`, unique among them."""
    ids: dict[Any, Any] = {}
    if not rows:
        return ids
    plan = _plan(model, connection.vendor, (), (), given=False)
    returning = f"RETURNING {connection.ops.quote_name(name)}, {connection.ops.quote_name(_pk(model).column)}"
    with connection.cursor() as cursor:
        for some in _parts(plan.values(rows)):
            cursor.execute(f"{plan.statement(len(some))} {returning}", plan.parameters(some))
            ids.update(cursor.fetchall())
    return ids


def _parts(values: list[list[Any]]) -> Iterator[list[list[Any]]]:
    """As many rows as one statement takes: SQLite has 32,766 parameters, PostgreSQL gets a text of some megabytes."""
    most = max(1, 30_000 // len(values[0]))
    for first in range(0, len(values), most):
        yield values[first : first + most]


def update(model: type[Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set the columns `names` of many rows, each given as its id and then the values in the order of `names`.

    A value of None leaves the column as it is."""
    if not rows:
        return
    quote, vendor = connection.ops.quote_name, connection.vendor
    fields = [_pk(model), *(_field(model, name) for name in names)]
    converters = [_converter(field, vendor) for field in fields]
    values = [[v if v is None or c is None else c(v) for c, v in zip(converters, row, strict=True)] for row in rows]
    table, key, *columns = (quote(name) for name in (model._meta.db_table, *(field.column for field in fields)))
    with connection.cursor() as cursor:
        if vendor == "postgresql":
            sets = ", ".join(f"{column} = COALESCE(new.{column}, {table}.{column})" for column in columns)
            source = f"json_populate_recordset(NULL::{table}, %s::json) AS new"
            told = _as_json([field.column for field in fields], values)
            cursor.execute(f"UPDATE {table} SET {sets} FROM {source} WHERE {table}.{key} = new.{key}", [told])  # noqa: S608  # our own names
        else:
            sets = ", ".join(f"{column} = COALESCE(%s, {column})" for column in columns)
            cursor.executemany(f"UPDATE {table} SET {sets} WHERE {key} = %s", [[*row[1:], row[0]] for row in values])  # noqa: S608  # our own names


def _field(model: type[Model], name: str) -> Any:
    return next(field for field in model._meta.concrete_fields if field.attname == name)


def _pk(model: type[Model]) -> Any:
    return model._meta.pk


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows of one model are inserted.

    PostgreSQL gets them as one JSON text, which it takes apart itself: thousands of parameters cost psycopg six times
    as much, and the server twice. A statement with one parameter is parsed in no time, however many rows it brings."""

    columns: Sequence[str]
    into: str
    conflict: str
    slots: str
    """One row's placeholders; empty where rows come as JSON."""
    read: Callable[[Any], tuple[Any, ...]]
    convert: Sequence[tuple[int, Convert]]

    def values(self, rows: Sequence[Model]) -> list[list[Any]]:
        """A list a row, converted, in the order of the columns."""
        values = [list(self.read(row)) for row in rows]
        for column, converted in self.convert:
            for value in values:
                if value[column] is not None:
                    value[column] = converted(value[column])
        return values

    def statement(self, rows: int) -> str:
        slots = f"VALUES {', '.join([self.slots] * rows)}" if self.slots else ""
        return f"{self.into} {slots} {self.conflict}"

    def parameters(self, values: Sequence[Sequence[Any]]) -> list[Any]:
        return [value for row in values for value in row] if self.slots else [_as_json(self.columns, values)]


@cache
def _plan(model: type[Model], vendor: str, update: tuple[str, ...], unique: tuple[str, ...], *, given: bool) -> _Plan:
    quote = connection.ops.quote_name
    fields: list[Any] = [f for f in model._meta.concrete_fields if given or not f.primary_key]
    table, names = quote(model._meta.db_table), ", ".join(quote(field.column) for field in fields)
    into, slots = f"INSERT INTO {table} ({names})", f"({', '.join(['%s'] * len(fields))})"
    if vendor == "postgresql":
        into, slots = f"{into} SELECT {names} FROM json_populate_recordset(NULL::{table}, %s::json)", ""  # noqa: S608  # our own names
    conflict = ""
    if unique:
        renewed = [quote(field.column) for field in fields if field.name in update or field.column in update]
        key = ", ".join(quote(name or _pk(model).column) for name in unique)
        sets = ", ".join(f"{column} = excluded.{column}" for column in renewed)
        conflict = f"ON CONFLICT ({key}) DO UPDATE SET {sets}" if sets else "ON CONFLICT DO NOTHING"
    converters = ((column, _converter(field, vendor)) for column, field in enumerate(fields))
    needed = [(column, converted) for column, converted in converters if converted is not None]
    read = attrgetter(*[field.attname for field in fields])
    return _Plan([field.column for field in fields], into, conflict, slots, read, needed)


def _as_json(columns: Sequence[str], values: Sequence[Sequence[Any]]) -> str:
    return json.dumps([dict(zip(columns, row, strict=True)) for row in values], default=str)


def _converter(field: Any, vendor: str) -> Convert | None:
    """What makes of a value, never None, what the database takes, as `get_db_prep_save` would; None where it does
    already."""
    kind = field.get_internal_type()
    if kind in {"ForeignKey", "OneToOneField"}:
        return _converter(field.target_field, vendor)
    if kind in _AS_IT_IS:
        return None
    if vendor == "postgresql":
        return _FOR_JSON.get(kind, field.get_prep_value)  # the rest: dates, decimals
    return _FOR_SQLITE[kind] if kind in _FOR_SQLITE else lambda value: field.get_db_prep_save(value, connection)


def _json_text(value: Any) -> str:
    """JSON as SQLite keeps it. Most of the columns are empty most of the time."""
    if not value and (known := _EMPTY.get(type(value))):
        return known
    return _encoded(value)


_EMPTY: dict[type, str] = {list: "[]", dict: "{}"}
_encoded = json.JSONEncoder().encode


def _utc(value: datetime) -> str:
    """SQLite keeps an instant as text in UTC; every instant that the engine writes is in UTC already."""
    return str(value.replace(tzinfo=None))


_FOR_SQLITE: dict[str, Convert] = {"UUIDField": attrgetter("hex"), "DateTimeField": _utc, "JSONField": _json_text}

_FOR_JSON: dict[str, Convert | None] = {
    "UUIDField": attrgetter("hex"),
    "DateTimeField": datetime.isoformat,
    "BinaryField": lambda value: f"\\x{bytes(value).hex()}",
    "JSONField": None,
}

_AS_IT_IS = frozenset({
    "CharField", "TextField", "BigAutoField", "BigIntegerField", "PositiveBigIntegerField", "PositiveIntegerField",
    "PositiveSmallIntegerField", "BooleanField",
})  # fmt: skip
