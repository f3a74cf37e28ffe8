"""Relations over Rossum's protocol: files under a key, and annotations that belong together."""

from __future__ import annotations

import pytest

from exports.models import Attachment, FileRelation
from tests import builders
from tests.exports.protocols.rossum.brought import FILES, HOST, MADE, artifact, document, json_, read, send  # noqa: F401  # fixtures among them
from tests.exports.protocols.rossum.conftest import API


def test_files_are_related_to_an_annotation_and_found_by_their_key(robot, document):
    first, second = send(robot, "a.json").json(), send(robot, "b.json", b"2").json()
    annotation = f"{HOST}{API}/annotations/{document.pk}"
    wanted = {"type": "export", "key": "erp_reply", "annotation": annotation, "documents": [first["url"]]}

    made = json_(robot, "post", "document_relations", wanted)

    assert made.status_code == 201
    assert made.json() == {
        **wanted, "id": FileRelation.objects.get().pk,
        "url": f"{HOST}{API}/document_relations/{FileRelation.objects.get().pk}",
    }  # fmt: skip
    pk = made.json()["id"]
    assert robot.get(f"{API}/documents/{first['id']}").json()["annotations"] == [annotation]

    changed = json_(robot, "patch", f"document_relations/{pk}", {"documents": [first["url"], second["url"]]})
    assert (changed.status_code, changed.json()["documents"]) == (200, [first["url"], second["url"]])
    put = json_(robot, "put", f"document_relations/{pk}", {**wanted, "documents": [second["url"]]})
    assert (put.status_code, put.json()["documents"], put.json()["key"]) == (200, [second["url"]], "erp_reply")

    for query in (
        f"annotation={document.pk}",
        "key=erp_reply,other",
        "type=export",
        f"documents={second['id']}",
        f"id={pk}",
    ):
        assert [one["id"] for one in robot.get(f"{API}/document_relations?{query}").json()["results"]] == [pk], query
    for query in ("key=other", "type=einvoice", f"documents={first['id']}", "annotation=1234567"):
        assert robot.get(f"{API}/document_relations?{query}").json()["results"] == [], query


def test_a_relation_is_deleted_only_when_it_is_empty(robot, document):
    file = send(robot).json()
    annotation = f"{HOST}{API}/annotations/{document.pk}"
    pk = json_(
        robot, "post", "document_relations", {"key": "k", "annotation": annotation, "documents": [file["url"]]}
    ).json()["id"]

    assert robot.delete(f"{API}/document_relations/{pk}").status_code == 400
    robot.delete(f"{API}/documents/{file['id']}")
    assert robot.get(f"{API}/document_relations/{pk}").json()["documents"] == []

    assert robot.delete(f"{API}/document_relations/{pk}").status_code == 204
    assert FileRelation.objects.count() == 0


def test_a_key_is_had_once_by_an_annotation(robot, document, artifact):
    annotation = f"{HOST}{API}/annotations/{document.pk}"
    wanted = {"key": "k", "annotation": annotation, "documents": []}
    json_(robot, "post", "document_relations", wanted)

    again = json_(robot, "post", "document_relations", wanted)
    pipelines = json_(robot, "post", "document_relations", {**wanted, "key": "erp_payload"})

    assert [(reply.status_code, list(reply.json())) for reply in (again, pipelines)] == [
        (400, ["non_field_errors"])
    ] * 2
    assert json_(robot, "post", "document_relations", {**wanted, "type": "einvoice"}).status_code == 201
    assert FileRelation.objects.count() == 2


def test_what_a_pipeline_keeps_is_a_relation_too_and_stays_the_pipelines(robot, document, artifact):
    (shown,) = robot.get(f"{API}/document_relations?key=erp_payload").json()["results"]

    assert shown == {
        "id": FILES + artifact.pk, "type": "export", "key": "erp_payload",
        "annotation": f"{HOST}{API}/annotations/{document.pk}",
        "documents": [f"{HOST}{API}/documents/{MADE + artifact.pk}"],
        "url": f"{HOST}{API}/document_relations/{FILES + artifact.pk}",
    }  # fmt: skip
    assert read(robot.get(f"{API}/documents/{MADE + artifact.pk}/content")) == b"made"
    assert json_(robot, "patch", f"document_relations/{shown['id']}", {"documents": []}).status_code == 409
    assert robot.delete(f"{API}/documents/{MADE + artifact.pk}").status_code == 409
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "annotation"),
        ({"annotation": "nonsense"}, "annotation"),
        ({"annotation": f"{HOST}{API}/annotations/999999"}, "annotation"),
        ({"annotation": "{a}", "type": "other"}, "type"),
        ({"annotation": "{a}", "key": 7}, "key"),
        ({"annotation": "{a}", "key": "x" * 256}, "key"),
        ({"annotation": "{a}", "documents": "x"}, "documents"),
        ({"annotation": "{a}", "documents": [f"{HOST}{API}/documents/{FILES + 999}"]}, "documents"),
        ({"annotation": "{a}", "documents": [7.5]}, "documents"),
    ],
)
def test_what_is_wrong_with_a_relation_is_named(robot, document, body, place):
    url = f"{HOST}{API}/annotations/{document.pk}"
    sent = {name: url if value == "{a}" else value for name, value in body.items()}

    reply = json_(robot, "post", "document_relations", sent)

    assert (reply.status_code, list(reply.json())) == (400, [place])
    assert FileRelation.objects.count() == 0


def test_annotations_belong_together(robot, document):
    other = builders.document(document.queue)
    url = f"{HOST}{API}/annotations"
    wanted = {"type": "edit", "key": None, "parent": f"{url}/{document.pk}", "annotations": [f"{url}/{other.pk}"]}

    made = json_(robot, "post", "relations", wanted)

    assert made.status_code == 201
    assert made.json() == {**wanted, "id": made.json()["id"], "url": f"{HOST}{API}/relations/{made.json()['id']}"}
    assert robot.get(made.json()["url"].removeprefix(HOST)).json() == made.json()
    for query, count in [
        ("", 1),
        ("type=edit", 1),
        ("type=duplicate", 0),
        (f"annotation={other.pk}", 1),
        (f"parent={other.pk}", 0),
    ]:
        assert len(robot.get(f"{API}/relations?{query}").json()["results"]) == count, query
    assert json_(robot, "post", "relations", {**wanted, "type": "x"}).status_code == 400
    assert json_(robot, "post", "relations", {**wanted, "annotations": []}).status_code == 400
