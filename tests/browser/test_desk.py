"""The flows of the person at the desk: look, correct, send again, one and many, settle."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect  # the package playwright; the browser is Debian's

from exports import documents, loop
from exports.models import Attempt, Document, Job
from exports.states import State, Status
from pipelines.fields import Operation
from tests import builders, desk
from tests.servers import http

HOSTILE = b'{"message":"<script>document.title=\\"owned\\"</script><img src=x onerror=\\"document.title=\'owned\'\\">"}'


def test_the_home_page_says_what_broke_and_leads_there(sit_down, queue):
    desk.attempt(desk.document(queue, "R-1"), "failed", "rejected", message="Unknown supplier.")
    desk.attempt(desk.document(queue, "U-1"), "failed", "unconfirmed", message="No answer came.")
    window = sit_down("operator")

    page = window.open("/admin/")
    expect(page.get_by_role("region", name="Waits for a person").locator("tr").first).to_contain_text("U-1")
    page.get_by_role("link", name=re.compile("The data is wrong")).click()

    expect(page.locator("#result_list")).to_contain_text("R-1")
    expect(page.locator("#result_list")).not_to_contain_text("U-1")


def test_an_empty_organization_is_told_what_to_do_next(sit_down):
    page = sit_down("owner").open("/admin/")

    expect(page.get_by_text("Nothing to export yet")).to_be_visible()
    expect(page.get_by_role("link", name="Upload a document")).to_be_visible()


def test_a_failed_attempt_is_read_and_sent_again(sit_down, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "rejected", message="Unknown supplier.", stage="Send")
    run = desk.run(attempt, state="failed", note="Status 422.")
    desk.exchange(run, reply=HOSTILE, sent=b'{"number":"INV-1"}', status=422, timings={"connect": 4, "total": 20})
    window = sit_down("operator")

    page = window.open(f"/admin/exports/attempt/{attempt.pk}/change/")
    expect(page.get_by_text("Unknown supplier.")).to_be_visible()
    expect(page.get_by_text("<script>document.title")).to_be_visible()
    page.get_by_role("tab", name="Sent").click()
    expect(page.get_by_text('"number": "INV-1"')).to_be_visible()
    page.get_by_text("Re-queue…").click()
    page.get_by_label("Why is it sent again?").fill("the supplier exists now")
    page.get_by_role("button", name="Send again").dblclick()
    expect(page.get_by_text("Attempt 2 is queued.")).to_be_visible()

    repeat = Attempt.objects.get(repeats=attempt)
    assert page.url.endswith(f"/attempt/{repeat.pk}/change/")
    assert "owned" not in page.title()
    assert Attempt.objects.count() == 2


def test_an_unknown_outcome_is_settled_from_its_page(sit_down, queue):
    attempt = desk.attempt(desk.document(queue), "failed", "unconfirmed", message="No answer came.")
    desk.run(attempt, state="failed", marked_at=attempt.created_at)

    page = sit_down("operator").open(f"/admin/exports/attempt/{attempt.pk}/change/")
    page.get_by_text("What cannot be done now, and why").click()
    expect(page.get_by_role("button", name="Re-queue")).to_be_disabled()
    page.get_by_label("Its number over there").fill("4711")
    page.get_by_role("button", name="It arrived").click()

    expect(page.get_by_text("Kept: it arrived.")).to_be_visible()
    attempt.refresh_from_db()
    assert attempt.state == State.SUCCEEDED


def test_an_attempt_is_held_resumed_and_cancelled_from_its_page(sit_down, queue):
    attempt = desk.attempt(desk.document(queue), "queued")

    page = sit_down("operator").open(f"/admin/exports/attempt/{attempt.pk}/change/")
    page.get_by_text("Pause the attempt…").click()
    page.get_by_label("Why? (optional)").fill("the ERP is being upgraded")
    page.get_by_role("button", name="Pause the attempt").click()
    expect(page.get_by_text("“the ERP is being upgraded”").first).to_be_visible()
    page.get_by_role("button", name="Resume the attempt").click()
    expect(page.get_by_text("The attempt goes on now.")).to_be_visible()
    page.get_by_text("Cancel the attempt…").click()
    page.get_by_label("Why?", exact=True).fill("the wrong supplier")
    page.get_by_role("button", name="Cancel the attempt").click()
    expect(page.get_by_text("The attempt is cancelled")).to_be_visible()

    attempt.refresh_from_db()
    assert attempt.state == State.CANCELLED


def test_a_clerk_sends_exactly_what_was_sent(sit_down, queue):
    with http.running() as erp:
        place = builders.destination("ERP", allowed_networks=["127.0.0.0/8"])
        config = {"request": {"url": f"{erp.url}/in", "content": "No @{number}"}}
        erp.will(http.reply(422))
        first = builders.attempt(
            {"name": "Send", "kind": "rest_api", "destination": place, "config": config}, fields={"number": "INV-1"}
        )
        loop.run_now(first.pk)
        document = first.document
        documents.correct(document, by=builders.owner(), operations=[Operation.assign("number", "INV-2")])

        page = sit_down("operator").open(f"/admin/exports/document/{document.pk}/change/")
        page.get_by_role("link", name="Try it without sending").click()
        page.get_by_role("link", name="exactly as it was sent").click()
        expect(page.get_by_text("Rebuilt from today's fields it would be")).to_be_visible()
        page.get_by_text("Re-queue…").click()
        expect(page.get_by_label("Exactly as it was sent")).to_be_checked()
        page.get_by_label("Why is it sent again?").fill("a fault of theirs")
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_text("Attempt 2 is queued.")).to_be_visible()
        loop.run_now(Attempt.objects.get(number=2).pk)

    assert erp.bodies == [b"No INV-1", b"No INV-1"]
    assert len({seen.header("Idempotency-Key") for seen in erp.seen}) == 1


def test_many_are_chosen_in_the_list_and_sent_again_once(sit_down, queue):
    for number in range(3):
        desk.attempt(desk.document(queue, f"F-{number}"), "failed", "exhausted")
    desk.attempt(desk.document(queue, "U-1"), "failed", "unconfirmed")

    page = sit_down("operator").open("/admin/exports/attempt/?state=failed")
    page.get_by_label("Select all rows of this page").check()
    page.locator("#bulk-chosen").get_by_role("button", name="Send again").click()
    page.locator("[name=why]").fill("the ERP is back")
    page.get_by_role("button", name="Send again").dblclick()
    page.wait_for_url(re.compile("/job/[0-9]"))

    job = Job.objects.get()
    assert (job.expected, job.why) == (3, "the ERP is back")


def test_fields_are_corrected_and_the_former_version_kept(sit_down, queue):
    document = desk.document(queue, status="to_review")

    page = sit_down("operator").open(f"/admin/exports/document/{document.pk}/change/")
    page.get_by_role("link", name="Edit fields").click()
    page.get_by_label("Sender name").fill("Acme Paper & Sons")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("Saved as version 2.")).to_be_visible()
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("link", name="Version 2").click()

    expect(page.locator(".desk-diff .is-added")).to_have_text("Acme Paper & Sons")
    assert document.versions.count() == 2


def test_a_document_is_confirmed_and_its_export_begun(sit_down, queue):
    document = desk.document(queue, status="to_review")

    page = sit_down("operator").open(f"/admin/exports/document/{document.pk}/change/")
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_text("INV-1 is confirmed.")).to_be_visible()
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("has begun")).to_be_visible()

    assert Document.objects.get().status == Status.EXPORTING


def test_times_are_told_in_the_readers_zone_with_the_instant_on_hover(sit_down, queue):
    document = desk.document(queue)
    Document.objects.filter(pk=document.pk).update(created_at="2026-01-15T23:30:00Z")

    page = sit_down("viewer", zone="Asia/Tokyo").open(f"/admin/exports/document/{document.pk}/change/")

    arrived = page.locator("time[datetime^='2026-01-15T23:30']").first
    expect(arrived).to_have_text("16 Jan 2026, 08:30")
    assert "2026-01-15 23:30:00.000 UTC" in arrived.get_attribute("title")


def test_the_organization_is_switched_by_a_form(sit_down, queue):
    other = builders.organization("Beta")
    window = sit_down("owner")
    from accounts.models import Membership, User

    Membership.objects.create(user=User.objects.get(), organization=other, role="viewer")

    page = window.open("/admin/exports/document/")
    page.get_by_label("Organization").select_option(label="Beta")

    expect(page.get_by_text("You work in Beta now.")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_no_page_is_wider_than_its_window(sit_down, queue, width, dark):
    attempt = desk.attempt(desk.document(queue, "INV-" + "0123456789" * 12), "failed", "rejected", message="x" * 300)
    run = desk.run(attempt, name="A stage with a long name", state="failed", note="y" * 200)
    desk.exchange(run, reply=b'{"a":"' + b"z" * 500 + b'"}', status=422)
    window = sit_down("owner", width=width, dark=dark)

    for path in (
        "/admin/",
        "/admin/exports/document/",
        f"/admin/exports/document/{attempt.document_id}/change/",
        "/admin/exports/attempt/",
        f"/admin/exports/attempt/{attempt.pk}/change/",
        f"/admin/pipelines/pipeline/{queue.pipeline_id}/change/",
        f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{queue.pipeline.stages.get().pk}/",
        "/admin/exports/document/add/",
    ):
        window.open(path)
        assert window.overflow() <= 0, path
        assert window.page.evaluate("document.documentElement.classList.contains('dark')") is dark


@pytest.mark.parametrize("dark", [False, True])
def test_the_pages_keep_wcag_2_2_aa(sit_down, queue, dark):
    attempt = desk.attempt(desk.document(queue), "failed", "unconfirmed", message="No answer came.", stage="Send")
    desk.exchange(desk.run(attempt, state="failed", marked_at=attempt.created_at), reply=HOSTILE, status=422)
    window = sit_down("owner", dark=dark)
    wanted = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}

    found = {}
    for path in (
        "/admin/",
        "/admin/exports/document/",
        f"/admin/exports/document/{attempt.document_id}/change/",
        f"/admin/exports/attempt/{attempt.pk}/change/",
        f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{queue.pipeline.stages.get().pk}/",
        f"/admin/pipelines/pipeline/{queue.pipeline_id}/publish/",
    ):
        page = window.open(path)
        for broken in Axe().run(page, options=wanted).response["violations"]:
            found[path, broken["id"]] = [node["html"][:120] for node in broken["nodes"]]

    assert found == {}


@pytest.mark.parametrize("dark", [False, True])
def test_a_page_that_is_not_there_is_as_light_or_dark_as_the_browser(sit_down, dark):
    window = sit_down("viewer", dark=dark)

    page = window.open("/nowhere/")

    expect(page.get_by_role("heading", name="Nothing is here")).to_be_visible()
    shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (shown == "rgb(249, 250, 251)") is not dark
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == ("dark" if dark else "light")
    assert Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"] == []
    assert ["404" in said for said in window.wrong] == [True]
    window.wrong.clear()  # the browser's own line about the 404
