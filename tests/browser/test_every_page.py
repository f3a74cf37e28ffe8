"""Every page of the admin, of an organization with rows of every kind in every state and of one that begins today."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import User
from tests import builders, filled
from tests.browser import looks, pages

pytestmark = pytest.mark.slow

ROOMS = ["accounts", "audit", "exports", "pipelines"]


@pytest.fixture
def at_work(queue):
    person = builders.user("anna", role="owner", organization=queue.organization, is_superuser=True)
    return filled.fill(queue.organization, queue, person)


@pytest.fixture
def client_of_all(queue):
    client = Client()
    client.force_login(User.objects.filter(is_superuser=True).first() or builders.user(
        "anna", role="owner", organization=queue.organization, is_superuser=True
    ))  # fmt: skip
    return client


def walked(sit_down, addresses: dict[str, str], *, prefix: str = "") -> dict[str, list[str]]:
    """What is wrong, by page. The window belongs to an owner who is the installation's administrator too."""
    window = sit_down("owner")
    User.objects.filter(memberships__role="owner").update(is_superuser=True)
    found: dict[str, list[str]] = {}
    for name, address in addresses.items():
        wrong = list(looks.faults(window.page, f"{window.base}{address}", prefix + _file(name)))
        wrong += window.wrong
        window.wrong.clear()
        if wrong:
            found[name] = wrong
    report = looks.folder() / f"faults-{prefix}{_file(next(iter(addresses)))}.txt"
    report.write_text("\n".join(f"{name}: {one}" for name, wrong in found.items() for one in wrong))
    return found


def _file(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name.removeprefix("admin/")).strip("-") or "home"


def shown(client_of_all, addresses: dict[str, str]) -> dict[str, str]:
    """Those that answer with a page. Whatever else an address answers must be its task, or it is a fault that a walk
    would pass by: a verb answers 405 to a GET, what nobody may do 403, and what leads on leads to a page of the walk."""
    pages_of, astray = {}, {}
    for name, address in addresses.items():
        reply = client_of_all.get(address)
        if reply.status_code == 200:
            pages_of[name] = address
        elif not (
            (reply.status_code == 405 and "POST" in reply.headers.get("Allow", ""))
            or (reply.status_code == 403 and name in pages.REFUSES)
            or (reply.status_code in {301, 302} and client_of_all.get(reply.headers["Location"]).status_code == 200)
        ):
            astray[name] = f"{reply.status_code} {reply.headers.get('Location', '')}".strip()
    assert astray == {}
    return pages_of


@pytest.mark.parametrize("room", [*ROOMS, ""])
def test_every_page_is_readable_by_everybody(sit_down, at_work, client_of_all, room):
    known = pages.addresses()
    mine = {
        name: address
        for name, address in known.items()
        if (name.split("/")[1] if name.split("/")[1] in ROOMS else "") == room
    }

    found = walked(sit_down, shown(client_of_all, mine))

    assert found == {}


@pytest.mark.parametrize("kind", ["document", "attempt", "group", "job"])
def test_every_state_is_readable_by_everybody(sit_down, at_work, kind):
    addresses = pages.in_every_state(at_work)

    found = walked(sit_down, {name: to for name, to in addresses.items() if name.startswith(f"{kind}-")})

    assert found == {}


def test_every_question_is_answered_readably(sit_down, at_work):
    assert walked(sit_down, pages.QUESTIONS) == {}


def test_an_organization_that_begins_today_is_told_what_to_do(sit_down, queue, client_of_all):
    lists = {name: f"/{name}" for name in pages.patterns() if "<" not in name and name not in pages.NO_PAGE}

    found = walked(sit_down, shown(client_of_all, lists), prefix="empty-")

    assert found == {}


def test_the_doors_are_readable_by_everybody(sit_down):
    window = sit_down("viewer")
    page, found = window.page, {}

    for name, address, status in (
        ("not-found", "/nowhere/", 404),
        ("not-yours", "/admin/accounts/user/", 403),
        ("not-understood", "/admin/exports/attempt/?since=yesterdayish", 400),
    ):
        found[name] = list(looks.faults(page, f"{window.base}{address}", name, status=status))
    page.context.clear_cookies()
    found["login"] = list(looks.faults(page, f"{window.base}/admin/login/", "login"))
    said, window.wrong[:] = [*window.wrong], []  # the browser's own lines about the three

    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert [re.search(r"status of (\d+)", one)[1] for one in said] == ["404", "403", "400"]
