"""The official clients against a live Waybill: documents, relations, uploads, and the older client."""

from __future__ import annotations

import pytest
from rossum_api import APIClientError

from tests.exports.protocols.rossum.clients import PASSWORD, client, ids_of


def test_documents_and_relations_there_and_back(site, tmp_path):
    url, world = site
    rossum = client(url)
    (tmp_path / "inv.pdf").write_bytes(b"%PDF-1.7 from a robot")

    (annotation,) = rossum.import_document(
        world["queues"]["bring"], [(str(tmp_path / "inv.pdf"), "inv.pdf")], {"number": "7"}
    )
    (task,) = rossum.upload_document(world["queues"]["bring"], [(str(tmp_path / "inv.pdf"), "again.pdf")])
    upload = rossum.retrieve_upload(int(task.result_url.rpartition("/")[2]))
    file = rossum.create_new_document("réponse.json", b'{"booked": true}', metadata={"step": 2})
    relation = rossum.create_new_document_relation({
        "type": "export", "key": "erp_reply", "documents": [file.url],
        "annotation": f"{url}/rossum/api/v1/annotations/{annotation}",
    })  # fmt: skip

    assert upload.annotations == [
        f"{url}/rossum/api/v1/annotations/{annotation}"
    ]  # the same file is the same annotation
    assert rossum.retrieve_document_content(annotation) == b"%PDF-1.7 from a robot"
    assert (file.original_file_name, file.metadata) == ("réponse.json", {"step": 2})
    assert rossum.retrieve_document_content(file.id) == b'{"booked": true}'
    found = list(rossum.list_document_relations(annotation=annotation, key="erp_reply"))
    assert [one.id for one in found] == [relation.id]
    assert rossum.update_part_document_relation(relation.id, {"documents": []}).documents == []
    rossum.delete_document_relation(relation.id)
    with pytest.raises(APIClientError) as gone:
        rossum.retrieve_document_relation(relation.id)
    assert gone.value.status_code == 404
    together = rossum.create_new_relation({
        "type": "duplicate", "key": "abc", "parent": None,
        "annotations": [f"{url}/rossum/api/v1/annotations/{annotation}"],
    })  # fmt: skip
    assert [one.id for one in rossum.list_relations(key="abc")] == [together.id]


def test_the_older_client_reads_the_documented_shape(site):
    from rossum.lib.api_client import RossumClient

    url, world = site
    wanted = world["documents"]["pages"][:3]
    older = RossumClient(None, f"{url}/rossum/api/v1", "anna", PASSWORD)

    reply = older.export_data(world["queues"]["pages"], wanted, "json")

    assert ids_of(reply.json()["results"]) == wanted
    assert reply.json()["results"][0]["document"]["file"].endswith("/content")
