"""`queues/{id}/export` read: parameters, formats, pages, and what is wrong with a request."""

from __future__ import annotations

import csv
import gc
import io
import json
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from lxml import etree

from accounts.models import Membership
from exports.models import Attempt, Document, ExportSet
from exports.protocols.rossum.rendering import AT_ONCE
from tests import builders
from tests.exports.protocols.rossum.conftest import API
from tests.exports.protocols.rossum.exported import confirmed, cut, export, ids_of, queue, read, statuses  # noqa: F401  # a fixture among them


def test_confirmed_documents_are_read_and_stay_confirmed(robot, queue):
    documents = confirmed(queue, 3)
    builders.document(queue, status="to_review")

    reply = export(robot, queue, status="confirmed", format="json")

    body = read(reply)
    assert reply["Content-Type"] == "application/json; charset=utf-8"
    assert ids_of(body) == [document.pk for document in documents]
    assert body["pagination"] == {"total": 3, "total_pages": 1, "next": None, "previous": None}
    assert body["results"][0]["status"] == "confirmed"
    assert "secret" not in json.dumps(body)
    assert (Attempt.objects.count(), ExportSet.objects.count()) == (0, 0)


@pytest.mark.parametrize("prefix", ["/rossum/api/v1", "/rossum/v1"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_prefixes_with_and_without_a_slash(robot, queue, prefix, slash):
    reply = robot.get(f"{prefix}/queues/{queue.pk}/export{slash}")

    assert (reply.status_code, read(reply)["results"]) == (200, [])


def test_pages_follow_each_other(robot, queue):
    documents = confirmed(queue, 5)

    first = read(export(robot, queue, page_size=2))
    last = read(export(robot, queue, page_size=2, page=3))

    assert ids_of(first) == [document.pk for document in documents[:2]]
    assert first["pagination"]["next"].endswith(f"/queues/{queue.pk}/export?page_size=2&page=2")
    assert ids_of(last) == [documents[4].pk]
    assert (last["pagination"]["next"], last["pagination"]["total_pages"]) == (None, 3)


def test_xml(robot, queue):
    confirmed(queue, 2)

    reply = export(robot, queue, format="xml", status="confirmed")

    root = etree.fromstring(b"".join(reply.streaming_content))
    assert reply["Content-Type"] == "application/xml; charset=utf-8"
    assert [node.text for node in root.iter("datapoint")] == ["INV-0", "0.50", "INV-1", "1.50"]
    assert root.findtext("pagination/total") == "2"


def test_csv_has_everything_without_a_page(robot, queue):
    confirmed(queue, 130)

    reply = export(robot, queue, format="csv", columns="number,meta_status", delimiter=";", append_columns="total")

    rows = list(csv.reader(io.StringIO(b"".join(reply.streaming_content).decode()), delimiter=";"))
    assert reply["Content-Disposition"] == 'attachment; filename="export.csv"'
    assert rows[0] == ["Invoice number", "meta_status", "Total"]
    assert rows[130] == ["INV-129", "confirmed", "129.50"]
    assert len(rows) == 131


def test_csv_in_pages(robot, queue):
    confirmed(queue, 3)

    reply = export(robot, queue, format="csv", page=2, page_size=2, columns="number")

    assert b"".join(reply.streaming_content) == b"Invoice number\r\nINV-2\r\n"


def test_a_tab_as_the_delimiter_is_a_tab(robot, queue):
    confirmed(queue, 1)

    reply = export(robot, queue, format="csv", delimiter="\t")

    assert b"".join(reply.streaming_content) == b"Invoice number\tTotal\r\nINV-0\t0.50\r\n"


def test_xlsx(robot, queue):
    builders.document(queue, {"number": "=cmd()", "total": "1"})

    reply = export(robot, queue, format="xlsx")

    book = zipfile.ZipFile(io.BytesIO(b"".join(reply.streaming_content)))
    page = book.read("xl/worksheets/sheet1.xml").decode()
    assert "=cmd()" in page
    assert "<f>" not in page


def test_a_queue_without_a_schema_has_the_columns_that_its_documents_have(robot, organization):
    queue = builders.queue()
    builders.document(queue, {"a": "1"})
    builders.document(queue, {"b": "2"})

    reply = export(robot, queue, format="csv")

    assert b"".join(reply.streaming_content) == b"a,b\r\n1,\r\n,2\r\n"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json; charset=utf-8"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/html, application/xml;q=0.9", "application/xml; charset=utf-8"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",) * 2,
    ],
)
def test_accept_chooses_where_no_format_is_given(robot, queue, accept, content_type):
    reply = robot.get(f"{API}/queues/{queue.pk}/export", headers={"accept": accept})

    assert (reply.status_code, reply["Content-Type"]) == (200, content_type)
    assert robot.get(f"{API}/queues/{queue.pk}/export?format=json", headers={"accept": accept})["Content-Type"] == (
        "application/json; charset=utf-8"
    )


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"format": "pdf"}, "format"),
        ({"status": "nonsense"}, "status"),
        ({"id": "seven"}, "id"),
        ({"to_status": "exported"}, "to_status"),
        ({"shape": "round"}, "shape"),
        ({"format": "csv", "columns": "nonsense"}, "columns"),
        ({"format": "csv", "columns": "secret"}, "columns"),
        ({"format": "csv", "quoting": "quote_none"}, "escape_char"),
        ({"exported_at_after": "yesterday"}, "exported_at_after"),
    ],
)
def test_what_is_wrong_is_named(robot, queue, query, name):
    reply = export(robot, queue, **query)

    assert (reply.status_code, list(reply.json())) == (400, [name])


def test_get_ignores_a_filter_that_there_is_not_and_post_refuses_it(robot, queue):
    confirmed(queue, 1)

    assert export(robot, queue, nonsense="1").status_code == 200
    reply = export(robot, queue, "post", to_status="exported", statos="confirmed")

    assert (reply.status_code, list(reply.json())) == (400, ["statos"])
    assert statuses() == ["confirmed"]


def test_the_flat_shape_is_what_the_official_client_reads(robot, queue):
    (document,) = confirmed(queue, 1)

    (one,) = read(export(robot, queue, shape="flat"))["results"]

    assert (one["id"], one["document"]) == (document.pk, f"http://testserver{API}/documents/{document.pk}")


def test_the_person_who_changed_it_last_is_the_modifier(robot, queue, organization):
    anna = builders.user("anna", organization=organization)
    (document,) = confirmed(queue, 1)
    document.fields.by = "user:anna"
    document.fields.save()

    (one,) = read(export(robot, queue))["results"]

    assert one["modifier"] == {"url": f"http://testserver{API}/users/{anna.pk}", "username": "anna"}
    assert Membership.objects.count() == 1


def test_a_page_costs_the_same_queries_whatever_its_length(robot, queue):
    confirmed(queue, 2)
    read(export(robot, queue))

    with CaptureQueriesContext(connection) as few:
        read(export(robot, queue))
    confirmed(queue, 60)
    with CaptureQueriesContext(connection) as many:
        read(export(robot, queue, page_size=100))

    assert len(many) == len(few)


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_a_file_of_any_length_is_read_some_documents_at_a_time(robot, queue, form):
    confirmed(queue, 250)
    at_once = 0

    for number, _ in enumerate(export(robot, queue, format=form).streaming_content):
        if number % 50 == 0:
            gc.collect()
            at_once = max(at_once, sum(type(one) is Document for one in gc.get_objects()))

    assert 0 < at_once <= 2 * AT_ONCE
