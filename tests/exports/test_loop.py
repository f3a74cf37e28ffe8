"""The drain loop with its threads, its writer and its leases, against the real database."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import pytest
from django.db import connection

from exports import attempts, doorbell, loop
from exports.models import Attempt, Content, Exchange, Loop, StageRun
from exports.states import State
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("organization", "kinds")]


@contextmanager
def draining(number=1):
    """That many drain loops in threads of this process."""

    def run():
        try:
            loop.drain(60)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        doorbell.stopping.set()
        for thread in threads:
            thread.join(30)
        doorbell.stopping.clear()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


def many(number, *stages):
    first = builders.attempt(*stages)
    queue = first.document.queue
    return [first, *(attempts.start(builders.document(queue), by=builders.owner()) for _ in range(number - 1))]


def test_a_loop_drives_what_is_due_and_what_comes_later():
    many(
        20,
        {"name": "a", "kind": "act", "config": {"write": ["x"]}},
        {"name": "b", "kind": "act_and_send", "config": {"do": "deliver"}},
    )

    with draining():
        wait_until(lambda: not Attempt.objects.exclude(state=State.SUCCEEDED).exists())
        many(3, {"name": "late", "kind": "act"})
        wait_until(lambda: Attempt.objects.filter(state=State.SUCCEEDED).count() == 23)

    assert StageRun.objects.count() == 20 * 2 + 3
    assert Exchange.objects.filter(ended_at=None).count() == 0
    assert Content.objects.count() == 20 + 20  # one for each artifact, and for each file that is none
    assert Loop.objects.count() == 0


def test_two_loops_run_no_attempt_twice(kinds):
    many(60, {"name": "a", "kind": "act"})

    with draining(2):
        wait_until(lambda: not Attempt.objects.exclude(state=State.SUCCEEDED).exists())

    assert len(kinds) == 60
    assert StageRun.objects.filter(tries=1).count() == 60


def test_a_commit_that_the_database_refuses_fails_that_attempt_alone():
    """Two versions with one number: the entry breaks a constraint, and the rest of its group does not suffer."""
    ones = many(6, {"name": "a", "kind": "act", "config": {"assign": {"number": "2"}}})
    victim = ones[3].document
    victim.versions.create(organization_id=victim.organization_id, number=2, content=[], by="somebody")

    with draining():
        wait_until(lambda: not Attempt.objects.filter(state__in=["queued", "running"]).exists())

    states = dict(Attempt.objects.values_list("document_id", "state"))
    assert states.pop(victim.pk) == State.FAILED
    assert set(states.values()) == {State.SUCCEEDED}
    assert Attempt.objects.get(document=victim).reason == "internal"
