"""The frame around every page, by keyboard: the sidebar, one's own menu, light and dark, the filters of a list."""

from __future__ import annotations

import re

from playwright.sync_api import expect

IS_DARK = "document.documentElement.classList.contains('dark')"


def test_ones_own_menu_opens_and_closes_by_keyboard(sit_down):
    page = sit_down("viewer").open("/admin/")
    opener = page.get_by_role("button", name=re.compile("user[0-9]"))

    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_person_signs_out_by_keyboard(sit_down):
    page = sit_down("viewer").open("/admin/")
    page.get_by_role("button", name=re.compile("user[0-9]")).focus()
    page.keyboard.press("Enter")

    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("logout"))

    assert [cookie for cookie in page.context.cookies() if cookie["name"] == "sessionid"] == []


def test_in_a_narrow_window_the_sidebar_opens_by_keyboard(sit_down):
    page = sit_down("operator", width=390).open("/admin/")
    expect(page.get_by_role("link", name="Failed exports", exact=True)).to_be_hidden()

    page.get_by_role("button", name="Menu", exact=True).focus()
    page.keyboard.press("Enter")

    expect(page.locator("#nav-sidebar").get_by_role("link", name="Failed exports")).to_be_visible()


def test_the_filters_open_and_close_by_keyboard(sit_down):
    page = sit_down("owner").open("/admin/audit/event/")
    button = page.get_by_role("button", name="Filters")
    button.focus()

    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#changelist-filter")).to_be_hidden()
    expect(button).to_be_focused()


def test_light_and_dark_follow_the_system_until_somebody_chooses(sit_down):
    page = sit_down("viewer", dark=True).open("/admin/")
    assert page.evaluate(IS_DARK) is True
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"!{IS_DARK}")
    page.emulate_media(color_scheme="dark")

    page.get_by_role("button", name=re.compile("user[0-9]")).click()
    page.get_by_role("button", name="Light").click()
    expect(page.get_by_role("button", name="Light")).to_have_attribute("aria-pressed", "true")
    page.reload()
    page.wait_for_load_state("networkidle")

    assert page.evaluate(IS_DARK) is False


def test_a_window_is_dark_before_the_theme_has_run(sit_down):
    window = sit_down("viewer", dark=True)
    window.page.route("**/alpine.js", lambda route: route.fulfill(body="", content_type="text/javascript"))

    page = window.open("/admin/")

    assert page.locator("meta[name=color-scheme]").get_attribute("content") == "dark"
    assert page.evaluate("getComputedStyle(document.documentElement).display") == "none"  # nothing unstyled is seen
