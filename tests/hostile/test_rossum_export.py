"""What no client of Rossum's would send to export, documents, relations and uploads: no error of ours, nothing moved,
nothing kept, nobody else's shown."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from exports.models import Attempt, Content, Document, FileRelation, RobotFile
from tests import builders
from tests.exports.protocols.rossum.conftest import API, caller

NASTY = [
    "", " ", ",", ",,", "-1", "0", "1e9", "9" * 18, "9" * 40, "NaN", "null", "true", "[]", "{}", "'", '"', "%00", "\x01", "ä" * 300,
    "\ud83d\ude00"[:0] + "😀", "../../etc/passwd", "http://evil/1", "http://[::1", "confirmed' OR 1=1 --", "a" * 5000, "٣", "1,2,x",
]  # fmt: skip
PARAMETERS = [
    "format", "status", "id", "document", "queue", "modifier", "page", "page_size", "columns", "prepend_columns", "append_columns",
    "delimiter", "quote_char", "quoting", "escape_char", "shape", "to_status", "ordering", "arrived_at_after",
    "exported_at_before", "search", "automated", "include_total", "sideload", "content.schema_id", "exported_by",
]  # fmt: skip
BODIES = [
    b"", b" ", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"\0", b'{"a":' * 200, b'{"to_status": {}}', b'{"id": [[1]]}',
    b'{"id": NaN}', b'{"to_status": "\\u0000"}', b'{"status": "\\ud800"}', b"a=%ff", b"a=%00&b", b"--x\r\n\r\n--x--", b'{"id": 1e400}',
    b'{"to_status": "exported", "id": [true, null]}',
]  # fmt: skip
TYPES = [
    "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain",
    "application/json; charset=utf-16", "application/json; charset=nonsense", "", "nonsense", "multipart/form-data; boundary=",
]  # fmt: skip
PATHS = ["documents", "document_relations", "relations", "uploads", "queues/{queue}/export", "queues/{queue}/upload"]


@pytest.fixture
def document(organization):
    return builders.document(builders.queue(), {"number": "7"})


@pytest.fixture
def robot(organization):
    return caller(organization, "owner")


def answered(reply):
    if reply.streaming:
        b"".join(reply.streaming_content)
    assert reply.status_code < 500, reply.content
    assert reply.headers.get("Location") is None
    return reply.status_code


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_no_parameter_of_an_export_makes_an_error_of_ours(robot, document, method, form):
    for name in PARAMETERS:
        for value in NASTY:
            query = {"format": form, "status": "rejected", name: value}
            answered(getattr(robot, method)(f"{API}/queues/{document.queue_id}/export", query_params=query))

    document.refresh_from_db()
    assert (document.status, Attempt.objects.count()) == ("confirmed", 0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", TYPES)
def test_no_body_makes_an_error_of_ours(robot, document, path, kind):
    address = f"{API}/{path.format(queue=document.queue_id)}"

    for body in BODIES:
        answered(robot.generic("POST", address, body, content_type=kind))

    document.refresh_from_db()
    assert (document.status, Attempt.objects.count(), FileRelation.objects.count()) == ("confirmed", 0, 0)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_change_makes_an_error_of_ours(robot, document, method):
    annotation = f"http://testserver{API}/annotations/{document.pk}"
    made = robot.post(
        f"{API}/document_relations", json.dumps({"key": "k", "annotation": annotation}), content_type="application/json"
    ).json()

    for path in (f"documents/{document.pk}", f"document_relations/{made['id']}", "documents/0", "document_relations/0"):
        for body in BODIES:
            for kind in TYPES[:4]:
                answered(robot.generic(method.upper(), f"{API}/{path}", body, content_type=kind))

    document.refresh_from_db()
    assert document.status == "confirmed"


@pytest.mark.parametrize("collection", ["documents", "document_relations", "relations", "uploads", "tasks"])
@pytest.mark.parametrize(
    "pk", ["0", "9" * 18, str(10**12), str(2 * 10**12), str(10**12 + 1), "1/content", "-1", "x", "1.5", "%00"]
)
def test_an_id_that_there_is_not_is_a_404(robot, organization, collection, pk):
    assert answered(robot.get(f"{API}/{collection}/{pk}")) == 404


@pytest.mark.parametrize(
    "name",
    [
        *(value for value in NASTY if value.strip(" ,")),
        "a\r\nSet-Cookie: x=1.pdf",
        "..",
        "a/b\\c",
        ".",
        "\u202egpj.exe",
    ],
)
def test_a_files_name_never_leaves_its_header_or_its_folder(robot, organization, name):
    reply = robot.post(f"{API}/documents", {"content": SimpleUploadedFile("x", b"1"), "metadata": "{}"})
    named = robot.post(
        f"{API}/documents", b"1", content_type="text/plain", headers={"content-disposition": f'attachment; filename="{name}"'.replace("\r\n", " ")}
    )  # fmt: skip

    assert answered(reply) == 201
    if answered(named) == 201:
        content = robot.get(named.json()["content"].removeprefix("http://testserver"))
        disposition = content["Content-Disposition"]
        assert disposition.startswith("attachment")
        assert not set("\r\n/\\") & set(disposition.partition("filename*")[0])
        assert "Set-Cookie" not in content.headers


@pytest.mark.parametrize(
    "disposition",
    ["", "attachment", "filename=x", "attachment; filename", 'attachment; filename="', "attachment; filename*=utf-9''x",
     "attachment; filename*=utf-8''%ff%fe", "attachment; filename*=''", "attachment; " + "a=b; " * 5000, ";;;", "attachment; filename==x"],
)  # fmt: skip
def test_a_header_that_names_no_file_is_a_400_or_a_name(robot, organization, disposition):
    reply = robot.post(
        f"{API}/documents", b"1", content_type="text/plain", headers={"content-disposition": disposition}
    )

    assert answered(reply) in {201, 400}


def test_a_body_larger_than_allowed_is_a_413_and_leaves_nothing(robot, document, settings):
    settings.MAX_ORIGINAL_BYTES = 1000
    named = {"content-disposition": 'attachment; filename="big.bin"'}

    for path in ("documents", f"queues/{document.queue_id}/upload", f"uploads?queue={document.queue_id}"):
        raw = robot.post(f"{API}/{path}", b"x" * 5000, content_type="application/octet-stream", headers=named)
        form = robot.post(f"{API}/{path}", {"content": SimpleUploadedFile("big.bin", b"x" * 5000)})
        assert (answered(raw), answered(form)) in {(413, 400), (413, 413)}

    assert (RobotFile.objects.count(), Content.objects.count(), Document.objects.count()) == (0, 0, 1)


def test_a_key_that_is_no_key_is_a_400(robot, document):
    address = f"{API}/queues/{document.queue_id}/export?status=confirmed&to_status=exported"

    for key in ("x" * 256, "a\tb", "\x7f"):
        assert answered(robot.post(address, headers={"Idempotency-Key": key})) == 400

    document.refresh_from_db()
    assert document.status == "confirmed"


def test_values_that_a_spreadsheet_would_run_stay_text(robot, organization):
    queue = builders.queue(schema=builders.schema({"category": "datapoint", "id": "a", "label": "=label()"}))
    builders.document(queue, {"a": "@SUM(1+1)*cmd|' /C calc'!A0"})

    import io
    import zipfile

    reply = robot.get(f"{API}/queues/{queue.pk}/export?format=xlsx&status=confirmed")
    sheet = zipfile.ZipFile(io.BytesIO(b"".join(reply.streaming_content))).read("xl/worksheets/sheet1.xml")

    assert b"<f>" not in sheet
    assert sheet.count(b"inlineStr") == 2


def test_captured_text_does_not_break_out_of_xml(robot, organization):
    from lxml import etree

    queue = builders.queue()
    nasty = ']]></datapoint><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;'
    builders.document(queue, {"a": nasty}, file_name=nasty[:200], metadata={nasty[:50]: nasty})

    reply = robot.get(f"{API}/queues/{queue.pk}/export?format=xml&status=confirmed")

    root = etree.fromstring(b"".join(reply.streaming_content))
    assert root.findtext(".//datapoint") == nasty
    assert root.findtext(".//metadata/item") == nasty
