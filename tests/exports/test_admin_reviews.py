"""The desk's buttons for reviews, restoring and purging, and what a purged document's pages still show."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from exports import documents
from exports.models import Attachment, Document
from exports.states import Status
from tests import builders, desk
from tests.exports.received import put


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def person(organization, name, role="operator"):
    client = Client()
    client.force_login(builders.user(name, role=role, organization=organization))
    return client


def page(client, row, kind="document"):
    return client.get(reverse(f"admin:exports_{kind}_change", args=[row.pk])).content.decode()


def press(client, action, document, **given):
    return client.post(reverse(f"admin:exports_document_{action}", args=[document.pk]), given, follow=True)


def said(response):
    return " ".join(str(message) for message in response.context["messages"])


def test_opening_for_correction_starts_the_review_and_others_are_told(organization, queue):
    document = desk.document(queue, status="to_review")
    anna, ben = person(organization, "anna"), person(organization, "ben")

    opened = press(anna, "start_review", document)

    assert opened.redirect_chain[-1][0].endswith(f"/{document.pk}/change/?tab=fields&edit=1#chosen")
    document.refresh_from_db()
    assert (document.status, document.reviewer) == (Status.REVIEWING, "user:anna")
    hers = opened.content.decode()
    his = ben.get(reverse("admin:exports_document_change", args=[document.pk]), {"edit": "1"}).content.decode()
    assert "You are reviewing it; that began <time" in hers
    assert 'id="fields-form"' in hers
    assert 'action="../cancel_review/"' in hers
    assert "<strong>anna</strong> is reviewing it; that began <time" in his
    assert 'id="fields-form"' not in his
    assert "anna has it in review: take it over first." in his
    for action in ("confirm", "postpone", "reject", "remove", "send_back"):
        assert f'action="../{action}/"' not in his


def test_another_person_takes_a_review_over_only_by_its_own_button(organization, queue):
    document = desk.document(queue, status="to_review")
    anna, ben = person(organization, "anna"), person(organization, "ben")
    press(anna, "start_review", document)

    refused = press(ben, "start_review", document)
    confirmed = press(ben, "confirm", document)
    ben.get(reverse("admin:exports_document_start_review", args=[document.pk]), {"take_over": "yes"})
    assert Document.objects.get().reviewer == "user:anna"
    taken = press(ben, "start_review", document, take_over="yes")

    assert "anna has been reviewing it since" in said(refused)
    assert "Take the review over first" in said(confirmed)
    assert "You have INV-1 in review." in said(taken)
    assert Document.objects.get().reviewer == "user:ben"


def test_leaving_a_review_leads_back(organization, queue):
    document = desk.document(queue, status="postponed")
    anna = person(organization, "anna")
    press(anna, "start_review", document)

    left = press(anna, "cancel_review", document)

    assert "You have left the review of INV-1." in said(left)
    assert Document.objects.get().status == Status.POSTPONED


def test_a_viewer_sees_who_reviews_and_has_no_button(organization, queue):
    document = desk.document(queue, status="to_review")
    press(person(organization, "anna"), "start_review", document)

    shown = page(person(organization, "vera", role="viewer"), document)

    assert "<strong>anna</strong> is reviewing it; that began <time" in shown
    assert 'action="../start_review/"' not in shown


def test_a_deleted_document_can_be_restored_and_by_an_owner_purged(organization, queue):
    document = put(desk.document(queue), Status.DELETED)
    owner, integrator = person(organization, "olga", "owner"), person(organization, "ines", "integrator")

    for_integrator, for_owner = page(integrator, document), page(owner, document)
    press(integrator, "restore", document, why="no duplicate")

    assert 'action="../restore/"' in for_integrator
    assert 'action="../purge/"' not in for_integrator
    assert 'action="../purge/"' in for_owner
    assert Document.objects.get().status == Status.TO_REVIEW


@pytest.mark.parametrize("role", ["operator", "integrator"])
def test_who_is_no_owner_and_posts_a_purge_anyway_is_refused(organization, queue, role):
    document = put(desk.document(queue), Status.DELETED)

    response = press(person(organization, "x", role), "purge", document, why="I may not")

    assert response.status_code == 403
    assert Document.objects.get().status == Status.DELETED


def test_a_purged_documents_pages_open_and_say_what_is_gone_since_when(organization, queue):
    document = desk.document(queue, file_name="secret name.pdf")
    attempt = desk.attempt(document, "failed", "rejected", message="Jane Doe is blocked", stage="Send")
    run = desk.run(attempt, state="failed", note="Jane Doe is blocked")
    exchange = desk.exchange(run, sent=b"x" * 2104, reply=b"Jane Doe is blocked", status=422)
    artifact = desk.artifact(run, "out", b"Jane Doe")
    Attachment.own(document=document, key="out", artifact=artifact).save()
    Document.objects.update(original=artifact.content)
    documents.delete(document, by=builders.owner())
    owner = person(organization, "olga", "owner")

    done = press(owner, "purge", document, why="asked for, ticket 88")
    of_document, of_attempt = page(owner, document), page(owner, attempt, "attempt")
    listed = owner.get(reverse("admin:exports_document_changelist"), {"tab": "purged"}).content.decode()
    everything = owner.get(reverse("admin:exports_document_changelist")).content.decode()
    downloads = [
        owner.get(reverse(f"admin:exports_{name}", args=args))
        for name, args in (
            ("document_original", [document.pk]),
            ("attempt_body", [exchange.pk, "request"]),
            ("attempt_body", [exchange.pk, "reply"]),
            ("attempt_artifact", [artifact.pk]),
        )
    ]

    assert "INV-1 is purged: its content is gone for good." in said(done)
    assert "by user:olga: “asked for, ticket 88”" in of_document
    assert "The original was purged <time" in of_document
    assert "panel-correct" not in of_document
    assert (
        "The request&#x27;s body was purged <time" in of_attempt or "The request's body was purged <time" in of_attempt
    )
    assert f"2,104 bytes, sha256 {exchange.request_content.sha256}." in of_attempt
    assert "422" in of_attempt
    for shown in (of_document, of_attempt):
        assert "Jane Doe" not in shown
        assert "secret name" not in shown
        assert "/original/" not in shown.partition("<main")[2].replace("original/?", "")
    assert "INV-1" in listed
    assert "INV-1" not in everything.partition("result_list")[2]
    assert [reply.status_code for reply in downloads] == [410] * 4
    assert f"sha256 {artifact.sha256}" in downloads[3].content.decode()
