"""Documents over the API: in, corrected, confirmed, exported, put aside."""

from __future__ import annotations

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from exports import contents
from exports.models import Attempt, Document, FieldsVersion
from exports.states import Status
from tests.exports.api import world as worlds

PDF = b"%PDF-1.7\nhello"


@pytest.fixture
def queue(world):
    world.queue.schema = None
    world.queue.save()
    return world.queue


def test_a_document_comes_in_as_json(api, queue):
    reply = api.post(
        "documents",
        {
            "queue": queue.name,
            "external_id": "inv-0042",
            "fields": {"document_id": "INV-42", "line_items": [{"item_code": "A1"}, {"item_code": "B2"}]},
            "original": {"name": "inv.pdf", "media_type": "application/pdf", "content": base64.b64encode(PDF).decode()},
            "metadata": {"batch": "7"},
        },
    )

    document = Document.objects.get(external_id="inv-0042")
    assert reply.status_code == 201
    assert reply["Location"] == f"http://testserver/api/v1/documents/{document.pk}"
    assert reply["ETag"] == '"1"'
    assert reply.json()["values"] == {
        "document_id": "INV-42",
        "line_items": [{"item_code": "A1"}, {"item_code": "B2"}],
    }
    assert (document.status, document.file_name, document.media_type) == (
        Status.TO_REVIEW,
        "inv.pdf",
        "application/pdf",
    )
    assert document.metadata == {"batch": "7"}
    assert contents.blob(document.original).read() == PDF


def test_a_document_comes_in_as_a_form(api, queue):
    reply = api.form(
        "documents",
        {
            "queue": queue.pk,
            "external_id": "inv-0043",
            "original": SimpleUploadedFile("Rechnung März.pdf", PDF, "application/pdf"),
            "fields": json.dumps({"document_id": "INV-43"}),
            "metadata": json.dumps({"batch": "7"}),
            "confirmed": "true",
        },
    )

    document = Document.objects.get(external_id="inv-0043")
    assert reply.status_code == 201
    assert (document.status, document.file_name) == (Status.CONFIRMED, "Rechnung März.pdf")
    assert reply.json()["values"] == {"document_id": "INV-43"}
    assert b"".join(api.get(f"documents/{document.pk}/original").streaming_content) == PDF


def test_a_large_original_comes_in_through_a_temporary_file(api, queue):
    large = PDF + b"x" * 3_000_000

    reply = api.form(
        "documents", {"queue": queue.pk, "original": SimpleUploadedFile("big.pdf", large, "application/pdf")}
    )

    assert reply.status_code == 201
    assert contents.blob(Document.objects.get(pk=reply.json()["id"]).original).read() == large


def test_fields_in_rossums_shape(api, queue):
    reply = api.post("documents", {"queue": queue.pk, "external_id": "r-1", "fields": {"content": worlds.SECTIONS}})

    assert reply.status_code == 201
    assert reply.json()["values"]["amount_total"] == "1 250,40"
    assert reply.json()["content"][0]["children"][1]["content"]["normalized_value"] == "1250.40"


def test_a_repeated_external_id_is_the_same_document(api, queue):
    given = {"queue": queue.pk, "external_id": "same", "fields": {"a": "1"}}

    first, second = api.post("documents", given), api.post("documents", given)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Document.objects.filter(external_id="same").count() == 1


def test_a_form_sent_twice_with_one_key_is_answered_twice_alike(api, queue):
    def parts():
        return {"queue": queue.pk, "external_id": "k", "original": SimpleUploadedFile("a.pdf", PDF), "fields": "{}"}

    first = api.form("documents", parts(), idempotency_key="k-1")
    second = api.form("documents", parts(), idempotency_key="k-1")
    third = api.form("documents", {**parts(), "original": SimpleUploadedFile("a.pdf", b"other")}, idempotency_key="k-1")

    assert (first.status_code, second.status_code, third.status_code) == (201, 201, 422)
    assert second.json() == first.json()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"queue": "no such queue"}, "queue"),
        ({"queue": None}, "queue"),
        ({"queue": True}, "queue"),
        ({"queue": 2**80}, "queue"),
        ({"external_id": "x" * 201}, "external_id"),
        ({"fields": "text"}, "fields"),
        ({"metadata": [1]}, "metadata"),
        ({"original": {"name": "a.pdf", "content": "***"}}, "original.content"),
        ({"original": {"name": "a.pdf", "media_type": "x\ny", "content": ""}}, "original.media_type"),
    ],
)
def test_what_is_wrong_is_named(api, queue, change, place):
    reply = api.post("documents", {"queue": queue.pk, "external_id": "w", "fields": {"a": "1"}, **change})

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["place"] == place
    assert not Document.objects.filter(external_id="w").exists()


def test_a_field_that_cannot_be_is_named(api, queue):
    reply = api.post("documents", {"queue": queue.pk, "external_id": "w", "fields": {"total": {"nested": 1}}})

    assert (reply.status_code, reply.json()["code"]) == (422, "rejected")
    assert reply.json()["errors"][0]["place"] == "field.total"


def test_broken_json_in_a_part_of_a_form_is_named(api, queue):
    reply = api.form("documents", {"queue": queue.pk, "external_id": "w", "fields": '{"a": }'})

    assert reply.json()["errors"] == [
        {"place": "fields", "message": "This part is not JSON: Expecting value at line 1, column 7."}
    ]


