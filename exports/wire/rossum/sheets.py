"""What `queues/{id}/export` answers as CSV and XLSX: which columns, which rows, in which dialect. Pure.

One row for each row of an annotation's longest table, header fields repeated, row i of several tables side by side. The
first row has the labels. A sheet's cells are all text: nothing that was captured is ever run as a formula there. CSV is
written as it was captured, for a program that reads it (docs/decisions)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from exports.wire.rossum.parameters import WrongValue
from pipelines.fields import Content
from pipelines.formats import native

META: Mapping[str, Any] = {
    "meta_arrived_at": lambda shown: shown["arrived_at"],
    "meta_file": lambda shown: shown["document"]["file"],
    "meta_file_name": lambda shown: shown["document"]["file_name"],
    "meta_status": lambda shown: shown["status"],
    "meta_url": lambda shown: shown["url"],
    "meta_automated": lambda shown: "true" if shown["automated"] else "false",
    "meta_modified_at": lambda shown: shown["modified_at"],
    "meta_assigned_at": lambda shown: shown["assigned_at"],
}
"""Columns of the annotation itself, from its JSON form."""

MOST_COLUMNS = 1000
MOST_ROWS = 1_048_575
"""Of one sheet, below its first; the format ends at 1,048,576."""
MOST_IN_A_CELL = 32_767
"""Characters; where the format ends."""
QUOTING = {
    "quote_minimal": csv.QUOTE_MINIMAL,
    "quote_none": csv.QUOTE_NONE,
    "quote_all": csv.QUOTE_ALL,
    "quote_non_numeric": csv.QUOTE_NONNUMERIC,
}


class Number(str):
    """Text of a number field, which `quote_non_numeric` leaves without quotes."""

    __slots__ = ()

    def __float__(self) -> float:  # how the csv module tells a number
        return 0.0


@dataclass(frozen=True, slots=True)
class Column:
    """`table` is empty for header fields and for meta columns."""

    name: str
    label: str
    table: str = ""
    number: bool = False


def columns(
    schema: Sequence[Mapping[str, Any]],
    *,
    known: Iterable[tuple[str, str]] | None = None,
    only: Sequence[str] = (),
    before: Sequence[str] = (),
    after: Sequence[str] = (),
) -> list[Column]:
    """The columns of a file: every exported field in the schema's order, or `only` these, with `before` and `after` at
    the ends. `known` are the (table, field) pairs of a queue without a schema. Raises WrongValue naming a column that
    there is not; a field that is not exported is none."""
    nodes = native.schema_nodes(schema)
    pairs = list(native.columns_in(schema) if known is None else known)
    fields = {
        name: Column(name, str(nodes.get(name, {}).get("label") or name), table, _is_number(nodes.get(name, {})))
        for table, name in pairs
        if native.is_exported(name, nodes) and native.is_exported(table or name, nodes)
    }
    found = list(fields.values())
    if only:
        found = [_column(name, "columns", fields) for name in only]
    found = [
        *(_column(name, "prepend_columns", fields) for name in before),
        *found,
        *(_column(name, "append_columns", fields) for name in after),
    ]
    if len(found) > MOST_COLUMNS:
        raise WrongValue("columns", f"At most {MOST_COLUMNS} columns are written.")
    return found


def rows(shown: Mapping[str, Any], fields: Content, wanted: Sequence[Column]) -> Iterator[list[str]]:
    """The lines of one annotation. `shown` is its JSON form, `fields` its tree."""
    tables = {
        table: list(native.table_rows(fields, table))
        for table in dict.fromkeys(column.table for column in wanted)
        if table
    }
    header = {
        column.name: str(META[column.name](shown) or "") if column.name in META else fields.text(column.name) or ""
        for column in wanted
        if not column.table
    }
    for index in range(max([1, *map(len, tables.values())])):
        yield [_cell(column, header, tables, index) for column in wanted]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How CSV is written. Lines end with CR LF (RFC 4180)."""

    delimiter: str = ","
    quote_char: str = '"'
    quoting: int = csv.QUOTE_MINIMAL
    escape_char: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Dialect:
        """From the parameters as they were sent, spaces and tabs kept. Raises WrongValue naming the wrong one."""
        delimiter = _character(given, "delimiter") or ","
        quote = _character(given, "quote_char") or '"'
        escape = _character(given, "escape_char")
        name = given.get("quoting") or "quote_minimal"
        if name not in QUOTING:
            raise WrongValue("quoting", f'"{name[:60]}" is not a valid choice; there are {", ".join(QUOTING)}.')
        if name == "quote_none" and escape is None:
            raise WrongValue("escape_char", "quote_none needs an escape_char.")
        if delimiter == quote:
            raise WrongValue("quote_char", "The quote and the delimiter cannot be the same character.")
        if escape == delimiter:
            raise WrongValue("escape_char", "The escape and the delimiter cannot be the same character.")
        return cls(delimiter, quote, QUOTING[name], escape)

    def writer(self) -> Any:
        """Its `writerow` gives the line back."""
        return csv.writer(
            _Echo(),
            delimiter=self.delimiter,
            quotechar=self.quote_char,
            quoting=self.quoting,  # type: ignore[arg-type]  # one of the module's own
            escapechar=self.escape_char,
            lineterminator="\r\n",
        )


def written(lines: Iterable[Sequence[str]], wanted: Sequence[Column], dialect: Dialect) -> Iterator[bytes]:
    """CSV, a line at a time: the labels, then `lines`."""
    writer = dialect.writer()
    if wanted:
        yield writer.writerow([column.label for column in wanted]).encode()
        for line in lines:
            yield writer.writerow(line).encode()


def sheet(lines: Iterable[Sequence[str]], wanted: Sequence[Column], file: IO[bytes]) -> bool:
    """XLSX into `file`, whatever the length at the same memory. False where it has more rows than a sheet holds."""
    import xlsxwriter  # type: ignore[import-untyped]  # has no types of its own, nor anybody else's

    book = xlsxwriter.Workbook(
        file,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    page = book.add_worksheet("export")
    whole = True
    for across, column in enumerate(wanted):
        page.write_string(0, across, native.legal(column.label)[:MOST_IN_A_CELL])
    for down, line in enumerate(lines, 1):
        if down > MOST_ROWS:
            whole = False
            break
        for across, text in enumerate(line):
            if text:
                page.write_string(down, across, native.legal(text)[:MOST_IN_A_CELL])
    book.close()
    return whole


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _column(name: str, parameter: str, fields: Mapping[str, Column]) -> Column:
    if name in META:
        return Column(name, name)
    if name not in fields:
        raise WrongValue(parameter, f'"{name[:60]}" is not a field that this queue exports, nor a meta column.')
    return fields[name]


def _cell(
    column: Column, header: Mapping[str, str], tables: Mapping[str, Sequence[Mapping[str, str]]], index: int
) -> str:
    if column.table:
        lines = tables[column.table]
        text = lines[index].get(column.name, "") if index < len(lines) else ""
    else:
        text = header[column.name]
    return Number(text) if column.number and text else text


def _is_number(node: Mapping[str, Any]) -> bool:
    return node.get("type") == "number" or (node.get("type") == "enum" and node.get("enum_value_type") == "number")


def _character(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name) or None
    if text is not None and (len(text) != 1 or text in "\r\n\0"):
        raise WrongValue(name, "This is exactly one character.")
    return text
