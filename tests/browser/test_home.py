"""Home in a real browser: what it says, that its charts lead to their lists by mouse and keyboard, that it stays fresh."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from exports.models import Attempt, Breaker, FailureGroup
from tests import builders, desk

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
MESSAGE = "The ERP answered 503 Service Unavailable: maintenance until 06:00."


@pytest.fixture
def morning(queue):
    """A night in which much went well and one system went away."""
    now = timezone.now()
    erp, archive, bank = (builders.destination(name) for name in ("ERP", "Archive (SFTP)", "Bank portal"))
    archive.paused_at, archive.paused_why = now - timedelta(hours=2), "Moved to a new host until noon"
    archive.save()
    Breaker.own(
        destination=erp, why=MESSAGE, first_at=now, opened_at=now - timedelta(minutes=20),
        retry_at=now + timedelta(seconds=70), attempts=[1], probes=3,
    ).save()  # fmt: skip
    lanes = [f"{queue.organization_id}/{there.pk}" for there in (erp, archive, bank)]
    down, data = (
        FailureGroup.own(signature=name, reason=reason, pattern=pattern, stage="Send", destination=there, code=code)
        for name, reason, pattern, there, code in (
            ("a", "exhausted", "The ERP answered 503 Service Unavailable: maintenance until ‹date›.", erp, 503),
            ("b", "rejected", "Supplier ‹text› is unknown. Create it, or correct the name.", bank, 422),
        )
    )
    down.save()
    data.save()
    kinds = [("succeeded", "", None)] * 6 + [("failed", "exhausted", down), ("failed", "rejected", data)]
    for number in range(60):
        state, reason, group = kinds[number * 7 % len(kinds)]
        made = desk.attempt(
            desk.document(queue, f"INV-{number}"), state, reason, lane=lanes[2 if group is data else number % 3],
            group=group, message=MESSAGE,
        )  # fmt: skip
        ended = now - timedelta(minutes=(number * number) % 1400)
        Attempt.objects.filter(pk=made.pk).update(finished_at=ended, started_at=ended - timedelta(seconds=2))
    for number in range(9):
        due = now + timedelta(minutes=3 + number * 4)
        desk.attempt(desk.document(queue, f"W-{number}"), "waiting", lane=lanes[0], due_at=due, message=MESSAGE)
    desk.attempt(desk.document(queue, "U-1"), "failed", "unconfirmed", message="No answer came.", lane=lanes[2])
    desk.attempt(desk.document(queue, "P-1"), "parked", parked_on="the client's receipt", lane=lanes[2])
    return queue


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_home_fits_and_everybody_can_read_it(sit_down, morning, dark, width, tmp_path):
    window = sit_down("operator", dark=dark, width=width)

    page = window.open("/admin/")
    page.screenshot(path=tmp_path / f"home-{width}{'-dark' if dark else ''}.png", full_page=True)

    assert window.overflow() == 0
    assert Axe().run(page, options=RULES).response["violations"] == []


def test_a_column_leads_to_its_list_by_keyboard(sit_down, morning):
    page = sit_down("operator").open("/admin/")
    column = page.locator("#panel-day a.chart-column").first
    column.focus()
    expect(column.locator(".chart-tip")).to_have_css("opacity", "1")
    before = column.get_attribute("href")

    page.keyboard.press("ArrowRight")
    with page.expect_request(lambda asked: "since=" in asked.url) as asked:
        page.keyboard.press("Enter")

    assert "/admin/exports/attempt/?state=succeeded&since=" in asked.value.url
    assert not asked.value.url.endswith(before)


def test_the_charts_are_also_a_table(sit_down, morning):
    page = sit_down("operator").open("/admin/")

    page.locator("#panel-day summary").click()

    expect(page.locator("#panel-day table")).to_be_visible()
    expect(page.locator("#panel-day table").get_by_role("columnheader", name="They are down")).to_be_visible()


def test_the_axis_is_in_the_browsers_zone_where_the_account_names_none(sit_down, morning):
    page = sit_down("operator", zone="America/New_York").open("/admin/")

    expect(page.get_by_role("listitem").filter(has_text="Times in America/New_York")).to_be_visible()
    page.reload()
    expect(page.locator("[data-home]")).to_have_attribute("data-zone", "America/New_York")


def test_home_stays_fresh_and_keeps_the_chosen_chart(sit_down, morning):
    window = sit_down("operator")
    window.page.clock.install()
    page = window.open("/admin/")
    page.get_by_role("tab", name="Month").click()
    page.evaluate("document.activeElement.blur()")
    desk.attempt(desk.document(morning, "U-2"), "failed", "unconfirmed", message="No answer came.")

    page.clock.fast_forward(31_000)

    expect(page.get_by_role("link", name="U-2")).to_be_visible()
    expect(page.get_by_role("tab", name="Month")).to_have_attribute("aria-selected", "true")


def test_an_unknown_outcome_waits_first(sit_down, morning):
    page = sit_down("operator").open("/admin/")

    rows = page.get_by_role("region", name="Waits for a person").locator("tr")

    expect(rows.nth(0)).to_contain_text("U-1")
    expect(rows.nth(1)).to_contain_text("P-1")
