"""What a queue's schema finds wrong with a document's values: beside the field in the admin, as findings in the API."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests import builders, desk


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


def page(document, **query: str) -> str:
    client = Client()
    client.force_login(builders.user(role="operator", organization=document.organization))
    return client.get(reverse("admin:exports_document_change", args=[document.pk]), query).content.decode()


def test_what_the_schema_finds_wrong_stands_beside_the_field(queue):
    rows = {"category": "multivalue", "id": "lines", "label": "Lines", "children": {
        "category": "tuple", "id": "line", "children": [{"category": "datapoint", "id": "total", "type": "number"}],
    }}  # fmt: skip
    currency = {"category": "datapoint", "id": "currency", "label": "Currency", "constraints": {"length": {"exact": 3}}}
    queue.schema = builders.schema("document_id", currency, rows)
    queue.save()
    fields = {"document_id": "INV-1", "currency": "<b>", "lines": [{"total": "1"}, {"total": "one"}]}
    wrong = builders.document(queue, {**fields, "currency": "<b>€"}, status="to_review")
    right = builders.document(queue, {**fields, "lines": []}, status="to_review")

    to_read, to_correct = page(wrong), page(wrong, tab="fields", edit="1")
    nothing = page(right)

    for said in (to_read, to_correct):
        assert said.count("Currency has 4 characters; exactly 3 are allowed.") == 1
        assert said.count("total: &quot;one&quot; is no number.") == 1
        assert said.count("desk-finding") == 2
    assert (to_read.count('aria-invalid="true"'), to_correct.count('aria-invalid="true"')) == (0, 2)
    assert "desk-finding" not in nothing
