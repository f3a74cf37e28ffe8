"""Documents in, corrected, confirmed, exported, put aside; and what each verb refuses."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.test import override_settings

from accounts.policy import GRANTS, Principal
from audit.models import Event
from exports import contents, documents
from exports.models import Attempt, Document, FieldsVersion
from exports.states import Status
from pipelines import publishing
from pipelines.blobs import Blob
from pipelines.errors import Rejected
from pipelines.fields import Operation
from pipelines.refusals import Refused, Stale
from tests import builders
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")

PDF = Blob.of(b"%PDF-1.7 original", name="inv.pdf", media_type="application/pdf")


def exporting_queue(**values):
    """A queue whose pipeline is published."""
    pipeline = builders.pipeline({"name": "Send", "kind": "send"})
    publishing.publish(pipeline, by=builders.owner())
    return builders.queue(pipeline=pipeline, **values)


def received(queue=None, **values):
    given = {"external_id": "INV-1", "fields": {"amount_total": "12.50", "lines": [{"qty": "1"}]}, **values}
    return documents.receive(queue or builders.queue(), by=builders.owner(), **given)


def put(document, status):
    Document.objects.filter(pk=document.pk).update(status=status)
    document.refresh_from_db()
    return document


# In


def test_a_document_comes_in_for_review():
    queue = builders.queue("AP")

    document, created = received(queue, original=PDF, metadata={"batch": "B7"})

    document.refresh_from_db()
    assert created
    assert (document.status, document.external_id, document.file_name) == (Status.TO_REVIEW, "INV-1", "inv.pdf")
    assert (document.media_type, document.metadata) == ("application/pdf", {"batch": "B7"})
    assert contents.blob(document.original).read() == b"%PDF-1.7 original"
    assert (document.fields.number, document.fields.by, document.fields.why) == (1, "waybill:test", "Received.")
    event = Event.objects.get(verb="document.receive")
    assert (event.subject, event.detail["external_id"]) == (f"document:{document.pk}", "INV-1")


def test_confirmed_waits_where_the_queue_has_a_confirmed_state():
    document, _ = received(exporting_queue(), confirmed=True)

    assert (document.status, document.automated) == (Status.CONFIRMED, True)
    assert document.confirmed_at is not None
    assert not Attempt.objects.exists()


def test_confirmed_exports_where_it_has_none():
    document, _ = received(exporting_queue(use_confirmed_state=False), confirmed=True)

    assert document.status == Status.EXPORTING
    assert document.confirmed_at is not None
    assert Attempt.objects.get().document == document


def test_confirmed_into_a_queue_that_cannot_export_brings_nothing_in():
    queue = builders.queue("AP", use_confirmed_state=False)

    with pytest.raises(Refused, match='The queue "AP" has no pipeline'):
        received(queue, confirmed=True, original=PDF)

    assert not Document.objects.exists()


def test_the_schema_shapes_the_fields():
    number = {"category": "datapoint", "id": "amount_total", "type": "number"}
    queue = builders.queue(schema=builders.schema(number, "supplier"))

    document, _ = received(queue, fields={"amount_total": "1 250,40"})

    (section,) = document.fields.content
    assert [(node["schema_id"], node["content"]["normalized_value"]) for node in section["children"]] == [
        ("amount_total", "1250.40"),
        ("supplier", None),
    ]


def test_without_an_external_id_the_original_is_the_id():
    queue = builders.queue()

    first, _ = received(queue, external_id="", original=PDF)
    again, created = received(queue, external_id="", original=PDF)

    assert first.external_id == PDF.sha256
    assert (again.pk, created) == (first.pk, False)


# Again


def test_the_same_document_again_changes_nothing():
    queue = builders.queue()
    first, _ = received(queue, original=PDF, metadata={"a": 1})
    events = Event.objects.count()

    again, created = received(queue, original=PDF, metadata={"a": 1})

    assert (again.pk, created) == (first.pk, False)
    assert (FieldsVersion.objects.count(), Event.objects.count()) == (1, events)


def test_what_people_corrected_is_not_undone_by_the_same_document_again():
    queue = builders.queue()
    document, _ = received(queue)
    documents.correct(document, by=builders.owner(), operations=[Operation.assign("amount_total", "13.00")])

    again, _ = received(queue)

    again.refresh_from_db()
    assert again.fields.number == 2
    assert again.fields.content[0]["children"][0]["content"]["value"] == "13.00"


def test_the_same_id_with_other_values_corrects_the_document():
    queue = builders.queue()
    document, _ = received(queue, original=PDF)
    scan = Blob.of(b"%PDF better scan", name="inv-2.pdf", media_type="application/pdf")

    again, created = received(queue, fields={"amount_total": "99.00"}, original=scan)

    again.refresh_from_db()
    assert (again.pk, created) == (document.pk, False)
    assert (again.fields.number, again.fields.why, again.file_name) == (2, "Received again, changed.", "inv-2.pdf")
    assert contents.blob(again.original).read() == b"%PDF better scan"
    assert Event.objects.get(verb="document.receive_again").detail == {
        "changed": ["amount_total", "lines", "the original"]
    }


@pytest.mark.parametrize("status", [Status.EXPORTING, Status.EXPORTED, Status.DELETED, Status.PURGED])
def test_a_change_of_what_is_on_its_way_or_there_is_refused(status):
    queue = builders.queue()
    document, _ = received(queue)
    put(document, status)

    with pytest.raises(Refused) as refused:
        received(queue, fields={"amount_total": "99.00", "lines": [{"qty": "1"}]})

    assert str(refused.value) == (
        f'Document "INV-1" is {status}, and came again with changes in amount_total. Send it back to review first, '
        "or send the change as a document with its own external id."
    )
    assert FieldsVersion.objects.count() == 1


def test_the_same_document_again_is_no_matter_while_it_is_exporting():
    queue = builders.queue()
    document, _ = received(queue)
    put(document, Status.EXPORTED)

    again, created = received(queue)

    assert (again.pk, created, again.status) == (document.pk, False, Status.EXPORTED)


def test_fields_left_out_the_second_time_are_left_alone():
    queue = builders.queue()
    received(queue)

    again, _ = received(queue, fields=None, original=PDF)

    again.refresh_from_db()
    assert (again.fields.number, again.file_name) == (1, "inv.pdf")


def test_two_queues_may_know_the_same_id():
    first, _ = received(builders.queue())

    second, created = received(builders.queue())

    assert created
    assert first.pk != second.pk


# What is refused on the way in


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"external_id": ""},
            "external_id: Give an external_id: without an original there is nothing else to know the document by.",
        ),
        ({"external_id": "x" * 201}, "external_id: The id has 201 characters; 200 are the most."),
        ({"external_id": "a\x00b"}, "external_id: The id holds a NUL character. Send it without."),
        ({"external_id": "a\nb"}, "external_id: The id holds a control character. Send it without."),
        ({"fields": "text"}, "content: The fields must be a list of sections, or one flat object."),
        (
            {"fields": {"a": {"b": 1}}},
            "field.a: A value must be text, a number, true, false or null; this is an object.",
        ),
        ({"fields": {"": "x"}}, "field.'': Every field has a name of 1 to 200 printable characters."),
        ({"fields": {"a": "x\x00"}}, "field.a: The value holds a NUL character. Send it without."),
        ({"fields": {"a": "\ud800"}}, "field.a: The value holds half a surrogate pair. Send it without."),
        ({"fields": {"a": "x" * 100_001}}, "field.a: The value has 100,001 characters; 100,000 are the most."),
        ({"fields": [{"category": "section"}]}, "content[0].schema_id: Every node names its field in schema_id."),
        ({"metadata": []}, "metadata: The metadata are a JSON object."),
        ({"metadata": {"a": "x" * 5000}}, "metadata: The metadata have 5,009 bytes; 4,096 are the most."),
        (
            {"metadata": {"a": float("nan")}},
            "metadata: The metadata are no JSON: Out of range float values are not JSON compliant.",
        ),
        ({"metadata": {"a": "\x00"}}, "metadata: This holds a NUL character. Send it without."),
        (
            {"original": Blob.of(b"")},
            "original: The file is empty. Send it again, or send the fields without an original.",
        ),
        (
            {"original": Blob.of(b"x", media_type="not a type")},
            'original.media_type: "not a type" is no media type. Send one such as application/pdf.',
        ),
    ],
)
def test_a_bad_document_is_told_what_is_wrong_and_where(given, told):
    with pytest.raises(Rejected) as rejected:
        received(**given)

    assert str(rejected.value) == told
    assert not Document.objects.exists()


@override_settings(MAX_ORIGINAL_BYTES=10)
def test_a_file_that_is_too_large_is_told_the_limit_and_its_setting():
    with pytest.raises(Rejected) as rejected:
        received(original=PDF)

    assert str(rejected.value) == "original: The file has 17 bytes; 10 are the most (WAYBILL_MAX_ORIGINAL_BYTES)."


@override_settings(INLINE_BYTES=4)
def test_a_refused_document_leaves_no_bytes_in_storage(tmp_path, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(tmp_path)}},
    }
    queue = builders.queue(use_confirmed_state=False)

    with pytest.raises(Refused):
        received(queue, confirmed=True, original=PDF)

    assert default_storage.location == str(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\scans\\inv.pdf", "inv.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\r\nc.pdf", "a b c.pdf"),
        ("  two  spaces .pdf ", "two spaces .pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("..", ""),
        ("u\u0308ber.pdf", "über.pdf"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_file_names_are_cleaned(given, kept):
    document, _ = received(original=Blob.of(b"x", name=given))

    assert document.file_name == kept


@pytest.mark.parametrize(
    ("declared", "name", "kept"),
    [
        ("application/octet-stream", "a.xml", "application/xml"),
        ("", "a.pdf", "application/pdf"),
        ("Text/Plain; charset=utf-8", "a.pdf", "text/plain"),
        ("", "a.unknown", "application/octet-stream"),
    ],
)
def test_media_types_are_kept_plain_and_guessed_where_nothing_was_declared(declared, name, kept):
    document, _ = received(original=Blob.of(b"x", name=name, media_type=declared))

    assert document.media_type == kept


def test_who_may_not_brings_nothing_in(organization):
    viewer = Principal("user:vera", organization.pk, GRANTS["viewer"])

    with pytest.raises(PermissionDenied):
        documents.receive(builders.queue(), by=viewer, external_id="1", fields={})

    assert not Document.objects.exists()


# Corrections


def test_a_correction_is_a_new_version():
    document, _ = received()

    made = documents.correct(
        document,
        by=builders.owner(),
        why="typing error",
        version=1,
        operations=[Operation.assign("amount_total", "13.00")],
    )

    document.refresh_from_db()
    assert (document.fields, made.number, made.why) == (made, 2, "typing error")
    assert FieldsVersion.objects.get(number=1).content[0]["children"][0]["content"]["value"] == "12.50"
    event = Event.objects.get(verb="document.correct")
    assert (event.why, event.detail) == ("typing error", {"version": 2, "fields": ["amount_total"]})


def test_a_correction_that_changes_nothing_makes_no_version():
    document, _ = received()

    kept = documents.correct(document, by=builders.owner(), operations=[Operation.assign("amount_total", "12.50")])

    assert kept.number == 1
    assert FieldsVersion.objects.count() == 1


def test_a_correction_of_what_somebody_else_changed_is_stale():
    document, _ = received()
    documents.correct(document, by=builders.owner(), operations=[Operation.assign("amount_total", "13.00")])

    with pytest.raises(Stale, match="The fields were changed since version 1, last by waybill:test at "):
        documents.correct(document, by=builders.owner(), version=1, operations=[Operation.assign("amount_total", "14")])

    assert FieldsVersion.objects.count() == 2


def test_of_a_correction_with_one_bad_operation_nothing_is_kept():
    document, _ = received()

    with pytest.raises(Rejected, match="replace: the document has no field amout_total"):
        documents.correct(
            document,
            by=builders.owner(),
            operations=[Operation.assign("amount_total", "13.00"), Operation.assign("amout_total", "1")],
        )

    assert FieldsVersion.objects.count() == 1


@pytest.mark.parametrize("status", [Status.EXPORTING, Status.EXPORTED, Status.DELETED])
def test_nothing_is_corrected_under_way_or_there(status):
    document, _ = received()
    put(document, status)

    with pytest.raises(Refused) as refused:
        documents.correct(document, by=builders.owner(), fields={"amount_total": "1"})

    assert str(refused.value) == f'Document "INV-1" is {status}. Send it back to review before it is corrected.'


# Statuses


def test_confirming_waits_for_the_export_to_be_asked_for():
    document, _ = received(exporting_queue())

    documents.confirm(document, by=builders.owner())
    documents.confirm(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.CONFIRMED
    assert Event.objects.filter(verb="document.confirm").count() == 1
    assert not Attempt.objects.exists()


def test_confirming_exports_where_there_is_no_confirmed_state():
    document, _ = received(exporting_queue(use_confirmed_state=False))

    first = documents.confirm(document, by=builders.owner())
    again = documents.confirm(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.EXPORTING
    assert first == again == Attempt.objects.get()


def test_who_may_confirm_exports_where_that_is_what_confirming_does(organization):
    document, _ = received(exporting_queue(use_confirmed_state=False))
    clerk = Principal("user:carl", organization.pk, frozenset({"exports.confirm_document"}))

    attempt = documents.confirm(document, by=clerk)

    assert attempt.requested_by == "user:carl"


def test_a_confirmed_document_is_exported_when_asked_for_once():
    document, _ = received(exporting_queue(), confirmed=True)

    first = documents.ask_export(document, by=builders.owner(), trigger="robot")
    again = documents.ask_export(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.EXPORTING
    assert first == again == Attempt.objects.get()
    assert first.trigger == "robot"


def test_what_is_in_review_is_not_exported():
    document, _ = received(exporting_queue())

    with pytest.raises(Refused, match='Document "INV-1" is in review. Confirm it first.'):
        documents.ask_export(document, by=builders.owner())

    assert not Attempt.objects.exists()


def test_a_failed_export_is_re_queued_and_not_begun_anew():
    document, _ = received(exporting_queue(), confirmed=True)
    documents.ask_export(document, by=builders.owner())
    put(document, Status.FAILED_EXPORT)

    with pytest.raises(Refused, match="has failed. Re-queue its last attempt, with a reason."):
        documents.ask_export(document, by=builders.owner())


@pytest.mark.parametrize(
    ("verb", "start", "end"),
    [
        (documents.postpone, Status.TO_REVIEW, Status.POSTPONED),
        (documents.postpone, Status.CONFIRMED, Status.POSTPONED),
        (documents.reject, Status.REVIEWING, Status.REJECTED),
        (documents.send_back, Status.FAILED_EXPORT, Status.TO_REVIEW),
        (documents.send_back, Status.EXPORTED, Status.TO_REVIEW),
        (documents.send_back, Status.DELETED, Status.TO_REVIEW),
        (documents.delete, Status.EXPORTED, Status.DELETED),
        (documents.delete, Status.DELETED, Status.DELETED),
    ],
)
def test_documents_are_put_aside_and_taken_up(verb, start, end):
    document, _ = received()
    put(document, start)

    moved = verb(document, by=builders.owner(), why="because")

    assert moved.status == end
    assert Event.objects.filter(subject=f"document:{document.pk}", why="because").count() == (start != end)


@pytest.mark.parametrize(
    ("verb", "status", "told"),
    [
        (
            documents.postpone,
            Status.EXPORTED,
            'Document "INV-1" is exported; only what is confirmed or reviewing or to review can be postponed.',
        ),
        (
            documents.reject,
            Status.EXPORTING,
            'Document "INV-1" is exporting; only what is reviewing or to review can be rejected.',
        ),
        (
            documents.confirm,
            Status.FAILED_EXPORT,
            'Document "INV-1" is failed export; only what is reviewing or to review can be confirmed.',
        ),
    ],
)
def test_what_stands_elsewhere_is_not_moved(verb, status, told):
    document, _ = received()
    put(document, status)

    with pytest.raises(Refused) as refused:
        verb(document, by=builders.owner())

    document.refresh_from_db()
    assert str(refused.value) == told
    assert document.status == status


@pytest.mark.parametrize("verb", [documents.send_back, documents.delete])
def test_nothing_is_taken_away_from_a_running_export(verb):
    document, _ = received()
    put(document, Status.EXPORTING)

    with pytest.raises(Refused):
        verb(document, by=builders.owner())

    document.refresh_from_db()
    assert document.status == Status.EXPORTING
