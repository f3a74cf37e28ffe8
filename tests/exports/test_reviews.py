"""A document in one person's hands: started, left, taken over, ended by time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.utils import timezone

from accounts.policy import GRANTS, Principal
from audit.models import Event
from exports import documents, reviews
from exports.models import Document
from exports.states import Status
from pipelines.fields import Operation
from pipelines.refusals import Refused
from tests.exports.received import exporting_queue, put, received
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("organization", "tiny_kinds")


def person(name, organization, role="operator"):
    return Principal(f"user:{name}", organization.pk, GRANTS[role])


@pytest.fixture
def anna(organization):
    return person("anna", organization)


@pytest.fixture
def ben(organization):
    return person("ben", organization)


def verbs(document):
    found = Event.objects.filter(subject=f"document:{document.pk}").order_by("id")
    return [(verb.partition(".")[2], actor) for verb, actor in found.values_list("verb", "actor")][1:]


@pytest.mark.parametrize("status", [Status.TO_REVIEW, Status.POSTPONED, Status.CONFIRMED])
def test_a_review_says_who_has_it_and_leaving_it_leads_back(anna, status):
    document, _ = received(exporting_queue())
    confirmed_at = timezone.now() - timedelta(days=1)
    put(document, status)
    Document.objects.update(confirmed_at=confirmed_at)

    begun = documents.start_review(document, by=anna)
    assert (begun.status, begun.reviewer, begun.reviewed_from) == (Status.REVIEWING, "user:anna", status)
    assert timezone.now() - begun.review_began_at < timedelta(seconds=5)

    left = documents.cancel_review(document, by=anna)
    assert (left.status, left.reviewer, left.review_began_at, left.reviewed_from) == (status, "", None, "")
    assert left.confirmed_at == confirmed_at
    assert verbs(document) == [("start_review", "user:anna"), ("cancel_review", "user:anna")]


def test_starting_and_leaving_twice_is_doing_it_once(anna):
    document, _ = received()

    first = documents.start_review(document, by=anna)
    again = documents.start_review(document, by=anna)
    documents.cancel_review(document, by=anna)
    left = documents.cancel_review(document, by=anna)

    assert again.review_began_at == first.review_began_at
    assert left.status == Status.TO_REVIEW
    assert verbs(document) == [("start_review", "user:anna"), ("cancel_review", "user:anna")]


@pytest.mark.parametrize(
    "verb",
    [
        documents.start_review, documents.cancel_review, documents.confirm, documents.postpone, documents.reject,
        documents.send_back, documents.delete,
        lambda document, *, by: documents.correct(
            document, by=by, operations=[Operation.assign("amount_total", "13.00")]
        ),
    ],
    ids=["start", "cancel", "confirm", "postpone", "reject", "send_back", "delete", "correct"],
)  # fmt: skip
def test_what_one_person_reviews_nobody_else_moves_or_corrects(anna, organization, verb):
    document, _ = received()
    Document.objects.update(review_began_at=documents.start_review(document, by=anna).review_began_at)
    at = timezone.now().replace(hour=10, minute=2)
    Document.objects.update(review_began_at=at)

    with pytest.raises(Refused) as refused:
        verb(document, by=person("ben", organization, role="integrator"))

    document.refresh_from_db()
    assert str(refused.value) == (
        f"anna has been reviewing it since {at:%Y-%m-%d} 10:02 UTC. Take the review over first, or wait until it ends."
    )
    assert (document.status, document.reviewer, document.fields.number) == (Status.REVIEWING, "user:anna", 1)


def test_a_review_is_taken_over_when_that_is_said(anna, ben):
    document, _ = received()
    put(document, Status.POSTPONED)
    documents.start_review(document, by=anna)

    taken = documents.start_review(document, by=ben, take_over=True)

    assert (taken.status, taken.reviewer, taken.reviewed_from) == (Status.REVIEWING, "user:ben", Status.POSTPONED)
    assert verbs(document) == [("start_review", "user:anna"), ("take_over_review", "user:ben")]
    with pytest.raises(Refused, match="ben has been reviewing it since"):
        documents.correct(document, by=anna, operations=[Operation.assign("amount_total", "13.00")])


@pytest.mark.parametrize(
    ("verb", "end"),
    [
        (documents.confirm, Status.CONFIRMED),
        (documents.postpone, Status.POSTPONED),
        (documents.reject, Status.REJECTED),
        (documents.send_back, Status.TO_REVIEW),
    ],
)
def test_confirming_and_putting_aside_ends_the_review(anna, verb, end):
    document, _ = received(exporting_queue())
    documents.start_review(document, by=anna)

    verb(document, by=anna)

    document.refresh_from_db()
    assert (document.status, document.reviewer, document.review_began_at) == (end, "", None)


def test_confirming_ends_the_review_where_it_exports_at_once(anna):
    document, _ = received(exporting_queue(use_confirmed_state=False))
    documents.start_review(document, by=anna)

    documents.confirm(document, by=anna)

    document.refresh_from_db()
    assert (document.status, document.reviewer) == (Status.EXPORTING, "")


@pytest.mark.parametrize("status", [Status.EXPORTING, Status.EXPORTED, Status.FAILED_EXPORT, Status.DELETED])
def test_what_stands_elsewhere_is_not_reviewed(anna, status):
    document, _ = received()
    put(document, status)

    with pytest.raises(Refused, match="only what is confirmed or postponed or to review can be reviewed"):
        documents.start_review(document, by=anna)
    with pytest.raises(Refused, match="and in nobody's review"):
        documents.cancel_review(document, by=anna)

    document.refresh_from_db()
    assert document.status == status


def test_a_review_left_lying_for_an_hour_ends_by_itself(anna):
    lying, _ = received(external_id="lying")
    busy, _ = received(external_id="busy")
    hour = timedelta(minutes=61)
    for document in (lying, busy):
        documents.start_review(document, by=anna)
    Document.objects.update(review_began_at=F("review_began_at") - hour, modified_at=F("modified_at") - hour)
    documents.correct(busy, by=anna, operations=[Operation.assign("amount_total", "13.00")])

    ended = reviews.time_out(timezone.now())

    for document in (lying, busy):
        document.refresh_from_db()
    assert ended == 1
    assert (lying.status, lying.reviewer) == (Status.TO_REVIEW, "")
    assert (busy.status, busy.reviewer) == (Status.REVIEWING, "user:anna")
    assert verbs(lying)[-1] == ("time_out_review", "waybill:sweep")


@pytest.mark.parametrize("verb", [documents.start_review, documents.cancel_review])
def test_a_viewer_reviews_nothing(organization, verb):
    document, _ = received()

    with pytest.raises(PermissionDenied, match=r"exports\.change_document"):
        verb(document, by=person("vera", organization, role="viewer"))
