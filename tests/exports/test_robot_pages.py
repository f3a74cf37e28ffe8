"""What the desk shows of an export that an outside robot did: its request, our reply, its reason, and the way back."""

from __future__ import annotations

import html

import pytest
from django.test import Client
from django.urls import reverse

from accounts import scope
from accounts.policy import GRANTS, Principal
from exports import attempts, robots
from exports.models import Attempt, Document
from exports.robots import RobotRequest
from exports.states import Status
from tests import builders, desk

REQUEST = RobotRequest(
    "PATCH",
    "https://waybill.example/rossum/api/v1/annotations/7",
    headers=[("Authorization", "Bearer s3cret"), ("User-Agent", "robot/1")],
    body=b'{"status": "failed_export"}',
    reply=b'{"id": 7, "status": "failed_export"}',
)


@pytest.fixture
def clerk(organization):
    client = Client()
    client.force_login(builders.user(role="operator", organization=organization))
    return client


@pytest.fixture
def refused(organization):
    document = builders.document(builders.queue("Invoices"), {"number": "7"})
    by = Principal("key:erp-robot", scope.current(), GRANTS["operator"])
    return robots.refused(document, by=by, protocol="Rossum", request=REQUEST, message="No supplier 4711.")


def page(client, name, pk=None):
    reply = client.get(reverse(f"admin:exports_{name}", args=[pk] if pk else []))
    assert reply.status_code == 200
    return html.unescape(reply.content.decode())


def test_the_attempts_page_shows_the_robots_request_our_reply_and_its_reason(clerk, refused):
    shown = page(clerk, "attempt_change", refused.pk)

    assert "No supplier 4711." in shown
    assert "from a robot" in shown
    assert "/rossum/api/v1/annotations/7" in shown
    assert '"status": "failed_export"' in shown
    assert "s3cret" not in shown
    assert attempts.BY_A_ROBOT in shown  # in the place of a re-queue that could only be refused


def test_the_documents_page_and_the_list_show_the_red_mark_and_the_way_back(clerk, refused):
    shown = page(clerk, "document_change", refused.document_id)
    listed = page(clerk, "document_changelist")

    assert "No supplier 4711." in shown
    assert attempts.BY_A_ROBOT in shown
    assert "Send back to review" in shown
    assert "No supplier 4711." in listed


def test_the_arrow_takes_it_back_to_review(clerk, refused):
    reply = clerk.post(reverse("admin:exports_document_send_back", args=[refused.document_id]), {"why": "corrected"})

    assert reply.status_code in {200, 302}
    assert Document.objects.get().status == Status.TO_REVIEW


def test_a_requeue_that_is_asked_for_anyway_is_refused_in_words(clerk, refused):
    address = reverse("admin:exports_attempt_requeue", args=[refused.pk])

    shown = [clerk.post(address, {"why": "again", "revision": way}, follow=True) for way in ("", "sent")]

    assert all(attempts.BY_A_ROBOT in html.unescape(reply.content.decode()) for reply in shown)
    assert Attempt.objects.count() == 1


def test_the_queues_own_pipeline_is_offered_where_there_is_one(clerk, refused):
    queue = refused.document.queue
    queue.pipeline = desk.pipeline()
    queue.save()

    assert attempts.BY_A_ROBOT not in page(clerk, "attempt_change", refused.pk)
