"""One attempt held back and let go on: by the verbs, by the API, on its page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.policy import Principal
from audit.models import Event
from exports import attempts, loop, transitions, worklist
from exports.models import Attempt, Document
from exports.states import State, Status
from pipelines.refusals import Refused
from tests import builders
from tests.exports.api import world as worlds
from tests.exports.kinds import act, export, kinds  # noqa: F401  # kinds is a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def test_a_paused_attempt_is_claimed_by_nobody_until_it_is_resumed(kinds):
    attempt = builders.attempt(act("a"))

    paused = attempts.pause(attempt, by=builders.owner(), why="month end").state
    claimed = worklist.claim("worker", 10)
    resumed = attempts.resume(attempt, by=builders.owner()).state

    assert (paused, claimed, resumed) == (State.PAUSED, (None, []), State.QUEUED)
    assert Document.objects.get().status == Status.EXPORTING
    assert loop.run_now(attempt.pk).state == State.SUCCEEDED
    assert kinds == ["a"]


def test_a_waiting_attempt_keeps_its_tries_and_is_due_when_it_is_resumed():
    attempt = export(act("a", "unavailable"), max_tries=5)
    assert (attempt.state, attempt.tries) == (State.WAITING, 1)

    attempts.pause(attempt, by=builders.owner())
    Attempt.objects.update(due_at=timezone.now())
    woken = transitions.wake(timezone.now())
    paused = Attempt.objects.get().state
    Attempt.objects.update(due_at=timezone.now() + timedelta(hours=1))
    resumed = attempts.resume(attempt, by=builders.owner())

    assert (woken, paused) == (0, State.PAUSED)
    assert (resumed.state, resumed.tries) == (State.QUEUED, 1)
    assert resumed.due_at <= timezone.now()


def test_pausing_twice_is_pausing_once():
    attempt = builders.attempt(act("a"))

    for _ in range(2):
        attempts.pause(attempt, by=builders.owner(), why="wait")
    for _ in range(2):
        attempts.resume(attempt, by=builders.owner())

    verbs = Event.objects.filter(subject=f"attempt:{attempt.pk}").order_by("id").values_list("verb", "why")
    assert list(verbs) == [("attempt.queue", ""), ("attempt.pause", "wait"), ("attempt.resume", "")]


def test_what_runs_is_not_paused():
    attempt = builders.attempt(act("a"))
    worklist.claim("worker", 1)

    with pytest.raises(Refused, match="It is running: a worker has it now"):
        attempts.pause(attempt, by=builders.owner())

    assert Attempt.objects.get().state == State.RUNNING


def test_what_waits_for_somebody_outside_is_not_paused():
    attempt = export(act("ask", "park"))

    with pytest.raises(Refused, match="It is parked"):
        attempts.pause(attempt, by=builders.owner())

    assert Attempt.objects.get().state == State.PARKED


@pytest.mark.parametrize("verb", [attempts.pause, attempts.resume])
def test_what_has_ended_is_neither_paused_nor_resumed(verb):
    attempt = export(act("a"))

    with pytest.raises(Refused, match="It has succeeded already."):
        verb(attempt, by=builders.owner())


def test_a_paused_attempt_can_be_cancelled():
    attempt = builders.attempt(act("a"))
    attempts.pause(attempt, by=builders.owner())

    attempts.cancel(attempt, by=builders.owner(), why="not this month")

    assert Attempt.objects.get().state == State.CANCELLED
    assert Document.objects.get().status == Status.CONFIRMED


@pytest.mark.parametrize("verb", [attempts.pause, attempts.resume])
def test_a_viewer_neither_pauses_nor_resumes(verb):
    attempt = builders.attempt(act("a"))
    viewer = Principal.of_user(builders.user(role="viewer", organization=attempt.organization), attempt.organization_id)

    with pytest.raises(PermissionDenied, match=r"exports\.cancel_attempt"):
        verb(attempt, by=viewer)

    assert Attempt.objects.get().state == State.QUEUED


def test_the_api_pauses_and_resumes():
    attempt = builders.attempt(act("a"))
    api = worlds.caller("operator")

    paused = api.post(f"attempts/{attempt.pk}/pause", {"why": "month end"})
    resumed = api.post(f"attempts/{attempt.pk}/resume")
    worklist.claim("worker", 1)
    refused = api.post(f"attempts/{attempt.pk}/pause")

    assert (paused.status_code, paused.json()["state"]) == (200, "paused")
    assert (resumed.status_code, resumed.json()["state"]) == (200, "queued")
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")


def test_the_page_pauses_and_resumes_and_says_who_did_it(organization):
    attempt = builders.attempt(act("a"))
    client = Client()
    client.force_login(builders.user("oscar", organization=organization))
    page = reverse("admin:exports_attempt_change", args=[attempt.pk])

    pause = reverse("admin:exports_attempt_pause", args=[attempt.pk])
    shown = client.post(pause, {"why": "month <end>"}, follow=True).content.decode()
    listed = client.get(reverse("admin:exports_attempt_changelist"), {"state": "paused"}).content.decode()
    resume = reverse("admin:exports_attempt_resume", args=[attempt.pk])
    client.get(resume)
    still = Attempt.objects.get().state
    after = client.post(resume, follow=True).content.decode()

    assert "Paused by user:oscar" in shown
    assert "“month &lt;end&gt;”. Nothing of it is sent" in shown
    assert f'action="{resume}"' in shown
    assert f'action="{pause}"' not in shown
    assert "Paused" in listed
    assert still == State.PAUSED
    assert "The attempt goes on now." in after
    assert f'action="{pause}"' in client.get(page).content.decode()
