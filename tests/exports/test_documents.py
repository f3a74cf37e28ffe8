"""Documents corrected, confirmed, exported, put aside; and what each verb refuses."""

from __future__ import annotations

import pytest

from accounts.policy import Principal
from audit.models import Event
from exports import documents
from exports.models import Attempt, FieldsVersion
from exports.states import Status
from pipelines.errors import Rejected
from pipelines.fields import Operation
from pipelines.refusals import Refused, Stale
from tests import builders
from tests.exports.received import exporting_queue, put, received
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")

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
