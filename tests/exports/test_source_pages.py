"""The desk's pages of sources: set up with a form that tells what is wrong, watched, tested, polled, paused, mended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports.models import Claim, SourceState
from exports.states import ClaimState
from pipelines.models import Source
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.pretend import act, claim, other, source, turn

other = other  # noqa: PLW0127  # a fixture

LIST = "/admin/pipelines/source/"

pytestmark = pytest.mark.usefixtures("kinds")


def browser(organization, role="integrator"):
    made = Client()
    made.force_login(builders.user(role=role, organization=organization))
    return made


@pytest.fixture
def desk(organization):
    return browser(organization)


def page(desk, path):
    reply = desk.get(path)
    assert reply.status_code == 200, reply.content[:500]
    return reply.content.decode()


def of(made):
    return f"{LIST}{made.pk}/change/"


def said(reply):
    return " ".join(str(message) for message in reply.wsgi_request._messages)


def form(queue, **more):
    return {
        "name": "Confirmed tab", "kind": "rossum", "queue": queue.pk, "arrives": "export", "every_seconds": "30",
        "slowest_seconds": "300", "destination": "",
        "config": '{"base_url": "https://acme.rossum.app/api/v1/", "queues": [205], "username": "robot"}', **more,
    }  # fmt: skip


def test_an_empty_list_says_what_to_do(desk):
    assert "Sources" in page(desk, LIST)


def test_a_source_is_set_up_and_looks_at_once(organization, desk):
    reply = desk.post(f"{LIST}add/", form(builders.queue()))

    made = Source.objects.get()
    assert (reply.status_code, made.kind, made.config["queues"]) == (302, "rossum", [205])
    assert SourceState.objects.get(source=made).next_at <= timezone.now()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"config": '{"base_url": "ftp://x", "queues": [1]}'}, "This is an address such as https://acme.rossum.app"),
        ({"config": '{"queues": [1]}'}, "base_url"),
        ({"config": '{"base_url": "https://x/v1", "queues": [1], "passwort": "x"}'}, "passwort"),
        ({"config": "{"}, "This is no JSON"),
        ({"kind": "pigeon"}, "not one of the available choices"),
        ({"every_seconds": "0"}, "greater than or equal to 1"),
        ({"every_seconds": "600"}, "From 600"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(organization, desk, given, told):
    reply = desk.post(f"{LIST}add/", form(builders.queue(), **given))

    assert (reply.status_code, Source.objects.count()) == (200, 0)
    assert told in reply.content.decode()


def test_the_editor_is_told_of_problems_with_their_lines_and_of_the_options(organization, desk):
    config = '{\n "base_url": "https://x/v1",\n "queues": []\n}'
    problems = desk.post(f"{LIST}check/", {"kind": "rossum", "config": config}).json()["problems"]
    offers = desk.get(f"{LIST}offers/", {"kind": "rossum"}).json()

    assert [(one["path"], one["line"]) for one in problems] == [("config.queues", 3)]
    assert {"base_url", "queues", "mark_failed"} <= set(offers["schema"]["properties"])
    assert desk.get(f"{LIST}offers/", {"kind": "pigeon"}).json()["schema"] == {}


def test_the_page_shows_how_it_does_and_what_it_took(organization, desk, other):
    made = source(act("send", "reject", message="Supplier is blocked"))
    other.things = {"a-1": "1"}
    turn(made), turn(made)

    shown = page(desk, of(made))

    taken = claim(made, "a-1")
    assert "the oldest thing there has waited 7 s" in shown
    assert "saw 1, took 0 new" in shown
    assert f"/admin/exports/document/{taken.document_id}/change/" in shown
    assert "Supplier is blocked" in shown
    assert "Reported: failed" in shown
    assert "Nothing is in this state" in page(desk, f"{of(made)}?state=blocked")
    assert "7 s" in page(desk, LIST)


def test_the_buttons_ask_the_verbs(organization, desk, other):
    made = source()
    turn(made)

    assert "It says hello." in said(desk.post(f"{LIST}{made.pk}/test/", follow=False))
    desk.post(f"{LIST}{made.pk}/pause/", {"why": "They move house."})
    assert "They move house." in page(desk, of(made))
    assert "is paused" in said(desk.post(f"{LIST}{made.pk}/poll/"))
    desk.post(f"{LIST}{made.pk}/resume/")
    SourceState.objects.update(next_at=timezone.now() + timedelta(hours=1))
    desk.post(f"{LIST}{made.pk}/poll/")

    made.refresh_from_db()
    assert made.paused_at is None
    assert SourceState.objects.get().next_at <= timezone.now()


def test_a_claim_is_tried_again_and_let_go_with_a_reason(organization, desk, other):
    made = source()
    Claim.own(source=made, key="a-1", state=ClaimState.TO_REPORT, outcome="failed", error="403", tries=7).save()
    taken = claim(made, "a-1")

    desk.post(f"{LIST}claims/{taken.pk}/try_again/")
    assert claim(made, "a-1").tries == 0
    assert "Say why" in said(desk.post(f"{LIST}claims/{taken.pk}/let_go/", {"why": " "}))
    desk.post(f"{LIST}claims/{taken.pk}/let_go/", {"why": "I telephoned."})

    assert claim(made, "a-1").state == "released"


def test_home_names_sources_in_trouble(organization, desk, other):
    made = source()
    builders.document(made.queue)
    SourceState.own(source=made, errors=4, error="They answered 500.", error_at=timezone.now()).save()
    Claim.own(source=made, key="a-1", state=ClaimState.BLOCKED).save()

    shown = page(desk, "/admin/")

    assert "Source Other side: failing, 4 times in a row" in shown
    assert "They answered 500." in shown
    assert "one thing waits for a person" in shown


@pytest.mark.parametrize("act_", ["test", "poll", "pause", "resume"])
def test_a_viewer_looks_and_changes_nothing(organization, other, act_):
    viewer, made = browser(organization, "viewer"), source()

    turn(made)

    assert "How it does" in page(viewer, of(made))
    assert viewer.post(f"{LIST}{made.pk}/{act_}/").status_code == 403


def test_another_organizations_claims_are_not_found(organization, desk):
    from accounts import scope

    others = builders.organization("Others")
    with scope.to(others.pk):
        queue = builders.queue()
        foreign = Source.own(name="Theirs", kind="rossum", queue=queue)
        foreign.save()
        Claim.own(source=foreign, key="x", state=ClaimState.BLOCKED).save()
        theirs = Claim.objects.get()

    assert desk.post(f"{LIST}claims/{theirs.pk}/let_go/", {"why": "x"}).status_code == 404
    assert desk.post(f"{LIST}{foreign.pk}/poll/").status_code == 404
