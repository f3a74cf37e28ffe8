"""Reviewing by the keyboard alone: find, correct, confirm, document after document; no mouse is touched here."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from exports import contents
from exports.models import Attempt, Document
from exports.states import Status
from tests import desk
from tests.filled import PDF

EVERYWHERE = re.compile(r"/document/\d+/change/")


@pytest.fixture
def waiting(queue) -> list[Document]:
    """Three documents to review; confirmed ones wait until somebody asks for their export."""
    queue.use_confirmed_state = True
    queue.save()
    return [desk.document(queue, f"NEW-{number}", status="to_review") for number in range(3)]


def opened(page, name: str) -> None:
    page.wait_for_url(EVERYWHERE)
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_documents_are_confirmed_one_after_another_without_a_mouse(sit_down, waiting):
    page = sit_down("operator").open("/admin/exports/document/?tab=to_review")
    keys = page.keyboard

    keys.press("j")
    keys.press("Enter")
    for name in ("NEW-2", "NEW-1", "NEW-0"):
        opened(page, name)
        keys.press("c")
    expect(page.get_by_text("Nothing waits for review")).to_be_visible()

    assert {document.status for document in Document.objects.all()} == {Status.CONFIRMED}
    assert Attempt.objects.count() == 0


def test_a_field_is_corrected_and_the_document_confirmed_without_a_mouse(sit_down, waiting):
    page = sit_down("operator").open("/admin/exports/document/?tab=to_review")
    keys = page.keyboard

    keys.press("j")
    keys.press("j")
    keys.press("Enter")
    opened(page, "NEW-1")
    keys.press("e")
    page.wait_for_url(re.compile("edit=1"))
    expect(page.locator("#fields-form input:focus")).to_have_value("NEW-1")
    keys.press("Control+A")
    keys.type("NEW-1b")
    keys.press("Enter")
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    keys.press("c")
    opened(page, "NEW-0")

    done = waiting[1]
    done.refresh_from_db()
    assert (done.status, done.fields.number) == (Status.CONFIRMED, 2)
    assert "NEW-1b" in str(done.fields.content)
    assert Document.objects.filter(status=Status.TO_REVIEW).count() == 2


def test_what_is_typed_into_a_field_is_no_key_and_escape_leaves_it(sit_down, waiting):
    page = sit_down("operator").open(f"/admin/exports/document/{waiting[0].pk}/change/?tab=fields&edit=1")
    keys = page.keyboard

    keys.type("cc?")
    expect(page.locator("#fields-form input:focus")).to_have_value(re.compile(r"cc\?"))
    expect(page.get_by_role("dialog")).to_have_count(0)
    keys.press("Escape")
    keys.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Confirm")
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    waiting[0].refresh_from_db()
    assert waiting[0].status == Status.TO_REVIEW


def test_an_original_beside_the_fields_does_not_take_the_keys(sit_down, queue):
    document = desk.document(queue, "NEW-9", status="to_review", file_name="a.pdf", media_type="application/pdf")
    document.original = contents.keep(PDF, document.organization_id)
    document.original.save()
    document.save()

    page = sit_down("operator").open(f"/admin/exports/document/{document.pk}/change/")
    page.keyboard.press("c")
    expect(page.get_by_text("NEW-9 is confirmed.")).to_be_visible()


def test_a_failure_is_sent_again_without_a_mouse(sit_down, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected", message="Unknown supplier.", stage="Send")
    keys_of = sit_down("operator").open(f"/admin/exports/document/{attempt.document_id}/change/")
    keys = keys_of.keyboard

    keys.press("r")
    expect(keys_of.get_by_label("Why is it sent again?")).to_be_focused()
    keys.type("the supplier exists now")
    keys.press("Enter")
    expect(keys_of.get_by_text("Attempt 2 is queued.")).to_be_visible()

    assert Attempt.objects.get(number=2).why == "the supplier exists now"


def test_a_key_pressed_twice_confirms_once(sit_down, waiting):
    page = sit_down("operator").open(f"/admin/exports/document/{waiting[0].pk}/change/")

    page.keyboard.press("c")
    page.keyboard.press("c")
    expect(page.get_by_text("NEW-0 is confirmed.")).to_be_visible()

    assert [document.status for document in Document.objects.order_by("pk")] == [
        Status.CONFIRMED, Status.TO_REVIEW, Status.TO_REVIEW,
    ]  # fmt: skip
