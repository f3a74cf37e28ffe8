"""A list as a file: every row of the predicate with the chosen columns, CSV or XLSX, at the same memory whatever the
length. What a spreadsheet would run as a formula is made harmless (pipelines/cells.py)."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

import xlsxwriter  # type: ignore[import-untyped]  # has no types of its own, nor anybody else's
from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone

from accounts import scope
from exports.admin.lists import columns as kinds_of_columns
from exports.admin.lists.columns import Column
from exports.admin.lists.kinds import Kind
from exports.admin.lists.paging import Order, cut
from exports.predicate import Predicate
from pipelines.cells import harmless
from pipelines.refusals import Refused

CHUNK = 1000
"""Rows that are fetched at once."""
MOST_IN_XLSX = 1_000_000
"""Rows of one sheet; the format ends at 1,048,576."""
MOST_IN_A_CELL = 32_000
"""Characters; the format ends at 32,767."""


def response(
    kind: Kind, predicate: Predicate, columns: Sequence[Column], order: Order, form: str
) -> StreamingHttpResponse:
    """Raises Refused where the list does not go into the form, or there is no such form."""
    name = f"{kind.name}-{timezone.now():%Y-%m-%d-%H%M}"
    if form == "csv":
        said = StreamingHttpResponse(
            _csv(kind, predicate, columns, order, scope.current()), content_type="text/csv; charset=utf-8"
        )
        return _closed(said, f"{name}.csv")
    if form != "xlsx":
        raise Refused("format: csv or xlsx.")
    if kind.found(predicate).count() > MOST_IN_XLSX:
        raise Refused(f"A sheet has at most {MOST_IN_XLSX:,} rows. Narrow the list, or take it as CSV.")
    book = FileResponse(
        _xlsx(kind, predicate, columns, order),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    return _closed(book, f"{name}.xlsx")


def lines(kind: Kind, predicate: Predicate, columns: Sequence[Column], order: Order) -> Iterator[list[Any]]:
    """The values of every row, in the list's order, fetched a chunk at a time."""
    wanted = {name for column in columns for name in column.fields}
    replies = any(column.name == "reply" for column in columns)
    after = ""
    while True:
        page = cut(kind.columns_only(kind.found(predicate)), order, size=CHUNK, after=after)
        for row in kind.complete(page.rows, wanted, replies=replies):
            yield [kinds_of_columns.told(column.value(row)) for column in columns]
        after = page.after
        if not after:
            return


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _csv(
    kind: Kind, predicate: Predicate, columns: Sequence[Column], order: Order, organization_id: int | None
) -> Iterator[str]:
    """Runs after the request's own scope has ended, so it enters it again for each chunk that it fetches."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([column.title for column in columns])
    with scope.to(organization_id):
        for line in lines(kind, predicate, columns, order):
            yield writer.writerow([harmless(value) for value in line])


def _xlsx(kind: Kind, predicate: Predicate, columns: Sequence[Column], order: Order) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it, and with that it is gone
    book = xlsxwriter.Workbook(
        file,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    sheet = book.add_worksheet(kind.title[:31])
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for at, column in enumerate(columns):
        sheet.write_string(0, at, column.title, bold)
    for down, line in enumerate(lines(kind, predicate, columns, order), 1):
        for at, value in enumerate(line):
            if value is None or value == "":
                continue
            if isinstance(value, int | float):
                sheet.write_number(down, at, value)
            else:
                sheet.write_string(down, at, str(value)[:MOST_IN_A_CELL])
    book.close()
    file.seek(0)
    return file


def _closed(said: StreamingHttpResponse, name: str) -> StreamingHttpResponse:
    said["Content-Disposition"] = f'attachment; filename="{name}"'
    said["Cache-Control"] = "no-store"
    return said
