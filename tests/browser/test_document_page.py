"""A document's page as the clerk uses it: read what was sent, compare, correct and send, settle, set aside."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from audit.models import Event
from exports.models import Attempt, Document
from exports.states import State, Status
from tests import builders, desk
from tests.servers import http
from tests.servers.http import reply

TIMINGS = {"dns": 3, "connect": 9, "tls": 14, "first_byte": 120, "total": 150}


def failed(queue, number: str = "INV-1", **values):
    """A document that went wrong twice: first a bad date, then an unknown supplier."""
    document = desk.document(queue, number)
    for index, (code, said) in enumerate([(400, "Bad date"), (422, "Unknown supplier 4711")], 1):
        attempt = desk.attempt(document, "failed", "rejected", number=index, message=said, stage="Send", **values)
        run = desk.run(attempt, state="failed", reason="rejected")
        body = (
            f'{{"number": "{number}", "supplier": "4711", "date": "2026-03-0{index}", "sent_at": "{index}"}}'.encode()
        )
        answer = f'{{"error": "{said}"}}'.encode()
        desk.exchange(run, sent=body, reply=answer, status=code, timings=TIMINGS)
    return document


def page_of(document) -> str:
    return f"/admin/exports/document/{document.pk}/change/"


def test_the_timeline_leads_to_what_was_sent_and_answered(sit_down, queue):
    document = failed(queue)

    page = sit_down("operator").open(page_of(document))
    attempts = page.locator(".desk-course")
    expect(attempts).to_have_count(2)
    expect(attempts.first).to_contain_text("Unknown supplier 4711")
    page.get_by_role("link", name="Reply").click()
    expect(page.locator("#chosen")).to_contain_text('"error": "Unknown supplier 4711"')
    page.get_by_role("link", name="Attempt 1", exact=True).click()
    expect(page.locator("#chosen")).to_contain_text('"error": "Bad date"')

    assert "attempt=1&tab=reply" in page.url


def test_the_tabs_are_walked_by_the_arrow_keys(sit_down, queue):
    page = sit_down("operator").open(page_of(failed(queue)))

    page.get_by_role("navigation", name="About this document").get_by_role("link", name="Fields").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("tab=sent"))

    expect(page.locator("#chosen")).to_contain_text('"supplier": "4711"')


def test_a_request_is_copied_as_a_command(sit_down, queue):
    page = sit_down("operator").open(f"{page_of(failed(queue))}?tab=sent")

    page.get_by_role("link", name="Copy as cURL").click()

    expect(page.locator("#command")).to_contain_text("curl --globoff")
    expect(page.get_by_role("button", name="Copy")).to_be_visible()


def test_two_attempts_are_compared_and_what_differs_each_time_is_set_aside(sit_down, queue):
    page = sit_down("operator").open(page_of(failed(queue)))

    page.get_by_role("link", name="Compare with the one before").click()
    table = page.locator(".desk-changes").first
    expect(table).to_contain_text("date")
    expect(table).not_to_contain_text("sent_at")
    page.get_by_label("also what differs each time").check()
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_text("sent_at").first).to_be_visible()


def test_a_field_is_corrected_and_sent_in_one_step(sit_down, queue):
    document = failed(queue)

    page = sit_down("operator").open(page_of(document))
    page.get_by_role("link", name="Edit fields").click()
    page.get_by_label("Sender name").fill("Acme Paper & Sons")
    page.get_by_label("Why? (needed").fill("the name was misread")
    page.get_by_role("button", name="Save and send again").click()
    expect(page.get_by_text("Saved as version 2; attempt 3 sends it.")).to_be_visible()

    repeat = Attempt.objects.get(document=document, number=3)
    assert (repeat.state, repeat.why) == (State.QUEUED, "the name was misread")
    assert Document.objects.get().fields.number == 2


def test_without_a_reason_neither_is_saved_nor_sent(sit_down, queue):
    document = failed(queue)

    page = sit_down("operator").open(f"{page_of(document)}?tab=fields&edit=1")
    page.get_by_label("Sender name").fill("Somebody else")
    page.get_by_role("button", name="Save and send again").click()
    expect(page.get_by_text("Say why it is sent again")).to_be_visible()

    assert Attempt.objects.count() == 2
    assert Document.objects.get().fields.number == 1


def test_a_failure_is_set_aside_in_a_dialog_and_taken_up_again(sit_down, queue):
    document = failed(queue)

    page = sit_down("operator").open(page_of(document))
    page.get_by_text("Ignore…").click()
    dialog = page.get_by_role("dialog", name="Ignore")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_text("Ignore…").click()
    dialog.get_by_label("Comment").fill("a test invoice")
    dialog.get_by_role("button", name="Ignore it").click()
    expect(page.get_by_text("The failure is ignored.")).to_be_visible()
    ignored = Attempt.objects.get(number=2).resolution
    page.get_by_text("Take up again…").click()
    page.get_by_role("dialog").get_by_role("button", name="Take up again").click()
    expect(page.get_by_text("The failure is open again.")).to_be_visible()

    assert ignored == "ignored"
    assert Attempt.objects.get(number=2).resolution == ""


def test_what_was_delivered_by_hand_is_kept_with_its_reference(sit_down, queue):
    document = failed(queue)

    page = sit_down("operator").open(page_of(document))
    page.get_by_text("Delivered elsewhere…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("The other side's reference").fill("ERP-815")
    dialog.get_by_label("How was it delivered?").fill("typed in by hand")
    dialog.get_by_role("button", name="It was delivered").click()
    expect(page.get_by_text("Kept: it was delivered elsewhere.")).to_be_visible()

    assert Document.objects.get().status == Status.EXPORTED
    assert Attempt.objects.get(number=2).reference == "ERP-815"


def test_a_document_is_given_to_somebody_and_sent_again(sit_down, queue):
    document = failed(queue)

    window = sit_down("operator")
    page = window.open(page_of(document))
    page.get_by_text("Assign…").click()
    page.get_by_role("dialog").get_by_role("button", name="Assign").click()
    expect(page.get_by_text("answers for INV-1.")).to_be_visible()
    page.get_by_text("Re-queue…").click()
    page.get_by_label("Why is it sent again?").fill("supplier exists now")
    page.get_by_role("button", name="Send again").dblclick()
    expect(page.get_by_text("Attempt 3 is queued.")).to_be_visible()

    assert Attempt.objects.count() == 3
    assert Document.objects.get().assignee is not None


@pytest.mark.usefixtures("queue")
def test_an_unknown_outcome_is_asked_after_and_settled(sit_down, queue):
    with http.running() as erp:
        place = builders.destination("ERP", allowed_networks=["127.0.0.0/8"])
        question = {"url": erp.url + "/in/@{document_id}"}
        config = {"request": {"url": f"{erp.url}/in", "data": {"no": "@{document_id}"}}, "probe": {"request": question}}
        document, attempt = doubtful(config, place)
        erp.will(reply(404), reply(200, {"id": 4711}))

        page = sit_down("operator").open(page_of(document))
        expect(page.get_by_role("heading", name="Nobody knows whether it arrived")).to_be_visible()
        expect(page.locator(".desk-doubt")).to_contain_text("INV-7")
        page.get_by_role("button", name="Ask the other side now").click()
        expect(page.get_by_text("The other side says that it is not there.")).to_be_visible()
        page.get_by_role("button", name="Ask the other side now").click()
        expect(page.get_by_text("It arrived:")).to_be_visible()

    assert [seen.method for seen in erp.seen] == ["GET", "GET"]
    attempt.refresh_from_db()
    assert (attempt.state, Document.objects.get(pk=document.pk).status) == (State.SUCCEEDED, Status.EXPORTED)
    assert Event.objects.filter(verb="attempt.ask").count() == 2


def test_an_unknown_outcome_without_a_probe_is_looked_up_and_sent_again(sit_down, queue):
    document, attempt = doubtful({"request": {"url": "https://erp.example/in", "data": {"no": "1"}}}, None)

    page = sit_down("operator").open(page_of(document))
    card = page.locator(".desk-doubt")
    expect(card).to_contain_text("12.50")
    expect(card).to_contain_text("https://erp.example/in")
    expect(page.get_by_role("button", name="Ask the other side now")).to_have_count(0)
    card.get_by_label("It did not arrive: how do you know?").fill("not in the ERP")
    card.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("Attempt 2 sends it again.")).to_be_visible()

    assert Attempt.objects.get(repeats=attempt).state == State.QUEUED


def doubtful(config, place):
    """A document whose request left, and nobody saw an answer."""
    from pipelines import publishing

    draft = builders.pipeline({"name": "Send", "kind": "rest_api", "config": config, "destination": place})
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    document = desk.document(builders.queue(pipeline=draft), "INV-7")
    lane = f"1/{place.pk}" if place else "1/0"
    attempt = desk.attempt(document, "failed", "unconfirmed", message="No answer came.", stage="Send", lane=lane)
    run = desk.run(attempt, state="failed", marked_at=attempt.created_at, reason="unconfirmed")
    desk.exchange(run, sent=b"no=1", status=None, idempotency_key="0c3fab")
    url = config["request"]["url"]
    run.exchanges.update(url=url, error="The answer did not come.")
    return document, attempt


def test_what_would_be_sent_is_tried_and_shown_against_what_was(sit_down, queue):
    config = {"request": {"url": "https://erp.example/in", "data": {"no": "@{document_id}"}}}
    document, _ = doubtful(config, None)
    Attempt.objects.update(reason="rejected")

    page = sit_down("operator").open(page_of(document))
    page.get_by_role("link", name="Try it without sending").click()
    expect(page.get_by_text("Nothing was sent, nothing was kept.")).to_be_visible()
    expect(page.locator(".desk-diff")).to_contain_text("no=INV-7")
    page.get_by_text("Re-queue…").click()
    page.get_by_label("Why is it sent again?").fill("the number is right now")
    page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    expect(page.get_by_text("Attempt 2 is queued.")).to_be_visible()


def test_without_its_script_every_action_is_still_a_form(sit_down, queue):
    window = sit_down("operator")
    window.page.route("**/desk/document*.js", lambda route: route.fulfill(status=200, body=""))

    page = window.open(page_of(failed(queue)))
    page.get_by_text("Ignore…").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_label("Comment").fill("no script here")
    page.get_by_role("button", name="Ignore it").click()
    expect(page.get_by_text("The failure is ignored.")).to_be_visible()

    assert Attempt.objects.get(number=2).resolution == "ignored"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_are_accessible_and_fit(sit_down, queue, dark, width, tmp_path):
    document = failed(queue)
    doubt, _ = doubtful({"request": {"url": "https://erp.example/in", "data": {"no": "1"}}}, None)
    last = Attempt.objects.get(document=document, number=2)
    window = sit_down("owner", width=width, dark=dark)
    pages = {
        "document": page_of(document),
        "reply": f"{page_of(document)}?tab=reply",
        "edit": f"{page_of(document)}?tab=fields&edit=1",
        "revision": f"{page_of(document)}?tab=revision",
        "doubt": page_of(doubt),
        "attempt": f"/admin/exports/attempt/{last.pk}/change/",
        "compare": f"/admin/exports/attempt/{last.pk}/compare/?with=previous",
        "rehearsal": f"/admin/exports/attempt/{last.pk}/rehearsal/",
        "curl": f"/admin/exports/exchange/{last.pk}/",
    }
    pages["curl"] = f"/admin/exports/attempt/exchanges/{last.exchanges.get().pk}/curl/"

    found = {}
    for name, path in pages.items():
        page = window.open(path)
        page.screenshot(path=str(tmp_path / f"{name}.png"), full_page=True)
        results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        broken = [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in results.response["violations"]]
        found[name] = (broken, window.overflow())

    assert found == dict.fromkeys(pages, ([], 0))
