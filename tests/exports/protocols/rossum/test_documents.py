"""Documents and relations over Rossum's protocol: all three ways to bring a file, its way back, and who may not."""

from __future__ import annotations

import json

import pytest

from audit.models import Event
from exports import documents
from exports.models import Content, Document, FileRelation, RobotFile
from tests import builders
from tests.exports.protocols.rossum.brought import FILES, HOST, MADE, artifact, document, json_, read, send  # noqa: F401  # fixtures among them
from tests.exports.protocols.rossum.conftest import API, caller


def test_an_original_is_the_document_with_its_annotations_id(robot, document):
    shown = robot.get(f"{API}/documents/{document.pk}").json()

    url = f"{HOST}{API}/documents/{document.pk}"
    created = document.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert shown == {
        "id": document.pk, "url": url, "s3_name": document.original_id.hex, "parent": None, "email": None,
        "annotations": [f"{HOST}{API}/annotations/{document.pk}"], "mime_type": "application/pdf", "creator": None,
        "created_at": created, "arrived_at": created, "original_file_name": "inv-0042.pdf",
        "content": f"{url}/content", "attachment_status": None, "metadata": {"batch": "B7"},
    }  # fmt: skip


def test_its_bytes_come_with_their_type_and_name_and_run_nowhere(robot, document):
    for path in (f"documents/{document.pk}/content", f"original/{document.original_id.hex}"):
        reply = robot.get(f"{API}/{path}")

        assert read(reply) == b"%PDF-1 the original"
        assert reply["Content-Type"] == "application/pdf"
        assert reply["Content-Disposition"] == 'attachment; filename="inv-0042.pdf"'
        assert (reply["X-Content-Type-Options"], reply["Content-Length"]) == ("nosniff", "19")
        assert "sandbox" in reply["Content-Security-Policy"]


def test_a_page_that_a_robot_brings_is_not_sent_as_a_page(robot):
    made = send(robot, "x.html", b"<script>alert(1)</script>", "text/html").json()

    reply = robot.get(made["content"].removeprefix(HOST))

    assert reply["Content-Type"] == "application/octet-stream"
    assert reply["Content-Disposition"] == 'attachment; filename="x.html"'


def test_a_document_without_a_file_has_a_url_that_answers_404_and_no_null(robot, organization):
    bare = builders.document(builders.queue())

    shown = robot.get(f"{API}/documents/{bare.pk}").json()

    assert (shown["original_file_name"], len(shown["s3_name"])) == ("", 32)
    assert robot.get(shown["content"].removeprefix(HOST)).status_code == 404


def test_a_form_brings_a_file_with_its_metadata_and_parent(robot, document):
    reply = send(robot, metadata='{"step": 1}', parent=f"{HOST}{API}/documents/{document.pk}")

    shown = reply.json()
    file = RobotFile.objects.get()
    assert reply.status_code == 201
    assert (shown["id"], shown["original_file_name"], shown["mime_type"]) == (
        FILES + file.pk, "reply.json", "application/json",
    )  # fmt: skip
    assert (shown["metadata"], shown["parent"]) == ({"step": 1}, f"{HOST}{API}/documents/{document.pk}")
    assert read(robot.get(f"{API}/documents/{shown['id']}/content")) == b'{"ok": true}'
    assert read(robot.get(f"{API}/original/{shown['s3_name']}")) == b'{"ok": true}'
    assert Event.objects.filter(verb="robot_file.add", actor="key:operator-robot").count() == 1


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="reply.xml"', "reply.xml"),
        ("attachment; filename*=utf-8''R%C3%A9ponse%20n%C2%B0%201.xml", "Réponse n° 1.xml"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
    ],
)
@pytest.mark.parametrize("media_type", ["application/xml", "application/json", "application/x-www-form-urlencoded"])
def test_a_raw_body_brings_a_file_under_the_name_of_its_header(robot, disposition, name, media_type):
    body = b"<not json & not a form/>"

    reply = robot.post(
        f"{API}/documents", body, content_type=media_type, headers={"content-disposition": disposition}
    )  # fmt: skip

    assert reply.status_code == 201
    assert (reply.json()["original_file_name"], reply.json()["mime_type"]) == (name, media_type)
    assert read(robot.get(f"{API}/documents/{reply.json()['id']}/content")) == body


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ({"metadata": "[1]"}, "metadata"),
        ({"metadata": "{"}, "metadata"),
        ({"metadata": json.dumps({"a": "x" * 5000})}, "metadata"),
        ({"parent": "nonsense"}, "parent"),
    ],
)
def test_what_is_wrong_beside_a_file_is_named_and_nothing_is_kept(robot, organization, parts, place):
    reply = send(robot, **parts)

    assert (reply.status_code, list(reply.json())) == (400, [place])
    assert (RobotFile.objects.count(), Content.objects.count()) == (0, 0)


def test_a_request_without_a_file_is_told_so(robot):
    assert robot.post(f"{API}/documents", {"content": "text"}).json().keys() == {"content"}
    assert robot.post(f"{API}/documents", b"x", content_type="text/plain").status_code == 400
    assert send(robot, body=b"").status_code == 400


