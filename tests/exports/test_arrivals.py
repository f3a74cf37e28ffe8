"""Documents coming in: new, again, and changed."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from accounts import scope
from audit.models import Event
from exports import contents, documents
from exports.models import Attempt, Document, FieldsVersion
from exports.states import Status
from pipelines.blobs import Blob
from pipelines.fields import Content, Operation
from pipelines.refusals import Refused
from tests import builders
from tests.exports.received import PDF, exporting_queue, put, received
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")

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


def test_a_change_leaves_alone_what_people_and_stages_wrote_since():
    queue = builders.queue()
    document, _ = received(queue, fields={"amount": "1", "supplier": "Acme", "lines": [{"qty": "1"}], "old": "x"})
    corrected = {"amount": "1", "supplier": "ACME Ltd", "erp_id": "77", "lines": [{"qty": "1"}], "old": "x"}
    documents.correct(document, by=builders.owner(), fields=corrected)
    changed = {"amount": "2", "supplier": "Acme", "lines": [{"qty": "1"}, {"qty": "2"}], "new": "y"}

    again, _ = received(queue, fields=changed)
    events = Event.objects.count()
    received(queue, fields=changed)

    again.refresh_from_db()
    content = Content(again.fields.content)
    assert content.values == {
        "amount": "2", "supplier": "ACME Ltd", "erp_id": "77", "lines": [{"qty": "1"}, {"qty": "2"}], "new": "y"
    }  # fmt: skip
    ids = [node["id"] for node in content.nodes()]
    assert len(set(ids)) == len(ids)
    assert [version.why for version in FieldsVersion.objects.order_by("number")] == [
        "Received.", "", "Received again, changed.", "What was corrected or written since stays."
    ]  # fmt: skip
    assert Event.objects.count() == events


@pytest.mark.parametrize("status", [Status.EXPORTING, Status.EXPORTED, Status.DELETED])
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


@pytest.mark.django_db(transaction=True)
def test_of_many_senders_of_one_document_at_once_one_brings_it_in(organization):
    queue = builders.queue()
    start = threading.Barrier(6)
    created = []

    def send():
        with scope.to(organization.pk):
            start.wait()
            created.append(received(queue, original=PDF)[1])
        connection.close()

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sorted(created) == [False] * 5 + [True]
    assert (Document.objects.count(), FieldsVersion.objects.count()) == (1, 1)
    assert Event.objects.filter(verb="document.receive").count() == 1
