"""JSON and XML of an export: the documented form, the official client's, and what XML cannot hold."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from exports.wire.rossum import exporting
from exports.wire.rossum.exporting import Facts
from exports.wire.rossum.urls import Addresses
from pipelines import shapes
from pipelines.formats import native

AT = Addresses("https://waybill.example/api/v1")
ARRIVED = datetime(2026, 3, 2, 8, tzinfo=UTC)
SCHEMA = [
    {
        "category": "section",
        "id": "header",
        "children": [
            {"category": "datapoint", "id": "total", "type": "number", "label": "Total"},
            {"category": "datapoint", "id": "note", "type": "string", "can_export": False},
            {
                "category": "multivalue",
                "id": "lines",
                "children": {
                    "category": "tuple",
                    "id": "line",
                    "children": [{"category": "datapoint", "id": "qty", "type": "number"}],
                },
            },
        ],
    }
]


def facts(fields, **values):
    known = {
        "pk": 7, "status": "confirmed", "queue_id": 5, "schema_id": 3, "organization_id": 1, "file_name": "inv.pdf",
        "arrived_at": ARRIVED, "modified_at": ARRIVED, "assigned_at": None, "exported_at": None, "metadata": {},
        "automated": False, "modifier": (9, "clerk@acme.example"), **values,
    }  # fmt: skip
    return Facts(fields=shapes.parse(fields), **known)


def shown(fields, schema=(), **values):
    return exporting.annotation(facts(fields, **values), native.schema_nodes(schema), AT)


def test_the_documented_form_nests_what_it_names():
    found = shown({"total": "1250.40", "note": "secret", "lines": [{"qty": "2"}]}, SCHEMA)

    content = found.pop("content")
    assert found == {
        "url": "https://waybill.example/api/v1/annotations/7",
        "status": "confirmed",
        "arrived_at": "2026-03-02T08:00:00.000000Z",
        "exported_at": None,
        "document": {
            "url": "https://waybill.example/api/v1/documents/7",
            "file_name": "inv.pdf",
            "file": "https://waybill.example/api/v1/documents/7/content",
        },
        "modifier": {"url": "https://waybill.example/api/v1/users/9", "username": "clerk@acme.example"},
        "schema": {"url": "https://waybill.example/api/v1/schemas/3"},
        "metadata": {},
        "automated": False,
        "modified_at": "2026-03-02T08:00:00.000000Z",
        "assigned_at": None,
    }
    points = [node for section in content for node in section["children"]]
    assert points[0] == {
        "category": "datapoint", "schema_id": "total", "type": "number", "value": "1250.40", "rir_confidence": None,
    }  # fmt: skip
    assert "note" not in str(content)
    assert points[1]["children"][0]["children"][0]["value"] == "2"


def test_the_flat_form_has_urls_where_the_official_client_wants_text():
    known = facts({"total": "1"})

    found = exporting.flat(exporting.annotation(known, {}, AT), known, AT)

    assert (found["id"], found["document"], found["schema"]) == (7, f"{AT.base}/documents/7", f"{AT.base}/schemas/3")
    assert (found["modifier"], found["queue"]) == (f"{AT.base}/users/9", f"{AT.base}/queues/5")


def test_nobody_who_modified_it_is_null():
    assert shown({"total": "1"}, modifier=None)["modifier"] is None


def test_xml_streams_its_annotations_between_head_and_pagination():
    pages = {"total": 2, "total_pages": 1, "next": None, "previous": None}

    written = b"".join(exporting.xml(iter([shown({"total": "1"}), shown({"total": "2"})]), pages))

    root = etree.fromstring(written)
    assert [node.text for node in root.iter("datapoint")] == ["1", "2"]
    assert [child.tag for child in root] == ["results", "pagination"]
    assert {child.tag: child.text for child in root[1]} == {
        "next": None, "previous": None, "total": "2", "total_pages": "1"
    }  # fmt: skip
    assert root.find(".//exported_at") is None


def test_xml_leaves_out_what_it_cannot_hold():
    written = exporting.xml_annotation(shown({"total": "a\x00\x0b\ufffeb"}, file_name="x\x01.pdf"))

    root = etree.fromstring(written)
    assert root.find(".//datapoint").text == "ab"
    assert root.find(".//file_name").text == "x.pdf"


def test_xml_has_empty_elements_where_json_has_nothing():
    root = etree.fromstring(exporting.xml_annotation(shown({"total": ""}, modifier=None, exported_at=ARRIVED)))

    assert (root.find("modifier").attrib, len(root.find("metadata"))) == ({}, 0)
    assert root.find("exported_at").text == "2026-03-02T08:00:00.000000Z"
    assert dict(root.find(".//datapoint").attrib) == {"schema_id": "total", "type": "string"}
