"""The lists in the browser: searching, filtering, choosing, keeping a view, taking a file, and all of it by keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from exports import searching
from exports.models import Attempt, Document, SavedView
from tests import desk


@pytest.fixture
def failures(queue):
    for number in range(30):
        desk.attempt(
            desk.document(queue, f"INV-{number:02}"), "failed", "rejected", message="Unknown supplier.", stage="Send"
        )
    desk.attempt(desk.document(queue, "SENT-1"), "succeeded")
    for number in range(3):
        desk.document(queue, f"NEW-{number}", status="to_review")
    searching.index_new(1000)
    return queue


def test_a_clerk_searches_narrows_keeps_the_view_and_takes_the_file(sit_down, failures):
    page = sit_down("operator").open("/admin/exports/document/")
    page.keyboard.press("/")
    page.keyboard.type("inv-0")
    page.keyboard.press("Enter")
    expect(page.locator("[data-total]")).to_have_text("10 documents")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.locator("#filter-reason").select_option("rejected")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".desk-listhead")).to_contain_text('with "inv-0", rejected')

    page.locator("summary", has_text="Columns").click()
    page.locator(".desk-menu__choices").get_by_label("Tries").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Tries")).to_be_visible()
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Keep this list as").fill("Mine")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("View: Mine")).to_be_visible()
    page.locator("summary", has_text="File").click()
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()

    assert len(Path(taken.value.path()).read_text().splitlines()) == 11
    assert SavedView.objects.get().query == "q=inv-0&reason=rejected"


def test_rows_are_chosen_by_keys_and_all_that_match_in_one_more_step(sit_down, failures):
    page = sit_down("operator").open("/admin/exports/attempt/?state=failed&per=25")
    for key in "jxjjx":
        page.keyboard.press(key)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_text(re.compile("Send again: 2"))).to_be_visible()

    page.go_back()
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name="Select all 30 attempts that match").click()
    page.locator("#bulk-all").get_by_role("button", name="Send again").click()
    expect(page.get_by_text(re.compile("Send again: 30"))).to_be_visible()
    assert Attempt.objects.count() == 31


def test_documents_are_confirmed_one_after_another_by_keys(sit_down, failures):
    page = sit_down("operator").open("/admin/exports/document/?tab=to_review")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/change/"))
    for expected in ("NEW-1", "NEW-0"):
        page.get_by_role("button", name="Confirm", exact=True).first.click()
        expect(page.get_by_role("heading", name=expected)).to_be_visible()
    page.get_by_role("button", name="Confirm", exact=True).first.click()
    expect(page.get_by_text("Nothing waits for review")).to_be_visible()

    assert Document.objects.filter(status="to_review").count() == 0


def test_the_help_lists_what_the_page_offers_and_closes_again(sit_down, failures):
    page = sit_down("viewer").open("/admin/exports/document/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next row")
    expect(page.get_by_role("dialog")).to_contain_text("Search")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_lists_fit_and_axe_finds_nothing(sit_down, failures, width, dark, tmp_path):
    window = sit_down("owner", width=width, dark=dark)
    for path in ("document/?tab=exported&reason=rejected", "attempt/?state=failed", "document/?q=nothing-of-it"):
        page = window.open(f"/admin/exports/{path}")
        found = (
            Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}).response["violations"]
        )
        page.screenshot(path=tmp_path / f"{path.partition('?')[2][:12]}.png", full_page=True)

        assert [(each["id"], each["nodes"][0]["html"][:160]) for each in found] == []
        assert window.overflow() <= 0
