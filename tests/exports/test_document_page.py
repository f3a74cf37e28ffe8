"""A document's page as the server writes it: bounded queries, hostile bodies as text, actions that say why not."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Event
from exports import inquiry
from exports.models import Attempt, Document, Exchange
from exports.states import State, Status
from pipelines import publishing
from pipelines.models import Destination
from tests import builders, desk

HOSTILE = b'{"a": "<script>alert(1)</script>]]><!--", "b": "\\u202egnp.exe", "c": "<img src=x onerror=alert(2)>"}'


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


@pytest.fixture
def clerk(organization) -> Client:
    return signed_in(organization, "operator")


def signed_in(organization, role: str) -> Client:
    client = Client()
    client.force_login(builders.user(role=role, organization=organization))
    return client


def many(queue, number: int) -> Document:
    document = desk.document(queue)
    for index in range(1, number + 1):
        attempt = desk.attempt(document, "failed", "rejected", number=index, stage="Send", message=f"No {index}.")
        run = desk.run(attempt, state="failed")
        desk.exchange(run, sent=HOSTILE, reply=HOSTILE, status=422, timings={"dns": 1, "total": 9})
    return document


def page(client: Client, name: str, pk: int, **query) -> str:
    response = client.get(reverse(f"admin:exports_{name}", args=[pk]), query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


@pytest.mark.parametrize("tab", ["fields", "sent", "reply", "revision", "audit", "versions", "files"])
def test_a_page_asks_the_same_few_questions_with_two_hundred_attempts(organization, queue, clerk, tab):
    def asked(number: int) -> list[str]:
        document = many(queue, number) if number == 3 else Document.objects.get()
        with CaptureQueriesContext(connection) as queries:
            page(clerk, "document_change", document.pk, tab=tab)
        return [query["sql"] for query in queries]

    few = asked(3)
    document = Document.objects.get()
    for index in range(4, 201):
        attempt = desk.attempt(document, "failed", "rejected", number=index, stage="Send")
        desk.exchange(desk.run(attempt, state="failed"), status=422)
    many_asked = asked(200)

    assert len(many_asked) <= 20, "\n".join(many_asked)
    assert len(many_asked) <= len(few) + 1
    if tab not in {"sent", "reply"}:
        assert [sql for sql in many_asked if "inline" in sql and "original" not in sql] == []


def test_the_timeline_is_paged_and_opens_where_the_chosen_attempt_is(queue, clerk):
    document = many(queue, 25)

    newest = page(clerk, "document_change", document.pk)
    old = page(clerk, "document_change", document.pk, attempt=3)

    shown = re.compile(r">Attempt (\d+)</a>")
    assert [int(number) for number in shown.findall(newest)] == list(range(25, 15, -1))
    assert 3 in [int(number) for number in shown.findall(old)]
    assert "Newer</a>" in old
    assert "Older</a>" in newest


@pytest.mark.parametrize("tab", ["sent", "reply"])
def test_a_hostile_body_is_shown_as_text(queue, clerk, tab):
    html = page(clerk, "document_change", many(queue, 1).pk, tab=tab)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;" in html
    assert "<script>alert(1)" not in html
    assert "<img src=x" not in html


def test_a_hostile_body_is_compared_and_rendered_as_text(queue, clerk):
    document = many(queue, 2)
    last = Attempt.objects.get(number=2)
    row = Exchange.objects.get(attempt=last)
    other = desk._kept(HOSTILE.replace(b"alert(1)", b"alert(9)"), row.run)
    Exchange.objects.filter(pk=row.pk).update(
        request_content=other, request_headers=[["X", "<script>alert(3)</script>"]]
    )

    compared = page(clerk, "attempt_compare", last.pk, all="on")
    command = clerk.get(reverse("admin:exports_attempt_curl", args=[row.pk])).content.decode()

    for html in (compared, command):
        assert not re.search(r"<script>alert|<img src=x", html)
    assert "alert(" in compared
    assert Document.objects.get() == document


@pytest.mark.parametrize("wanted", ["previous", "success", "999999", "nonsense", ""])
def test_with_nothing_to_compare_the_page_says_so(queue, clerk, wanted):
    many(queue, 1)

    html = page(clerk, "attempt_compare", Attempt.objects.get().pk, **{"with": wanted})

    assert "There is nothing to compare it with" in html


def test_an_attempt_is_compared_with_the_last_success_of_its_pipeline(queue, clerk):
    many(queue, 1)
    went_well = desk.attempt(desk.document(queue, "INV-2"), "succeeded")
    desk.exchange(desk.run(went_well), sent=b'{"a": "good"}', status=201)

    with CaptureQueriesContext(connection) as queries:
        html = page(clerk, "attempt_compare", Attempt.objects.get(state="failed").pk, **{"with": "success"})

    assert "INV-2, attempt 1" in html
    assert "good" in html
    assert len(queries) <= 20 + 4, len(queries)


def test_nobody_compares_with_another_organizations_attempt(organization, queue, clerk):
    many(queue, 1)
    own = Attempt.objects.get()
    stranger = signed_in(builders.organization("Other"), "owner")

    answers = [
        stranger.get(reverse(f"admin:exports_attempt_{name}", args=[own.pk])).status_code
        for name in ("compare", "rehearsal")
    ]
    answers.append(stranger.get(reverse("admin:exports_attempt_curl", args=[Exchange.objects.get().pk])).status_code)

    assert answers == [404, 404, 404]


ACTS = {
    "ignore": {"why": "x"},
    "heed": {},
    "delivered": {"reference": "x", "why": "x"},
    "ask": {},
    "destination": {"do": "pause", "why": "x", "destination": "1"},
}


@pytest.mark.parametrize("act", ACTS)
def test_a_viewer_who_posts_anyway_is_refused_and_a_get_changes_nothing(organization, queue, act):
    many(queue, 1)
    attempt = Attempt.objects.get()
    address = reverse(f"admin:exports_attempt_{act}", args=[attempt.pk])
    before = Event.objects.count()

    refused = signed_in(organization, "viewer").post(address, ACTS[act])
    asked = signed_in(organization, "owner").get(address)

    assert (refused.status_code, asked.status_code) == (403, 405)
    assert Event.objects.count() == before
    attempt.refresh_from_db()
    assert attempt.resolution == ""


def test_what_cannot_be_done_says_why(organization, queue, clerk):
    document = many(queue, 1)
    Attempt.objects.update(reason="unconfirmed")

    unknown = page(clerk, "document_change", document.pk)
    viewer = page(signed_in(organization, "viewer"), "document_change", document.pk)

    assert "Its outcome is unknown: first say whether it arrived." in unknown
    assert "Its outcome is unknown: say whether it arrived instead." in unknown
    assert viewer.count("Your role does not include this.") >= 4
    assert 'name="reference"' not in viewer


def test_a_stage_that_reached_the_other_side_is_told_as_a_risk(organization, clerk):
    place = builders.destination("ERP")
    there = {"request": {"url": "https://erp.example/in"}}
    draft = builders.pipeline(
        {"name": "Book", "kind": "rest_api", "config": there, "destination": place},
        {"name": "Attach", "kind": "rest_api", "config": there, "destination": place},
    )
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    document = desk.document(builders.queue(pipeline=draft))
    attempt = desk.attempt(document, "failed", "rejected", stage="Attach")
    desk.run(attempt, "Book")
    desk.run(attempt, "Attach", state="failed", position=1)

    html = page(clerk, "document_change", document.pk)

    assert "Book reached the other side already." in html
    assert re.search(r'<option value="Attach"\s+selected>', html)


def test_a_destination_is_paused_with_a_reason_and_resumed_from_the_page(organization, queue):
    place = builders.destination("ERP")
    many(queue, 1)
    attempt = Attempt.objects.get()
    owner = signed_in(organization, "owner")
    address = reverse("admin:exports_attempt_destination", args=[attempt.pk])
    asked = {"do": "pause", "destination": place.pk, "back": "document"}

    without = owner.post(address, asked, follow=True).content.decode()
    unpaused = Destination.objects.get().paused_at
    owner.post(address, {**asked, "why": "upgrade"})
    paused = Destination.objects.get().paused_why
    owner.post(address, {**asked, "do": "resume"})

    assert "Say why it is paused" in without
    assert (unpaused, paused, Destination.objects.get().paused_at) == (None, "upgrade", None)


def test_what_the_schema_still_finds_wrong_is_saved_and_not_sent(organization, clerk):
    schema = builders.schema({"category": "datapoint", "id": "amount_total", "type": "number"})
    queue = builders.queue(pipeline=desk.pipeline(), schema=schema)
    document = desk.document(queue)
    desk.attempt(document, "failed", "rejected")
    cells = {cell["schema_id"]: cell for cell in document.fields.content[0]["children"]}

    html = clerk.post(
        reverse("admin:exports_document_correct", args=[document.pk]),
        {f"field-{cells['amount_total']['id']}": "twelve", "version": 1, "then": "send", "why": "typed"},
        follow=True,
    ).content.decode()

    assert "and not sent, because the schema finds: amount_total" in html
    assert Attempt.objects.count() == 1
    assert (Document.objects.get().fields.number, Document.objects.get().status) == (2, Status.FAILED_EXPORT)


def test_the_audit_tab_tells_of_the_document_and_its_attempts(queue, clerk):
    document = many(queue, 1)
    clerk.post(reverse("admin:exports_attempt_ignore", args=[Attempt.objects.get().pk]), {"why": "a test invoice"})
    clerk.post(reverse("admin:exports_document_assign", args=[document.pk]), {"assignee": ""})

    html = page(clerk, "document_change", document.pk, tab="audit")

    assert "attempt.ignore" in html
    assert "a test invoice" in html


def test_a_rehearsal_sends_and_keeps_nothing(queue, clerk):
    many(queue, 1)
    attempt = Attempt.objects.get()
    before = (Event.objects.count(), Exchange.objects.count(), Attempt.objects.count())

    html = page(clerk, "attempt_rehearsal", attempt.pk, revision="newest")

    assert "No INV-1" in html
    assert (Event.objects.count(), Exchange.objects.count(), Attempt.objects.count()) == before
    assert Attempt.objects.get().state == State.FAILED
    assert not inquiry.can_ask(attempt)


def test_a_required_field_that_the_document_does_not_have_is_named(organization, clerk):
    needed = {"category": "datapoint", "id": "vat_id", "type": "string", "label": "VAT number",
              "constraints": {"required": True}}  # fmt: skip
    queue = builders.queue(pipeline=desk.pipeline(), schema=builders.schema("document_id", needed))
    document = builders.document(queue, {"document_id": "INV-1"}, status="to_review")

    for query in ({}, {"tab": "fields", "edit": "1"}):
        html = page(clerk, "document_change", document.pk, **query)
        assert re.search(r"VAT number</strong> is not among the fields\.", html)


def test_a_comparison_asks_at_most_twenty_questions(queue, clerk):
    document = many(queue, 3)
    newest = document.attempts.order_by("-number").first()
    for attempt in document.attempts.all():
        for index in range(3):
            desk.artifact(
                desk.run(attempt, f"Render {index}", kind="template", position=index + 1), f"out {index}", b"x"
            )

    with CaptureQueriesContext(connection) as queries:
        page(clerk, "attempt_compare", newest.pk, **{"with": "previous"})

    assert len(queries) <= 20, "\n".join(query["sql"][:200] for query in queries)
