"""What the desk shows of exports that wait for an outside client, and what a person does about them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from exports import clienttasks, loop
from exports.admin import homestuck
from exports.models import Attempt, ClientTask
from exports.states import Reason, State, TaskState
from tests import builders
from tests.exports.clients import client, offered


@pytest.fixture
def browser(organization):
    made = Browser()
    made.force_login(builders.user("anna", organization=organization))
    return made


def page(browser, task):
    return browser.get(reverse("admin:exports_attempt_change", args=[task.attempt_id])).content.decode()


def press(browser, task, name, **said):
    url = reverse(f"admin:exports_attempt_{name}", args=[task.attempt_id, task.pk])
    return browser.post(url, said, follow=True).content.decode()


def fallen_silent():
    task = clienttasks.start(offered(), client())
    clienttasks.tend(timezone.now() + timedelta(minutes=31))
    task.refresh_from_db()
    return task


def test_the_page_says_that_nobody_has_it_yet(browser):
    shown = page(browser, offered())

    assert "No outside client has taken it yet." in shown
    assert "Waits for an outside client" in shown
    assert "client:export" not in shown


def test_the_page_says_who_has_it(browser):
    shown = page(browser, clienttasks.start(offered(), client()))

    assert "<strong>key:robot</strong> took it" in shown
    assert "start_task" in shown
    assert "say what became of it first" in shown


def test_the_page_says_who_fell_silent(browser):
    shown = page(browser, fallen_silent())

    assert "never reported: it may have been done" in shown


def test_the_page_of_an_ended_attempt_says_who_did_it(browser):
    task = clienttasks.start(offered(), client())
    clienttasks.complete(task, client())
    loop.run_now(task.attempt_id)

    shown = page(browser, task)

    assert "key:robot said: completed" in shown
    assert "Offer it again now" not in shown


def test_a_person_says_that_it_arrived(browser):
    task = fallen_silent()

    told = press(browser, task, "settle_task", delivered="yes", reference="ERP-1", why="seen there")

    assert "Kept: it arrived. The attempt goes on." in told
    attempt = loop.run_now(task.attempt_id)
    assert (attempt.state, attempt.reference) == (State.SUCCEEDED, "ERP-1")


def test_a_person_says_that_it_did_not(browser):
    task = fallen_silent()

    press(browser, task, "settle_task", delivered="no", why="the robot is gone")

    attempt = loop.run_now(task.attempt_id)
    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, Reason.REJECTED, "the robot is gone")


def test_a_person_offers_it_again(browser):
    task = clienttasks.start(offered(), client())

    assert "offered again" in press(browser, task, "release_task", why="switched off")

    assert ClientTask.objects.get(pk=task.pk).state == TaskState.OFFERED


@pytest.mark.parametrize("name", ["settle_task", "release_task"])
def test_without_a_reason_nothing_happens(browser, name):
    task = clienttasks.start(offered(), client())

    assert "audit trail" in press(browser, task, name, why="", reference="x", delivered="yes")

    assert ClientTask.objects.get(pk=task.pk).state == TaskState.STARTED


def test_a_viewer_presses_nothing(organization):
    task = clienttasks.start(offered(), client())
    viewer = Browser()
    viewer.force_login(builders.user("eve", role="viewer", organization=organization))

    url = reverse("admin:exports_attempt_release_task", args=[task.attempt_id, task.pk])

    assert viewer.post(url, {"why": "x"}).status_code == 403
    assert ClientTask.objects.get(pk=task.pk).state == TaskState.STARTED


def test_another_organizations_task_is_not_there(browser):
    from accounts import scope

    other = builders.organization("Other")
    with scope.to(other.pk):
        task = offered()

    url = reverse("admin:exports_attempt_release_task", args=[task.attempt_id, task.pk])

    assert browser.post(url, {"why": "x"}).status_code in {302, 404}
    with scope.to(other.pk):
        assert ClientTask.objects.get().state == TaskState.OFFERED


def test_home_counts_what_waits_for_clients(browser):
    fallen_silent()
    clienttasks.start(offered(), client())

    home = browser.get(reverse("admin:index")).content.decode()

    assert "2 exports wait for an outside client" in home
    assert "1 not taken by anybody and 1 taken. 1 was taken before by a client that never reported." in home
    assert "for an outside client" in home
    assert "wait for an answer" not in home


def test_home_says_nothing_of_clients_where_there_are_none(browser):
    assert "outside client" not in browser.get(reverse("admin:index")).content.decode()
    assert not homestuck._clients()


def test_an_unknown_end_is_settled_like_any_other(browser):
    task = clienttasks.start(offered(recovery="ask"), client())
    clienttasks.tend(timezone.now() + timedelta(minutes=31))
    attempt = loop.run_now(task.attempt_id)

    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.UNCONFIRMED)
    assert "Nobody knows whether it arrived" in page(browser, task)
    browser.post(reverse("admin:exports_attempt_settle", args=[attempt.pk]), {"delivered": "yes", "reference": "ERP-2"})

    assert Attempt.objects.get(pk=attempt.pk).state == State.SUCCEEDED
