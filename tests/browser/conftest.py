"""A real Chromium on the real pages. What a page asks of another host, or says on its console, fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.test import Client

from accounts import scope
from tests import builders, desk

CHROMIUM = os.environ.get("WAYBILL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def chromium(live_server, queue, monkeypatch) -> Iterator[object]:
    """A browser for one test. playwright's loop runs in this thread as long as it lives, and Django takes the test's own
    queries for asynchronous ones meanwhile; so it begins after the database is ready, and ends before it is emptied."""
    if not CHROMIUM:
        pytest.skip("no browser here: install the package chromium, or name one in WAYBILL_CHROMIUM")
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def queue(transactional_db):
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        yield builders.queue("Invoices", pipeline=desk.pipeline())


@dataclass
class Desk:
    """A browser window of one person."""

    page: object
    base: str
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str):
        self.page.goto(f"{self.base}{path}")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        root = "document.documentElement"
        return self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")


@pytest.fixture
def sit_down(chromium, live_server, queue):
    """Opens a window for a new person of the given role; at the end, nothing may have gone wrong in any of them."""
    windows: list[Desk] = []

    def sit(role: str = "owner", *, width: int = 1280, dark: bool = False, zone: str = "Europe/Vienna") -> Desk:
        client = Client()
        client.force_login(builders.user(role=role, organization=queue.organization))
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            timezone_id=zone,
            locale="en-GB",
        )
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        window = Desk(context.new_page(), live_server.url)
        page = window.page
        page.on("pageerror", lambda error: window.wrong.append(f"script: {error}"))
        page.on("console", lambda said: window.wrong.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: _note(window, asked.url))
        windows.append(window)
        return window

    yield sit
    wrong = [what for window in windows for what in window.wrong]
    for window in windows:
        window.page.context.close()
    assert wrong == []


def _note(window: Desk, url: str) -> None:
    if not url.startswith((window.base, "data:", "blob:", "chrome")):
        window.wrong.append(f"asked another host: {url}")
