"""Each caller has so many requests a minute, whichever process answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts import rates as module
from accounts import scope
from accounts.models import RequestCount
from accounts.rates import Rates
from tests import builders
from tests.exports.api import world as worlds


class Clock:
    now = 60.0 * 1000 + 19

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_so_many_pass_in_a_minute_and_the_next_waits_for_its_end(organization, settings, clock):
    settings.API_REQUESTS = 40
    rates = Rates(clock)

    standings = [rates.spend(organization.pk, "key:erp") for _ in range(41)]

    assert [standing.remaining for standing in standings] == [*range(39, -1, -1), 0]
    assert [standing.allowed for standing in standings] == [True] * 40 + [False]
    assert standings[0].headers == {"RateLimit-Policy": '"minute";q=40;w=60', "RateLimit": '"minute";r=39;t=41'}
    assert standings[-1].headers["Retry-After"] == "41"

    clock.now += 41
    assert rates.spend(organization.pk, "key:erp").remaining == 39


def test_callers_and_organizations_do_not_share(organization, settings, clock):
    settings.API_REQUESTS = 1
    rates = Rates(clock)

    assert rates.spend(organization.pk, "key:erp").allowed
    assert not rates.spend(organization.pk, "key:erp").allowed
    assert rates.spend(organization.pk, "user:anna").allowed
    other = builders.organization("Other")
    with scope.to(other.pk):
        assert rates.spend(other.pk, "key:erp").allowed


def test_processes_share_the_limit_and_write_it_once_for_many(organization, settings, clock, django_assert_num_queries):
    settings.API_REQUESTS = 100
    here, there = Rates(clock), Rates(clock)
    here.spend(organization.pk, "key:erp")

    with django_assert_num_queries(0):
        for _ in range(4):
            here.spend(organization.pk, "key:erp")

    passed = 5
    for rates in (there, here):
        while rates.spend(organization.pk, "key:erp").allowed:
            passed += 1
    assert passed == 100
    assert RequestCount.objects.get().taken == 100


def test_zero_is_no_limit(organization, settings, clock, django_assert_num_queries):
    settings.API_REQUESTS = 0

    with django_assert_num_queries(0):
        assert Rates(clock).spend(organization.pk, "key:erp") is None


def test_threads_of_one_process_never_pass_more(transactional_db, settings, clock):
    settings.API_REQUESTS = 60
    acme = builders.organization("Acme")
    rates = Rates(clock)

    def ask(_):
        with scope.to(acme.pk):
            try:
                return rates.spend(acme.pk, "key:erp").allowed
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(ask, range(120)))

    assert sum(allowed) == 60


def test_the_api_says_how_a_caller_stands_and_refuses_beyond(organization, settings, monkeypatch, clock):
    settings.API_REQUESTS = 2
    monkeypatch.setattr("exports.api.resource.rates", Rates(clock))
    world = worlds.make()
    api = worlds.caller("viewer")

    first = api.get(f"documents/{world.document.pk}")
    forbidden = api.post(f"documents/{world.document.pk}/send_back", {"why": "x"})
    third = api.get("me")

    assert (first.status_code, first["RateLimit"]) == (200, '"minute";r=1;t=41')
    assert (forbidden.status_code, forbidden["RateLimit"]) == (403, '"minute";r=0;t=41')
    assert (third.status_code, third["RateLimit-Policy"], third["Retry-After"]) == (429, '"minute";q=2;w=60', "41")
    assert third.json()["code"] == "throttled"
    assert worlds.caller("viewer").get("me").status_code == 200


def test_what_is_held_for_earlier_minutes_is_forgotten(organization, settings, clock, monkeypatch):
    settings.API_REQUESTS = 10
    monkeypatch.setattr(module, "MOST_CALLERS", 3)
    rates = Rates(clock)
    for name in ("a", "b", "c"):
        rates.spend(organization.pk, name)

    clock.now += 60
    rates.spend(organization.pk, "d")

    assert sorted(caller for _, caller in rates._held) == ["d"]
