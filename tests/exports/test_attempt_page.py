"""An attempt's page offers what its document's page offers, in the same words."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests import builders, desk


@pytest.mark.parametrize(
    ("state", "reason"),
    [("failed", "rejected"), ("failed", "unconfirmed"), ("succeeded", ""), ("queued", ""), ("paused", "")],
)
def test_an_attempts_page_offers_what_its_documents_page_offers(organization, state, reason):
    queue = builders.queue("Invoices", pipeline=desk.pipeline())
    attempt = desk.attempt(desk.document(queue), state, reason, stage="Send")
    operator = Client()
    operator.force_login(builders.user(role="operator", organization=organization))

    def page(name: str, pk: int) -> str:
        return operator.get(reverse(f"admin:{name}", args=[pk])).content.decode()

    verbs = rf"/admin/exports/attempt/{attempt.pk}/(\w+)/\""

    of_attempt = set(re.findall(verbs, page("exports_attempt_change", attempt.pk)))
    of_document = set(re.findall(verbs, page("exports_document_change", attempt.document_id)))

    assert of_attempt - {"change"} == of_document - {"change"}
    assert of_attempt & {"requeue", "settle", "pause", "resume"}