def test_metadata_is_patched_and_nothing_else(robot, document):
    file = send(robot).json()

    for pk in (document.pk, file["id"]):
        reply = json_(robot, "patch", f"documents/{pk}", {"metadata": {"seen": True}, "original_file_name": "x"})
        assert (reply.status_code, reply.json()["metadata"]) == (200, {"seen": True})
        assert reply.json()["original_file_name"] != "x"

    assert json_(robot, "patch", f"documents/{document.pk}", {"metadata": []}).status_code == 400


def test_a_robots_file_is_deleted_with_its_bytes(robot, django_capture_on_commit_callbacks):
    file = send(robot).json()

    with django_capture_on_commit_callbacks(execute=True):
        reply = robot.delete(f"{API}/documents/{file['id']}")

    assert reply.status_code == 204
    assert (RobotFile.objects.count(), Content.objects.count()) == (0, 0)
    assert robot.get(f"{API}/documents/{file['id']}").status_code == 404


def test_an_original_with_datapoints_is_not_deleted_and_one_without_goes_with_its_annotation(organization, document):
    robot = caller(organization, "owner")
    bare = builders.document(document.queue, {}, status="to_review")
    bare.fields.content = []
    bare.fields.save()

    assert robot.delete(f"{API}/documents/{document.pk}").status_code == 409
    assert robot.delete(f"{API}/documents/{bare.pk}").status_code == 204

    bare.refresh_from_db()
    assert bare.status == "deleted"
    assert Document.objects.get(pk=document.pk).status == "to_review"


def test_documents_are_listed_together_in_pages_and_found_by_their_filters(robot, document, artifact):
    file = send(robot, name="b.json").json()
    originals = sorted(Document.objects.values_list("pk", flat=True))
    every = [*originals, file["id"], MADE + artifact.pk]

    pages = [robot.get(f"{API}/documents?page_size=2&page={page}").json() for page in (1, 2)]
    assert [one["id"] for page in pages for one in page["results"]] == every
    assert (pages[0]["pagination"]["total"], pages[0]["pagination"]["total_pages"]) == (4, 2)
    backwards = robot.get(f"{API}/documents?ordering=-id").json()["results"]
    assert [one["id"] for one in backwards] == every[::-1]

    def found(query):
        return [one["id"] for one in robot.get(f"{API}/documents?{query}").json()["results"]]

    assert found(f"id={document.pk},{file['id']}") == [document.pk, file["id"]]
    assert found("original_file_name=b.json") == [file["id"]]
    assert found("original_file_name=payload.json") == [MADE + artifact.pk]
    assert found("created_at_before=2020-01-01") == []
    assert found("email=7") == []
    assert found(f"creator={robot.get(f'{API}/auth/user').json()['id']}") == [file["id"]]


def test_organizations_do_not_see_each_others_files(robot, document, artifact, other, within):
    file = send(robot).json()
    annotation = f"{HOST}{API}/annotations/{document.pk}"
    relation = json_(robot, "post", "document_relations", {"key": "k", "annotation": annotation}).json()
    stranger = caller(other)

    for path in (
        f"documents/{document.pk}", f"documents/{document.pk}/content", f"documents/{file['id']}",
        f"documents/{file['id']}/content", f"documents/{MADE + artifact.pk}/content", f"original/{file['s3_name']}",
        f"original/{document.original_id.hex}", f"document_relations/{relation['id']}",
        f"document_relations/{FILES + artifact.pk}",
    ):  # fmt: skip
        assert stranger.get(f"{API}/{path}").status_code == 404, path
    assert stranger.get(f"{API}/documents").json()["results"] == []
    assert stranger.get(f"{API}/document_relations").json()["results"] == []
    assert stranger.delete(f"{API}/documents/{file['id']}").status_code == 404
    assert json_(stranger, "post", "document_relations", {"key": "k", "annotation": annotation}).status_code == 400
    assert (RobotFile.objects.count(), FileRelation.objects.count()) == (1, 1)


def test_a_viewer_reads_and_brings_nothing(organization, document):
    viewer = caller(organization, "viewer")

    assert viewer.get(f"{API}/documents/{document.pk}").status_code == 200
    assert send(viewer).status_code == 403
    assert viewer.delete(f"{API}/documents/{document.pk}").status_code == 403


def test_a_purged_documents_files_are_gone_with_it(robot, document, django_capture_on_commit_callbacks):
    file = send(robot).json()
    annotation = f"{HOST}{API}/annotations/{document.pk}"
    json_(robot, "post", "document_relations", {"key": "k", "annotation": annotation, "documents": [file["url"]]})
    together = {"type": "duplicate", "key": "md5", "annotations": [annotation]}
    json_(robot, "post", "relations", together)
    documents.delete(document, by=builders.owner())

    with django_capture_on_commit_callbacks(execute=True):
        documents.purge(document, by=builders.owner(), why="asked for")

    assert robot.get(f"{API}/documents/{file['id']}/content").status_code == 404
    assert robot.get(f"{API}/documents/{file['id']}").json()["original_file_name"] == ""
    assert robot.get(f"{API}/relations").json()["results"][0]["annotations"] == []
    shown = robot.get(f"{API}/documents/{document.pk}").json()
    assert (shown["original_file_name"], shown["metadata"]) == ("", {})
    assert robot.get(f"{API}/documents/{document.pk}/content").status_code == 404
