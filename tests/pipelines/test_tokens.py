"""Tokens that workers share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from pipelines import tokens
from pipelines.models import Token
from pipelines.tokens import SharedTokens

NAME = "c" * 64


class Clock:
    """A wall clock and a monotonic one that move together when told."""

    def __init__(self):
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self):
        return self.moment

    def ticks(self):
        return self.moment.timestamp()

    def wait(self, seconds):
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    tokens._kept.clear()
    return Clock()


def store(organization, clock):
    return SharedTokens(organization.pk, now=clock.now, clock=clock.ticks)


def another_process(organization, clock):
    """A store that has nothing kept in memory."""
    tokens._kept.clear()
    return store(organization, clock)


def test_a_token_is_shared_and_its_row_does_not_show_it(organization, clock):
    store(organization, clock).put(NAME, "bearer-1", 3600)

    assert another_process(organization, clock).get(NAME) == "bearer-1"
    assert b"bearer-1" not in bytes(Token.objects.get().sealed)
    assert store(organization, clock).get("d" * 64) is None


def test_a_token_is_not_seen_by_another_organization(organization, clock):
    from tests import builders

    store(organization, clock).put(NAME, "bearer-1", 3600)

    assert store(builders.organization(), clock).get(NAME) is None


@pytest.mark.parametrize(("life", "still", "no_more"), [(3600, 3539, 3541), (10, 8.9, 9.1), (0, None, 0)])
def test_a_token_is_given_up_a_little_before_it_expires(organization, clock, life, still, no_more):
    kept = store(organization, clock)
    kept.put(NAME, "bearer-1", life)

    if still:
        clock.wait(still)
        assert kept.get(NAME) == "bearer-1"
        clock.wait(no_more - still)
    assert kept.get(NAME) is None
    assert another_process(organization, clock).get(NAME) is None


def test_a_token_without_a_stated_life_stays_until_it_is_dropped(organization, clock):
    kept = store(organization, clock)
    kept.put(NAME, "bearer-1", None)
    clock.wait(10_000_000)
    assert kept.get(NAME) == "bearer-1"

    kept.drop(NAME, "bearer-1")

    assert kept.get(NAME) is None
    assert not Token.objects.exists()


def test_only_the_token_that_was_refused_is_dropped(organization, clock):
    slow = store(organization, clock)
    slow.put(NAME, "bearer-1", 3600)
    another_process(organization, clock).put(NAME, "bearer-2", 3600)

    slow.drop(NAME, "bearer-1")
    slow.drop("d" * 64, "bearer-1")

    assert slow.get(NAME) == "bearer-2"


def test_a_row_that_cannot_be_opened_is_fetched_anew(organization, clock):
    store(organization, clock).put(NAME, "bearer-1", 3600)
    Token.objects.update(sealed=b"nothing that was ever sealed")

    assert another_process(organization, clock).get(NAME) is None
    store(organization, clock).put(NAME, "bearer-2", 3600)

    assert another_process(organization, clock).get(NAME) == "bearer-2"
    Token.objects.update(sealed=b"nothing that was ever sealed")
    store(organization, clock).drop(NAME, "bearer-2")
    assert not Token.objects.exists()


def test_tokens_of_settings_that_nobody_uses_any_more_are_forgotten(organization, clock):
    store(organization, clock).put(NAME, "bearer-1", 3600)
    store(organization, clock).put("e" * 64, "for ever", None)
    clock.wait(90_000)
    store(organization, clock).put("d" * 64, "bearer-2", 3600)

    assert set(Token.objects.values_list("name", flat=True)) == {"d" * 64, "e" * 64}


def test_within_a_second_the_database_is_not_asked_again(organization, clock, django_assert_num_queries):
    kept = store(organization, clock)
    kept.put(NAME, "bearer-1", 3600)

    with django_assert_num_queries(0):
        kept.get(NAME)

    clock.wait(1)
    with django_assert_num_queries(1):
        kept.get(NAME)


@pytest.mark.django_db(transaction=True)
def test_workers_that_fetch_at_once_leave_one_row(clock):
    from tests import builders

    acme = builders.organization("Acme")
    together = Barrier(4)

    def fetch(number):
        together.wait()
        store(acme, clock).put(NAME, f"bearer-{number}", 3600)
        connection.close()

    threads = [Thread(target=fetch, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Token.unscoped.count() == 1
    assert another_process(acme, clock).get(NAME) in {f"bearer-{number}" for number in range(4)}
