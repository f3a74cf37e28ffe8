"""What a list says of how many rows free text finds: exact up to a limit, and honest above it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports import searching
from exports.admin.lists import counting
from exports.models import Attempt, Document, ListChoice
from exports.predicate import Predicate
from tests import builders, desk
from tests.lists import ATTEMPTS, DOCUMENTS, rows, shown, signed_in, total, walked

SAID = "Supplier 7 is unknown."


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline(), schema=builders.schema("document_id", "sender_name"))


@pytest.fixture
def olga(organization):
    return builders.user("olga", role="operator", organization=organization)


@pytest.fixture
def operator(olga):
    return signed_in(olga)


def failed(queue, count, message=SAID, name="INV"):
    made = []
    for number in range(count):
        document = desk.document(queue, f"{name}-{number}")
        made.append(desk.attempt(document, "failed", "rejected", message=message))
    searching.index_new(1000)
    return made


@pytest.mark.parametrize("q", ["unknown", "supplier unknown", 'inv "7 is" unknown'])
@pytest.mark.parametrize("name", [ATTEMPTS, DOCUMENTS])
def test_up_to_the_limit_the_figure_is_exact(operator, queue, monkeypatch, name, q):
    monkeypatch.setattr(counting, "MOST", 12)
    failed(queue, 12)
    failed(queue, 3, message="The amount does not match.", name="ORD")

    html = shown(operator, name, q=q)

    assert total(html) == 12
    assert len(rows(html)) == 12
    assert "more than" not in html
    assert re.search(r'aria-current="page">All<span class="desk-count">12</span>', html)


@pytest.mark.parametrize("q", ["unknown", "supplier unknown", 'inv "7 is" unknown'])
@pytest.mark.parametrize("name", [ATTEMPTS, DOCUMENTS])
def test_above_the_limit_the_list_says_more_than_and_its_pages_still_hold_every_row(
    operator, queue, monkeypatch, name, q
):
    monkeypatch.setattr(counting, "MOST", 30)
    made = failed(queue, 70)
    ids = [row.pk if name == ATTEMPTS else row.document_id for row in made]

    html = shown(operator, name, q=q, per="25")

    assert f"more than {total(html)} " in html
    assert re.search(r'All<span class="desk-count">\d+\+</span>', html)
    assert f"All {total(html)} " not in html  # the bulk action and the file are of all that match
    assert walked(operator, name, q=q, per="25") == sorted(ids, reverse=True)
    assert Predicate.read({"q": q}).attempts().count() == 70


def test_words_that_seldom_meet_are_looked_for_everywhere(operator, queue, monkeypatch):
    monkeypatch.setattr(counting, "MOST", 10)
    meeting = failed(queue, 2, message="Cost centre unknown", name="OLD")
    failed(queue, 20)
    failed(queue, 20, message="The centre is closed.", name="NEW")

    html = shown(operator, ATTEMPTS, q="centre unknown")

    assert rows(html) == [row.pk for row in reversed(meeting)]
    assert total(html) == 2
    assert "more than" not in html


def test_tabs_of_what_free_text_finds_count_under_the_other_filters(operator, queue):
    failed(queue, 4)
    Attempt.objects.filter(document__external_id="INV-0").update(state="succeeded", reason="")
    Document.objects.filter(external_id="INV-0").update(status="exported")
    Document.objects.filter(external_id="INV-1").update(status="deleted")

    attempts = shown(operator, ATTEMPTS, q="supplier unknown", state="failed")
    documents = shown(operator, DOCUMENTS, q="supplier unknown", tab="failed")

    assert total(attempts) == len(rows(attempts)) == 3
    assert re.search(r'Succeeded<span class="desk-count">1</span>', attempts)
    assert total(documents) == len(rows(documents)) == 2
    assert "Deleted (1)" in documents


@pytest.mark.parametrize(("name", "page"), [(DOCUMENTS, "documents"), (ATTEMPTS, "attempts")])
def test_several_words_are_looked_up_in_at_most_twenty_questions(olga, operator, queue, name, page):
    columns = ["document", "status", "number", "amount", "due", "reason", "reply", "risk", "assignee", "pipeline"]
    ListChoice.own(page=page, user=olga, columns=columns).save()
    failed(queue, 40)

    with CaptureQueriesContext(connection) as said:
        html = shown(operator, name, q="supplier unknown inv is", queue=str(queue.pk), since="7d")

    assert total(html) == 40
    assert len(said) <= 20