def test_an_original_too_large_is_refused(api, queue, settings):
    settings.MAX_ORIGINAL_BYTES = 100
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    reply = api.form("documents", {"queue": queue.pk, "original": SimpleUploadedFile("a.pdf", b"x" * 5000)})

    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_some_fields_are_corrected(api, world):
    document = world.document
    operations = [{"op": "replace", "schema_id": "amount_total", "value": {"content": {"value": "1251.00"}}}]

    reply = api.patch(
        f"documents/{document.pk}/fields", {"operations": operations, "why": "typing error"}, if_match='"1"'
    )

    assert reply.status_code == 200
    assert (reply.json()["number"], reply["ETag"]) == (2, '"2"')
    assert reply.json()["values"]["amount_total"] == "1251.00"
    version = FieldsVersion.objects.get(document=document, number=2)
    assert (version.why, version.by.startswith("key:")) == ("typing error", True)


def test_two_corrections_of_one_version_do_not_overwrite_each_other(api, world):
    path = f"documents/{world.document.pk}/fields"
    change = {"fields": {"document_id": "INV-43"}}

    first = api.patch(path, change, if_match='"1"')
    by_tag = api.patch(path, change, if_match='"1"')
    by_number = api.patch(path, {"fields": {"document_id": "INV-44"}, "version": 1})

    assert first.status_code == 200
    assert (by_tag.status_code, by_tag.json()["code"], by_tag["ETag"]) == (412, "precondition_failed", '"2"')
    assert (by_number.status_code, by_number.json()["code"], by_number.json()["version"]) == (409, "stale", 2)
    assert FieldsVersion.objects.filter(document=world.document).count() == 2


def test_all_fields_are_replaced_only_by_who_read_them(api, world):
    reply = api.patch(f"documents/{world.document.pk}/fields", {"fields": {"a": "1"}})

    assert (reply.status_code, reply.json()["code"]) == (428, "precondition_required")


@pytest.mark.parametrize("tag", ['W/"1"', '"0"', '"x"', "1", ""])
def test_a_tag_that_does_not_match_changes_nothing(api, world, tag):
    reply = api.patch(f"documents/{world.document.pk}/fields", {"fields": {"a": "1"}}, if_match=tag)

    assert reply.status_code in {400, 412}
    assert FieldsVersion.objects.filter(document=world.document).count() == 1


@pytest.mark.parametrize("tag", ["*", '"1"', '"0", "1"', '"1","2"'])
def test_a_tag_that_matches(api, world, tag):
    assert api.patch(f"documents/{world.document.pk}/fields", {"fields": {"a": "1"}}, if_match=tag).status_code == 200


@pytest.mark.parametrize(
    "operation",
    [
        "text",
        {},
        {"op": "explode"},
        {"op": "replace"},
        {"op": "replace", "id": True},
        {"op": "replace", "schema_id": 7},
        {"op": "replace", "schema_id": "a", "extra": 1},
    ],
)
def test_a_wrong_operation_is_refused(api, world, operation):
    reply = api.patch(f"documents/{world.document.pk}/fields", {"operations": [operation]})

    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")


def test_an_operation_on_a_field_that_is_not_there_is_refused(api, world):
    operation = {"op": "replace", "schema_id": "nothing", "value": {"content": {"value": "1"}}}

    reply = api.patch(f"documents/{world.document.pk}/fields", {"operations": [operation]})

    assert (reply.status_code, reply.json()["code"]) == (422, "rejected")
    assert "the document has no field nothing" in reply.json()["detail"]


def test_the_versions_and_one_of_them(api, world):
    api.patch(f"documents/{world.document.pk}/fields", {"fields": {"document_id": "X"}, "version": 1, "why": "again"})

    listed = api.get(f"documents/{world.document.pk}/versions").json()["results"]
    first = api.get(f"documents/{world.document.pk}/versions/1").json()

    assert [(version["number"], version["why"]) for version in listed] == [(2, "again"), (1, "")]
    assert first["values"]["document_id"] == "INV-42"
    assert api.get(f"documents/{world.document.pk}/versions/9").status_code == 404


def test_review_confirm_export(api, world):
    document = worlds.document_of(world.queue, status=Status.TO_REVIEW)

    early = api.post(f"documents/{document.pk}/export")
    confirmed = api.post(f"documents/{document.pk}/confirm")
    exporting = api.post(f"documents/{document.pk}/export", {"why": "month end"})

    assert (early.status_code, early.json()["code"]) == (409, "refused")
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    attempt = Attempt.objects.get(document=document)
    assert exporting.status_code == 202
    assert exporting["Location"] == f"http://testserver/api/v1/attempts/{attempt.pk}"
    assert (attempt.state, attempt.trigger, attempt.why) == ("queued", "robot", "month end")
    assert api.get(f"documents/{document.pk}").json()["last_attempt"] == attempt.pk


def test_a_document_is_put_aside_and_taken_back(api, world):
    document = worlds.document_of(world.queue, status=Status.TO_REVIEW)
    path = f"documents/{document.pk}"

    states = [
        api.post(f"{path}/postpone", {"why": "waits for the contract"}).json()["status"],
        api.post(f"{path}/send_back").json()["status"],
        api.post(f"{path}/reject", {"why": "no invoice"}).json()["status"],
        api.post(f"{path}/send_back").json()["status"],
    ]
    gone = api.delete(f"{path}?why=twice")

    assert states == ["postponed", "to_review", "rejected", "to_review"]
    assert gone.status_code == 204
    assert api.get(path).json()["status"] == "deleted"


def test_a_robot_that_may_not_confirm_cannot_send_confirmed(world):
    viewer = worlds.caller("viewer")

    assert viewer.post("documents", {"queue": world.queue.pk, "external_id": "a"}).status_code == 403


def test_a_form_with_a_nul_character_is_refused(api, queue):
    reply = api.form("documents", {"queue": queue.pk, "external_id": "a\0b"})

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, "external_id")
