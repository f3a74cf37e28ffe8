"""What the desk's buttons do, pressed through the pages' own forms."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.models import Event
from exports import searching
from exports.models import Attempt, Document, Job
from exports.states import State, Status
from pipelines.fields import Content
from tests import builders, desk


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", pipeline=desk.pipeline())


@pytest.fixture
def operator(organization) -> Client:
    client = Client()
    client.force_login(builders.user("oscar", role="operator", organization=organization))
    return client


def post(client: Client, name: str, *args, **given):
    return client.post(reverse(f"admin:{name}", args=args), given, follow=True)


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_confirming_and_exporting_goes_through_the_verbs(operator, queue):
    document = desk.document(queue, status="to_review")

    confirmed = post(operator, "exports_document_confirm", document.pk)
    exported = post(operator, "exports_document_export", document.pk)

    document.refresh_from_db()
    assert "INV-1 is confirmed." in said(confirmed)
    assert "has begun" in said(exported)
    assert document.status == Status.EXPORTING
    assert Attempt.objects.get().requested_by == "user:oscar"


def test_what_a_verb_refuses_is_told_as_it_says_it(operator, queue):
    document = desk.document(queue, status="rejected")

    response = post(operator, "exports_document_confirm", document.pk)

    assert "is rejected; only what is" in said(response)
    document.refresh_from_db()
    assert document.status == Status.REJECTED


def test_re_queueing_needs_a_reason_and_leads_to_the_new_attempt(operator, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected")

    without = post(operator, "exports_attempt_requeue", attempt.pk, why=" ")
    done = post(operator, "exports_attempt_requeue", attempt.pk, why="the supplier exists now")
    again = post(operator, "exports_attempt_requeue", attempt.pk, why="the supplier exists now")

    repeat = Attempt.objects.get(repeats=attempt)
    assert "Say why" in said(without)
    assert done.redirect_chain[-1][0] == reverse("admin:exports_attempt_change", args=[repeat.pk])
    assert again.redirect_chain[-1][0] == done.redirect_chain[-1][0]
    assert Attempt.objects.count() == 2
    assert (repeat.why, repeat.state) == ("the supplier exists now", State.QUEUED)


def test_an_unconfirmed_attempt_is_settled_as_arrived_with_its_reference(operator, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "unconfirmed")

    without = post(operator, "exports_attempt_settle", attempt.pk, delivered="yes", reference="")
    post(operator, "exports_attempt_settle", attempt.pk, delivered="yes", reference="4711")

    attempt.refresh_from_db()
    assert "reference" in said(without)
    assert (attempt.state, Document.objects.get().status) == (State.SUCCEEDED, Status.EXPORTED)
    assert Event.objects.filter(subject=f"attempt:{attempt.pk}", detail__reference="4711").count() == 1


def test_an_unconfirmed_attempt_that_did_not_arrive_is_sent_again(operator, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "unconfirmed")

    post(operator, "exports_attempt_settle", attempt.pk, delivered="no", why="not in their list at 9:40")

    assert Attempt.objects.get(repeats=attempt).state == State.QUEUED


def test_many_are_sent_again_after_a_page_that_says_which_not_and_why(operator, queue):
    failed = [desk.attempt(desk.document(queue, f"F-{n}"), "failed", "exhausted") for n in range(3)]
    unknown = desk.attempt(desk.document(queue, "U-1"), "failed", "unconfirmed")
    delivered = desk.attempt(desk.document(queue, "D-1"), "succeeded")
    chosen = [attempt.pk for attempt in [*failed, unknown, delivered]]

    between = operator.get(
        reverse("admin:exports_job_new"), {"verb": "requeue", "ids": ",".join(str(pk) for pk in chosen)}
    )
    html = between.content.decode()

    assert Attempt.objects.count() == 5
    assert "Send again: 3" in html
    assert "Already delivered." in html
    assert "Outcome unknown: each needs a look" in html
    assert all(attempt.document.external_id in html for attempt in failed)


def test_a_double_click_makes_one_job(operator, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "exhausted")
    form = {"verb": "requeue", "ids": str(attempt.pk), "token": "of-this-page", "why": "the ERP is back"}

    first = post(operator, "exports_job_new", **form)
    second = post(operator, "exports_job_new", **form)

    job = Job.objects.get()
    assert (job.predicate, job.why, job.requested_by) == (
        {"ids": str(attempt.pk)}, "the ERP is back", "user:oscar"
    )  # fmt: skip
    assert first.redirect_chain == second.redirect_chain


def test_bulk_without_a_reason_does_nothing(operator, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "exhausted")

    response = post(operator, "exports_job_new", verb="requeue", ids=str(attempt.pk), token="t", why="  ")

    assert "Say why" in said(response)
    assert Job.objects.count() == 0


def test_a_correction_is_a_new_version_with_its_reason(operator, queue):
    document = desk.document(queue, status="to_review")
    field = document.fields.content[0]["children"][0]

    post(
        operator, "exports_document_correct", document.pk,
        **{f"field-{field['id']}": "INV-2", "version": "1", "why": "a typo"},
    )  # fmt: skip

    document.refresh_from_db()
    assert (document.fields.number, document.fields.why, document.fields.by) == (2, "a typo", "user:oscar")
    assert document.fields.content[0]["children"][0]["content"]["value"] == "INV-2"


def test_a_correction_of_an_older_version_is_not_kept(operator, queue):
    document = desk.document(queue, status="to_review")
    field = document.fields.content[0]["children"][0]
    form = {f"field-{field['id']}": "INV-2", "version": "1"}
    post(operator, "exports_document_correct", document.pk, **form)

    response = post(operator, "exports_document_correct", document.pk, **{**form, f"field-{field['id']}": "INV-3"})

    document.refresh_from_db()
    assert "changed since version 1" in said(response)
    assert document.fields.content[0]["children"][0]["content"]["value"] == "INV-2"


def test_line_items_are_changed_removed_and_added(operator, queue):
    rows = [{"code": "A", "qty": "1"}, {"code": "B", "qty": "2"}]
    document = builders.document(queue, {"line_items": rows}, status="to_review")
    table = document.fields.content[0]["children"][0]
    first, second = table["children"]
    form = {
        "version": "1",
        f"field-{first['children'][1]['id']}": "5",
        f"remove-{second['id']}": "on",
        f"new-{table['id']}-code": "C",
        f"new-{table['id']}-qty": "3",
    }

    post(operator, "exports_document_correct", document.pk, **form)

    document.refresh_from_db()
    kept = document.fields.content[0]["children"][0]["children"]
    values = [[cell["content"]["value"] for cell in row["children"]] for row in kept]
    assert values == [["A", "5"], ["C", "3"]]


def test_an_upload_takes_the_file_and_its_fields(operator, queue):
    file = SimpleUploadedFile("scan.pdf", b"%PDF-1.4 tiny", content_type="application/pdf")

    post(operator, "exports_document_add", queue=queue.pk, original=file, fields_json='{"document_id": "INV-7"}')

    document = Document.objects.get()
    shown = operator.get(reverse("admin:exports_document_original", args=[document.pk]))
    assert (document.file_name, document.status) == ("scan.pdf", Status.TO_REVIEW)
    assert document.external_id == document.original.sha256
    assert b"".join(shown.streaming_content) == b"%PDF-1.4 tiny"
    assert shown.headers["Content-Type"] == "application/pdf"


def test_a_new_original_for_a_known_document_leaves_its_fields(operator, queue):
    first, second = (SimpleUploadedFile("scan.pdf", b"%PDF-1.4 " + text) for text in (b"one", b"two"))
    given = {"queue": queue.pk, "external_id": "INV-7"}
    post(operator, "exports_document_add", **given, original=first, fields_json='{"document_id": "INV-7"}')

    again = post(operator, "exports_document_add", **given, original=second)

    document = Document.objects.get()
    assert Content(document.fields.content).values == {"document_id": "INV-7"}
    assert bytes(document.original.inline) == b"%PDF-1.4 two"
    assert said(again) == "INV-7 is in. It was here already and now has what changed; nothing was added twice."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"fields_json": "{oops"}, "This is no JSON"),
        ({"fields_json": '{"a": {"b": 1}}', "external_id": "x"}, "A value must be text"),
        ({}, "Give a file, fields, or both"),
        ({"fields_json": '{"a": "1"}'}, "Without a file the document needs an external id."),
    ],
)
def test_an_upload_that_cannot_be_says_why_beside_the_form(operator, queue, given, told):
    response = operator.post(reverse("admin:exports_document_add"), {"queue": queue.pk, **given})

    assert told in response.content.decode()
    assert Document.objects.count() == 0


def test_an_html_file_that_calls_itself_a_pdf_is_not_shown_inline(operator, queue):
    file = SimpleUploadedFile("evil.pdf", b"<html><script>alert(1)</script>", content_type="application/pdf")
    post(operator, "exports_document_add", queue=queue.pk, original=file)

    shown = operator.get(reverse("admin:exports_document_original", args=[Document.objects.get().pk]))

    assert shown.headers["Content-Disposition"].startswith("attachment")
    assert shown.headers["Content-Type"] == "application/octet-stream"


def test_the_search_finds_field_values_and_not_field_names(operator, queue):
    desk.document(queue, "INV-100")
    desk.document(queue, "INV-200")
    searching.index_new()

    def found(text: str) -> set[str]:
        html = operator.get(reverse("admin:exports_document_changelist"), {"q": text}).content.decode()
        return {number for number in ("INV-100", "INV-200") if f">{number}<" in html}

    assert found("INV-100") == {"INV-100"}
    assert found("acme paper") == {"INV-100", "INV-200"}
    assert found("sender_name") == set()


def test_the_tabs_and_the_split_of_failures_say_what_the_list_shows(operator, queue):
    desk.attempt(desk.document(queue, "R-1"), "failed", "rejected")
    desk.attempt(desk.document(queue, "R-2"), "failed", "misconfigured")
    desk.document(queue, "T-1", status="to_review")

    def shown(**query) -> set[str]:
        html = operator.get(reverse("admin:exports_document_changelist"), query).content.decode()
        return {name for name in ("R-1", "R-2", "T-1") if f">{name}<" in html}

    assert shown() == {"R-1", "R-2", "T-1"}
    assert shown(tab="to_review") == {"T-1"}
    assert shown(tab="exported") == {"R-1", "R-2"}
    assert shown(tab="failed", side="data") == {"R-1"}
    assert shown(tab="failed", side="ours") == {"R-2"}
    assert shown(tab="failed", side="unknown") == set()
