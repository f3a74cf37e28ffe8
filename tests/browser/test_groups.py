"""The clerk's morning with failure groups: what broke, take it, snooze it, merge two causes, split one."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from exports import grouping, hints
from exports.models import FailureGroup, Hint
from exports.states import GroupState
from tests import builders, desk

LIST = "/admin/exports/failuregroup/"
SHOTS = os.environ.get("WAYBILL_SCREENSHOTS", "")


@pytest.fixture
def causes(queue):
    """Three causes: a blocked supplier four times, a closed period twice, an ERP that is down, an unknown outcome."""
    told = [
        *(("rejected", f"supplier.id: Unknown supplier {4711 + number}", 422) for number in range(4)),
        ("rejected", "Posting period 003 2026 is not open", 409), ("rejected", "Posting period 002 2026 is not open", 409),
        ("exhausted", "erp.example took nothing within 30 s. Tried 6 times.", None),
        ("unconfirmed", "erp.example took the request but did not answer to the end within 30 s.", None),
        ("misconfigured", 'There is no secret "erp_token".', None),
    ]  # fmt: skip
    for number, (reason, message, code) in enumerate(told):
        desk.attempt(
            desk.document(queue, f"INV-{number}"), "failed", reason, message=message, stage="Create invoice",
            http_status=code,
        )  # fmt: skip
    grouping.adopt()
    hints.save(
        Hint.own(
            pattern="unknown supplier", advice="Ask purchasing to set the supplier up.", link="https://wiki.example/s"
        ),
        by=builders.owner(),
    )
    return {group.pattern: group for group in FailureGroup.objects.all()}


def test_a_clerk_finds_what_broke_and_takes_it(sit_down, causes):
    page = sit_down("operator").open(LIST)
    group = page.locator(".desk-group").first

    expect(page.locator(".desk-group")).to_have_count(5)
    expect(group).to_contain_text("Unknown supplier")
    expect(group.locator(".desk-masked")).to_have_text("value")
    expect(group).to_contain_text("Ask purchasing to set the supplier up.")
    page.get_by_role("link", name=re.compile("They are down")).click()
    expect(page.locator(".desk-group")).to_have_count(1)
    page.get_by_role("link", name="All of them").first.click()
    group.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("the others see that somebody knows")).to_be_visible()
    page.locator(".desk-group").first.get_by_role("button", name="Take").click()
    expect(page.get_by_text("It is yours.")).to_be_visible()

    taken = FailureGroup.objects.exclude(owner=None).get()
    assert (taken.state, taken.pattern) == (GroupState.ACKNOWLEDGED, "supplier.id: Unknown supplier ‹value›")


def test_a_clerk_snoozes_merges_and_splits(sit_down, causes):
    window = sit_down("operator")
    page = window.open(LIST)
    down = page.locator(".desk-group", has_text="took nothing")
    down.get_by_text("Snooze", exact=True).click()
    down.get_by_role("button", name="4 hours").click()
    expect(page.get_by_text("Snoozed: it comes back by itself.")).to_be_visible()
    expect(page.locator(".desk-group")).to_have_count(4)

    page.get_by_role("link", name=re.compile("Posting period")).click()
    page.get_by_text("Merge into another…").click()
    page.get_by_label("The same cause as").select_option(
        label=page.locator("#into option", has_text="Unknown supplier").inner_text()
    )
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.get_by_text("Merged. It can be taken back below.")).to_be_visible()
    expect(page.get_by_text("6 failed and open")).to_be_visible()
    page.get_by_role("button", name="Take this merge back").click()
    expect(page.get_by_text("It stands for itself again.")).to_be_visible()

    page.get_by_text("Split…").click()
    page.get_by_label("Failures whose message contains").fill("002")
    page.get_by_label("Name of the new group").fill("February")
    page.get_by_role("button", name="Split", exact=True).click()
    expect(page.get_by_text("1 failure and those to come are a group of their own")).to_be_visible()
    expect(page.get_by_role("heading", name="February")).to_be_visible()
    assert FailureGroup.objects.get(title="February").attempts_seen == 1


def test_a_hint_says_what_it_fits_while_it_is_typed(sit_down, causes):
    page = sit_down("operator").open("/admin/exports/hint/add/")

    page.locator("[name=pattern]").fill("posting*period")
    expect(page.locator("output[data-fits-url]")).to_have_text("1 group")
    page.locator("[name=pattern]").fill("nothing like it")
    expect(page.locator("output[data-fits-url]")).to_have_text("0 groups")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_are_accessible_and_fit_the_window(sit_down, causes, dark, width):
    window = sit_down("operator", width=width, dark=dark)
    one = causes["supplier.id: Unknown supplier ‹value›"]

    for name, address in (
        ("groups", LIST),
        ("group", f"{LIST}{one.pk}/change/"),
        ("hints", "/admin/exports/hint/"),
        ("hint", "/admin/exports/hint/add/"),
    ):
        page = window.open(address)
        if SHOTS:
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}-{'dark' if dark else 'light'}.png"), full_page=True)
        assert window.overflow() == 0, name
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        assert [f"{name}: {each['id']} {each['nodes'][0]['html'][:160]}" for each in found.response["violations"]] == []
