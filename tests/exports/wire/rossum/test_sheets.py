"""CSV and XLSX of an export: columns, rows, dialects, and cells that a spreadsheet does not run."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from exports.wire.rossum import exporting, sheets
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.sheets import Dialect
from pipelines.formats import native
from tests.exports.wire.rossum.test_exporting import AT, facts

SCHEMA = [
    {
        "category": "section",
        "id": "header",
        "children": [
            {"category": "datapoint", "id": "number", "type": "string", "label": "Invoice number"},
            {"category": "datapoint", "id": "total", "type": "number", "label": "Total"},
            {"category": "datapoint", "id": "note", "type": "string", "label": "Note", "can_export": False},
            {
                "category": "multivalue",
                "id": "lines",
                "children": {
                    "category": "tuple",
                    "id": "line",
                    "children": [{"category": "datapoint", "id": "qty", "type": "number", "label": "Qty"}],
                },
            },
            {
                "category": "multivalue",
                "id": "taxes",
                "children": {
                    "category": "tuple",
                    "id": "tax",
                    "children": [{"category": "datapoint", "id": "rate", "type": "string", "label": "Rate"}],
                },
            },
        ],
    }
]
FIELDS = {
    "number": "INV-7", "total": "12.50", "note": "secret",
    "lines": [{"qty": "2"}, {"qty": "3"}, {"qty": "4"}], "taxes": [{"rate": "19"}],
}  # fmt: skip


def lines(fields=None, wanted=None, schema=SCHEMA):
    known = facts(fields or FIELDS)
    shown = exporting.annotation(known, native.schema_nodes(schema), AT)
    return list(sheets.rows(shown, known.fields, wanted or sheets.columns(schema)))


def text(fields=None, dialect=None, **columns):
    wanted = sheets.columns(SCHEMA, **columns)
    return b"".join(sheets.written(lines(fields, wanted), wanted, dialect or Dialect())).decode()


def test_every_exported_field_is_a_column_under_its_label_and_tables_stand_side_by_side():
    assert text() == (
        "Invoice number,Total,Qty,Rate\r\nINV-7,12.50,2,19\r\nINV-7,12.50,3,\r\nINV-7,12.50,4,\r\n"
    )  # fmt: skip


def test_columns_replace_the_set_and_others_stand_at_the_ends():
    found = text(only=["total", "meta_status"], before=["meta_file_name"], after=["number", "meta_url"])

    assert found == (
        "meta_file_name,Total,meta_status,Invoice number,meta_url\r\n"
        "inv.pdf,12.50,confirmed,INV-7,https://waybill.example/api/v1/annotations/7\r\n"
    )


def test_every_meta_column_can_be_had():
    found = text(only=sorted(sheets.META))

    head, line = list(csv.reader(io.StringIO(found)))
    assert dict(zip(head, line, strict=True)) == {
        "meta_arrived_at": "2026-03-02T08:00:00.000000Z",
        "meta_assigned_at": "",
        "meta_automated": "false",
        "meta_file": "https://waybill.example/api/v1/documents/7/content",
        "meta_file_name": "inv.pdf",
        "meta_modified_at": "2026-03-02T08:00:00.000000Z",
        "meta_status": "confirmed",
        "meta_url": "https://waybill.example/api/v1/annotations/7",
    }


@pytest.mark.parametrize("name", ["note", "nonsense", "meta_nothing", "lines"])
def test_a_column_that_is_not_exported_is_named(name):
    with pytest.raises(WrongValue, match=name) as wrong:
        sheets.columns(SCHEMA, only=[name])

    assert wrong.value.name == "columns"


def test_without_a_schema_the_documents_say_what_there_is():
    known = facts({"a": "1", "rows": [{"b": "2"}]})
    wanted = sheets.columns([], known=native.columns_of(known.fields))

    assert [column.label for column in wanted] == ["a", "b"]


def test_dialects():
    given = {"delimiter": "\t", "quote_char": "'", "quoting": "quote_all"}

    assert text(dialect=Dialect.read(given), only=["number", "total"]) == (
        "'Invoice number'\t'Total'\r\n'INV-7'\t'12.50'\r\n"
    )  # fmt: skip


def test_numbers_stay_without_quotes_where_that_is_asked_for():
    assert text(dialect=Dialect.read({"quoting": "quote_non_numeric"}), only=["number", "total"]) == (
        '"Invoice number","Total"\r\n"INV-7",12.50\r\n'
    )


def test_without_quotes_everything_is_escaped():
    dialect = Dialect.read({"quoting": "quote_none", "escape_char": "\\"})

    assert text({"number": 'a,"b\nc'}, dialect, only=["number"]) == 'Invoice number\r\na\\,\\"b\\\nc\r\n'


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"delimiter": ";;"}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"quote_char": "ab"}, "quote_char"),
        ({"quote_char": ","}, "quote_char"),
        ({"quoting": "quote_some"}, "quoting"),
        ({"quoting": "quote_none"}, "escape_char"),
        ({"escape_char": ","}, "escape_char"),
    ],
)
def test_a_dialect_that_cannot_be_is_named(given, name):
    with pytest.raises(WrongValue) as wrong:
        Dialect.read(given)

    assert wrong.value.name == name


def test_csv_is_what_was_captured_so_that_a_program_books_what_was_captured():
    assert text({"number": "=1+1"}, only=["number"]) == "Invoice number\r\n=1+1\r\n"


def test_a_sheets_cells_are_text_and_never_formulas():
    wanted = sheets.columns(SCHEMA, only=["number", "total"])
    file = io.BytesIO()

    whole = sheets.sheet(lines({"number": '=HYPERLINK("http://evil")', "total": "12.50"}, wanted), wanted, file)

    page = zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()
    assert whole
    assert "<f>" not in page
    assert '=HYPERLINK("http://evil")' in page.replace("&quot;", '"')
    assert page.count('t="inlineStr"') == 4
    assert "<v>" not in page


def test_what_was_captured_may_be_empty():
    assert lines({"lines": []}, sheets.columns(SCHEMA)) == [["", "", "", ""]]


def test_fields_of_nobody_are_no_columns():
    assert sheets.columns([], known=()) == []
    assert list(sheets.written([], [], Dialect())) == []


def test_a_value_longer_than_a_cell_is_cut():
    wanted = sheets.columns(SCHEMA, only=["number"])
    file = io.BytesIO()

    assert sheets.sheet([["x" * 40_000]], wanted, file)
    assert ("x" * 32_767) in zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml").decode()
