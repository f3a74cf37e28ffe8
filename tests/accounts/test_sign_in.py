"""Failed sign-ins and wrong keys: counted by account and by address, refused for a while, told, and in the trail."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import keys, scope, signin
from accounts.models import FailedTries
from audit.models import Event
from tests import builders

RIGHT = "a right long password"
TOO_MANY = "Too many sign-ins failed. Try again in 15 minutes."
WRONG = "Please enter the correct username and password"


@pytest.fixture(autouse=True)
def few(settings):
    settings.SIGN_IN_TRIES = 3
    settings.BEHIND_PROXY = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a hundred tries in a second


@pytest.fixture
def anna(organization):
    person = builders.user("anna", organization=organization)
    person.set_password(RIGHT)
    person.save()
    return person


def sign_in(name: str, password: str, *, at: str = "192.0.2.7", **headers: str) -> str:
    """What the page says; "in" for somebody who is in."""
    given = {"username": name, "password": password, "next": "/admin/"}
    response = Client().post("/admin/login/", given, REMOTE_ADDR=at, headers=headers)
    return "in" if response.status_code == 302 else response.content.decode()


def test_after_too_many_failures_the_right_password_is_refused_too(anna):
    said = [sign_in("anna", f"wrong {number}") for number in range(3)]

    assert [(WRONG in text, TOO_MANY in text) for text in said] == [(True, False), (True, False), (False, True)]
    assert TOO_MANY in sign_in("anna", RIGHT)
    assert TOO_MANY in sign_in(" Anna", RIGHT)  # the same account to whoever counts
    assert FailedTries.objects.filter(count__gt=3).count() == 0  # what is refused adds nothing


def test_it_is_over_when_the_time_is(anna):
    for number in range(4):
        sign_in("anna", f"wrong {number}")
    FailedTries.objects.update(since=timezone.now() - timedelta(seconds=901))

    assert sign_in("anna", RIGHT) == "in"


def test_a_stranger_does_not_lock_the_person_out_with_a_handful(anna):
    for number in range(5):
        sign_in("anna", f"wrong {number}", at="198.51.100.1")

    assert sign_in("anna", RIGHT) == "in"


def test_many_addresses_together_do(anna):
    for number in range(30):
        sign_in("anna", "wrong", at=f"198.51.100.{number}")

    assert TOO_MANY in sign_in("anna", RIGHT)


def test_one_address_that_tries_many_accounts_is_refused_and_others_are_not(anna):
    for number in range(15):
        sign_in(f"person{number}", "wrong")

    assert TOO_MANY in sign_in("anna", RIGHT)
    assert sign_in("anna", RIGHT, at="192.0.2.8") == "in"


def test_a_success_forgets_what_failed_before_it(anna):
    for _ in range(4):
        assert WRONG in sign_in("anna", "wrong")
        assert WRONG in sign_in("anna", "wrong")
        assert sign_in("anna", RIGHT) == "in"


def test_the_last_failure_stands_in_the_trail_of_the_members_organizations(anna, organization, caplog):
    other = builders.organization("Other")
    for number in range(6):
        sign_in("anna", f"wrong {number}")
        sign_in(f"nobody{number}", "wrong", at="192.0.2.99")

    [event] = Event.objects.filter(verb="membership.lock_out")

    assert (event.organization_id, event.actor) == (organization.pk, "waybill:sign_in")
    assert event.subject == f"membership:{anna.memberships.get().pk}"
    assert (event.detail["address"], 890 < event.detail["seconds"] <= 901) == ("192.0.2.7", True)
    assert not Event.objects.filter(organization_id=other.pk).exists()
    assert {record.address for record in caplog.records if record.msg == "a sign-in failed"} == {
        "192.0.2.7",
        "192.0.2.99",
    }


@pytest.mark.parametrize(
    ("behind", "remote", "forwarded", "counted"),
    [
        (False, "192.0.2.7", "203.0.113.9", "192.0.2.7"),
        (True, "127.0.0.1", "203.0.113.9, 198.51.100.4", "198.51.100.4"),
        (True, "127.0.0.1", "198.51.100.4:5678", "198.51.100.4"),
        (True, "127.0.0.1", "[2001:db8::7]:443", "2001:db8::/64"),
        (True, "127.0.0.1", "", "127.0.0.1"),
        (True, "127.0.0.1", "not an address", ""),
        (False, "2001:db8:0:1:2:3:4:5", "", "2001:db8:0:1::/64"),
        (False, "::ffff:192.0.2.7", "", "192.0.2.7"),
        (False, "", "", ""),
    ],
)
def test_the_address_is_believed_only_where_a_proxy_is(rf, settings, behind, remote, forwarded, counted):
    settings.BEHIND_PROXY = behind
    request = rf.get("/", REMOTE_ADDR=remote, headers={"X-Forwarded-For": forwarded})

    assert signin.address(request) == counted


def test_a_sender_of_forged_headers_is_counted_as_one(anna):
    for number in range(4):
        said = sign_in("anna", "wrong", **{"X-Forwarded-For": f"203.0.113.{number}"})

    assert TOO_MANY in said


def test_wrong_keys_are_answered_429_and_a_right_one_passes(organization):
    with scope.to(organization.pk):
        _, right = keys.create(builders.owner(), "erp-robot", "viewer")
    client = Client(REMOTE_ADDR="192.0.2.7")

    def ask(key: str, **given: str):
        return client.get("/api/v1/documents", headers={"Authorization": f"Bearer {key}"}, **given)

    answers = [ask("wb_0123456789ab_" + "x" * 43) for _ in range(16)]

    assert [answer.status_code for answer in answers] == [401] * 15 + [429]
    assert answers[-1].json()["code"] == "throttled"
    assert 890 < int(answers[-1]["Retry-After"]) <= 901
    assert ask(right).status_code == 200
    assert ask("wb_wrong", REMOTE_ADDR="192.0.2.8").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_get_more_tries():
    passed = []

    def one() -> None:
        try:
            signin.begin("anna", "192.0.2.7")
        except PermissionDenied:
            return
        finally:
            connection.close()
        passed.append(1)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 3
