"""What search finds by: captured values and the words of replies; what is forgotten, and that no body is read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import scope
from exports import searching, sweep, transitions, versions
from exports.models import Document, FieldsVersion, FieldValue, ReplyText, SearchMark
from exports.predicate import Predicate
from pipelines import shapes
from tests import builders, desk

FIELDS = {
    "document_id": "INV-2026-0017",
    "sender_name": "Acme Paper Müller",
    "amount_total": "1250.40",
    "date_due": "2026-12-01",
    "line_items": [{"item_code": "PX-1", "item_total": "12.50"}, {"item_code": "PX-2", "item_total": "1237.90"}],
}


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


@pytest.fixture
def invoice(queue):
    made = builders.document(queue, FIELDS, external_id="mail/77", file_name="scan 9.pdf")
    searching.index_new()
    return made


def found(**params):
    return {row.external_id for row in Predicate.read({k.replace("__", "."): v for k, v in params.items()}).documents()}


def attempts(**params):
    return [row.pk for row in Predicate.read(params).attempts().order_by("pk")]


@pytest.mark.parametrize(
    "q",
    ["inv-2026", "INV-2026-0017", "0017", "acme", "paper mü", '"acme paper"', "PX-2", "1250.4", "2026-12-01",
     "mail/77", "77", "scan", "9.pdf", "SCAN 0017 muller"[:9]],
)  # fmt: skip
def test_a_document_is_found_by_the_beginning_of_any_of_its_values(invoice, q):
    assert found(q=q) == {"mail/77"}


@pytest.mark.parametrize(
    "q", ["aper", "inv-2027", '"paper acme"', "acme nobody", "a", "%", "_cme", "muller", "*", "acme*"]
)
def test_what_no_value_begins_with_is_not_found(invoice, q):
    assert found(q=q) == set()


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("sender_name", "acme paper müller", True),
        ("sender_name", "ACME  PAPER MÜLLER", True),
        ("sender_name", "acme", False),
        ("sender_name", "acme*", True),
        ("sender_name", "paper*", False),
        ("sender_name", "*", True),
        ("vendor", "*", False),
        ("amount_total", "1250.40", True),
        ("amount_total", "1000..1300", True),
        ("amount_total", "1250.40..1250.40", True),
        ("amount_total", "..1250.39", False),
        ("amount_total", "1250.41..", False),
        ("item_total", "1000..", True),
        ("item_code", "px-2", True),
        ("date_due", "2026-11-30..2026-12-01", True),
        ("date_due", "2026-12-02..", False),
        ("document_id", "1..9999", False),
        ("document_id", "a..b", False),
    ],
)  # fmt: skip
def test_a_field_is_asked_for_by_value_beginning_or_range(invoice, name, value, fits):
    assert found(**{f"field.{name}": value}) == ({"mail/77"} if fits else set())


def test_several_fields_must_all_fit(invoice):
    assert found(**{"field.sender_name": "acme*", "field.amount_total": "1250.40"}) == {"mail/77"}
    assert found(**{"field.sender_name": "acme*", "field.amount_total": "1"}) == set()


def test_new_fields_are_found_and_old_ones_no_more(invoice):
    locked = versions.lock(invoice)
    versions.add(locked, shapes.parse({"document_id": "INV-9"}), by=builders.owner(), why="corrected")

    assert found(q="INV-9") == {"mail/77"}
    assert found(q="acme") == set()
    assert not Document.objects.get().unindexed


def test_fields_that_stages_wrote_are_found_after_the_next_sweep(queue):
    document = builders.document(queue, FIELDS, status="exporting")
    searching.index_new()
    written = FieldsVersion.own(
        document=document, number=2, content=list(shapes.parse({"number": "ERP-5"}).sections), by="attempt:1"
    )
    written.save()

    with transaction.atomic():
        transitions.follow([(document.pk, document.organization_id, "exported", {"fields_id": written.pk})])
    before = found(q="ERP-5")
    sweep.run()

    assert before == set()
    assert found(q="ERP-5") == {document.external_id}


def test_a_documents_rows_are_bounded(queue):
    rows = [{"a": f"value {n}", "b": str(n)} for n in range(500)]
    builders.document(queue, {"lines": rows, "number": "last"})

    searching.index_new()

    assert FieldValue.objects.count() == searching.MOST_VALUES
    assert found(field__number="last") != set()


def replied(queue, number, reply, *, message="", status="failed", **values):
    made = desk.attempt(desk.document(queue, number), status, "rejected" if status == "failed" else "", message=message)
    desk.exchange(desk.run(made), reply=reply, status=422, **values)
    return made


def test_attempts_are_found_by_the_words_of_their_reply_and_message(queue):
    vat = replied(queue, "T-1", b'{"error": "VAT number DE-4711 is unknown to us"}', message="The ERP said no.")
    plain = replied(queue, "T-2", "Účet nenalezen: 8/15".encode(), status="succeeded")
    binary = replied(queue, "T-3", b"\0\1\2\xff", message="Something else")
    searching.index_new()

    assert attempts(reply="vat unknown") == attempts(reply="DE-47") == attempts(reply='"number de-4711"') == [vat.pk]
    assert attempts(reply="erp vat") == [vat.pk]
    assert attempts(reply="účet 8/15") == [plain.pk]
    assert attempts(reply="ucet") == attempts(reply='"4711 DE"') == attempts(reply='"unknown number"') == []
    assert attempts(reply="--") == attempts(reply='" *') == []
    assert attempts(reply="something") == [binary.pk]
    assert attempts(q="unknown") == attempts(q="T-1") == attempts(q="T-1 unknown") == [vat.pk]
    assert found(q="unknown") == {"T-1"}
    assert found(reply="nenalezen") == {"T-2"}
    assert found(q="T-2 unknown") == set()


def test_a_documents_search_reads_its_newest_reply_only(queue):
    first = replied(queue, "T-1", b"duplicate invoice")
    second = desk.attempt(first.document, "succeeded", number=2)
    desk.exchange(desk.run(second), reply=b"booked as 99")
    searching.index_new()

    assert found(q="duplicate") == set()
    assert found(q="booked") == {"T-1"}
    assert attempts(q="duplicate") == [first.pk]
    assert attempts(q="duplicate", last="1") == []


def test_replies_are_indexed_once_in_the_order_of_their_ends_and_late_ones_too(queue):
    ended = [replied(queue, f"T-{n}", b"no such vendor") for n in range(5)]
    for age, made in enumerate(ended):
        type(made).objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(days=age))
    running = desk.attempt(desk.document(queue, "T-9"), "running")

    rounds = [searching.index_replies(scope.current(), 2) for _ in range(4)]
    late = replied(queue, "T-10", b"late")
    type(late).objects.filter(pk=late.pk).update(
        finished_at=SearchMark.objects.get().replies_until - timedelta(seconds=9)
    )
    after = searching.index_replies(scope.current(), 2)

    assert (rounds, after) == ([2, 2, 1, 0], 1)
    assert ReplyText.objects.count() == 6
    assert not ReplyText.objects.filter(attempt=running).exists()


def test_what_is_forgotten_is_found_no_more_and_not_indexed_again(queue):
    gone = replied(queue, "T-1", b"no such vendor")
    kept = replied(queue, "T-2", b"no such vendor")
    searching.index_new()

    searching.forget([gone.document_id])
    Document.objects.filter(pk=gone.document_id).update(purged_at=timezone.now(), status="purged")
    again = searching.index_new()

    assert again == 0
    assert attempts(q="vendor") == [kept.pk]
    assert found(q="T-") == {"T-2"}
    assert not FieldValue.objects.filter(document=gone.document_id).exists()


def test_search_finds_nothing_of_another_organization(queue):
    replied(queue, "T-1", b"no such vendor")
    searching.index_new()

    with scope.to(builders.organization().pk):
        assert attempts(q="vendor") == attempts(reply="vendor") == attempts(q="T-1") == []
        assert found(q="T-1") == found(field__document_id="T-1") == set()
    assert found(field__document_id="T-1") == {"T-1"}


def test_a_query_reads_no_fields_no_bodies_and_no_replies(invoice):
    with CaptureQueriesContext(
        connection,
    ) as said:
        found(q="acme unknown", reply="vat", **{"field.amount_total": "1..2"})

    sql = " ".join(query["sql"] for query in said)
    assert "exports_fieldvalue" in sql
    assert not [table for table in ("exports_content", "exports_fieldsversion", "exports_exchange") if table in sql]
