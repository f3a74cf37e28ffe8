"""The native export of one document: the three forms, from one tree."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pipelines.formats import native
from pipelines.shapes import from_flat

SCHEMA = [
    {"category": "section", "id": "header", "children": [
        {"category": "datapoint", "id": "amount_total", "label": "Total", "type": "number"},
        {"category": "datapoint", "id": "internal", "label": "Internal", "type": "string", "can_export": False},
        {"category": "datapoint", "id": "po_number", "label": "PO", "type": "string"},
    ]},
    {"category": "section", "id": "tables", "children": [
        {"category": "multivalue", "id": "line_items", "children": {"category": "tuple", "id": "line_item", "children": [
            {"category": "datapoint", "id": "item_qty", "label": "Qty", "type": "number"},
        ]}},
        {"category": "multivalue", "id": "taxes", "children": {"category": "datapoint", "id": "taxe", "label": "Tax", "type": "string"}},
    ]},
]  # fmt: skip
FIELDS = from_flat({
    "amount_total": "1250.40", "internal": "secret", "po_number": "",
    "line_items": [{"item_qty": "2"}, {"item_qty": "3"}], "taxes": ["19"],
})  # fmt: skip
PAYLOAD = {
    "annotation": {"url": "https://w/annotations/7", "status": "exporting", "automated": True, "metadata": {"batch": "B7", "n": 1}},
    "document": {"url": "https://w/documents/7", "original_file_name": "inv.pdf", "arrived_at": "2026-03-02T08:00:00Z"},
}  # fmt: skip


def test_csv_has_labels_and_a_row_for_each_line_with_the_header_repeated():
    written = native.write("csv", FIELDS, SCHEMA, PAYLOAD)

    assert written == b"Total,PO,Qty,Tax\r\n1250.40,,2,19\r\n1250.40,,3,\r\n"


def test_csv_of_a_document_without_lines_is_one_row():
    assert native.write("csv", from_flat({"a": "1", "b": 'x"y'}), (), {}) == b'a,b\r\n1,"x""y"\r\n'


def test_json_is_the_documented_envelope():
    written = json.loads(native.write("json", FIELDS, SCHEMA, PAYLOAD))

    assert written["pagination"] == {"total": 1, "total_pages": 1, "next": None, "previous": None}
    [result] = written["results"]
    assert (result["url"], result["status"], result["automated"]) == ("https://w/annotations/7", "exporting", True)
    assert result["document"] == {
        "url": "https://w/documents/7", "file_name": "inv.pdf", "file": "https://w/documents/7/content",
    }  # fmt: skip
    header, tables = result["content"]
    assert header == {"category": "section", "schema_id": "header", "children": [
        {"category": "datapoint", "schema_id": "amount_total", "type": "number", "value": "1250.40", "rir_confidence": None},
        {"category": "datapoint", "schema_id": "po_number", "type": "string", "value": "", "rir_confidence": None},
    ]}  # fmt: skip
    assert [cell["value"] for row in tables["children"][0]["children"] for cell in row["children"]] == ["2", "3"]


def test_xml_is_the_documented_tree():
    tree = etree.fromstring(native.write("xml", FIELDS, SCHEMA, PAYLOAD))

    assert tree.xpath("string(/export/results/annotation/@url)") == "https://w/annotations/7"
    assert tree.xpath("string(//datapoint[@schema_id='amount_total'][@type='number'])") == "1250.40"
    assert tree.xpath("//datapoint[@schema_id='item_qty']/text()") == ["2", "3"]
    assert tree.xpath("//metadata/item[@key='batch']/text()") == ["B7"]
    assert tree.xpath("count(//exported_at)") == 0
    assert len(tree.xpath("//modifier")[0].attrib) == 0
    assert tree.xpath("string(//pagination/total)") == "1"


@pytest.mark.parametrize("form", ["csv", "xml", "json"])
def test_what_may_not_be_exported_never_is(form):
    assert b"secret" not in native.write(form, FIELDS, SCHEMA, PAYLOAD)
    assert b"internal" not in native.write(form, FIELDS, SCHEMA, PAYLOAD)


@pytest.mark.parametrize("form", ["csv", "xml", "json"])
def test_the_same_document_is_the_same_bytes(form):
    assert native.write(form, FIELDS, SCHEMA, PAYLOAD) == native.write(form, FIELDS, SCHEMA, PAYLOAD)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(TEXT, st.lists(TEXT, max_size=4))
def test_any_text_can_be_read_back(value, cells):
    fields = from_flat({"a": value, "rows": [{"b": cell} for cell in cells]})

    rows = list(csv.reader(io.StringIO(native.write("csv", fields, (), {}).decode(), newline="")))
    tree = etree.fromstring(native.write("xml", fields, (), {}))
    [result] = json.loads(native.write("json", fields, (), {}))["results"]

    assert rows[1][0] == value
    assert [row[1] for row in rows[1:] if len(row) > 1] == cells
    assert result["content"][0]["children"][0]["value"] == value
    legal = native.legal(value).replace("\r\n", "\n").replace("\r", "\n")
    found = tree.xpath("//datapoint[@schema_id='a']")[0].text or ""
    assert found.replace("\r\n", "\n").replace("\r", "\n") == legal
