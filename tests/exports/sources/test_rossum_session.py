"""The login, the pace and the test button of a Rossum source."""

from __future__ import annotations

import pytest

from exports.models import Claim, SourceState
from exports.sources import acts, pull, rossum
from pipelines import vault
from tests import builders
from tests.exports.kinds import kinds as kinds
from tests.exports.sources.pretend import turn
from tests.exports.sources.rossums import account as account
from tests.exports.sources.rossums import hurried as hurried
from tests.exports.sources.rossums import of

pytestmark = pytest.mark.usefixtures("organization", "kinds", "hurried")


def test_a_forgotten_login_is_made_anew_once(account):
    account.add({"number": "1"})
    made = of(account)
    turn(made)
    account.expire_tokens()

    state = turn(made)

    assert (state.errors, account.calls["POST login"], account.states()) == (0, 2, {"exported": 1})


def test_a_login_that_never_holds_is_not_tried_for_ever(account):
    account.answer("GET annotations", 401, times=5)
    made = of(account)

    state = turn(made)

    assert state.reason == "misconfigured"
    assert account.calls["POST login"] == 2


def test_a_wrong_password_says_so_and_shows_none(account):
    made = of(account)
    vault.put("rossum_password", "wrong-hush", by=builders.owner(), destination=made.destination)

    state = turn(made)

    assert "refused the login of robot@acme.example" in state.error
    assert "wrong-hush" not in state.error


def test_the_pace_and_a_throttled_answer_are_obeyed(account, monkeypatch):
    monkeypatch.setattr(rossum, "RATE", 9.0)
    account.rate = 10
    for number in range(4):
        account.add({"number": str(number)})
    made = of(account)
    turn(made)
    account.answer("GET annotations", 429, {"Retry-After": "77"})

    state = turn(made)

    assert account.refused == []
    assert account.busiest_second() <= 10
    assert (state.errors, state.reason) == (1, "exhausted")
    wait = (state.next_at - SourceState.objects.get().error_at).total_seconds()
    assert 76 < wait < 86
    assert pull._pacers


def test_the_test_button_logs_in_and_moves_nothing(account):
    account.add({"number": "1"})
    made = of(account)

    seen = acts.test(made, by=builders.owner())
    missing = acts.test(of_queue(made, 999), by=builders.owner())

    assert seen.ok
    assert "Logged in. Queues: Queue 205 (1 confirmed)." in seen.message
    assert (missing.ok, missing.reason) == (False, "misconfigured")
    assert "There is no queue 999" in missing.message
    assert Claim.objects.count() == 0


def of_queue(made, number):
    made.config = {**made.config, "queues": [number]}
    return made


def test_a_token_instead_of_a_login(account):
    account.add({"number": "1"})
    made = of(account, username="")
    vault.put("rossum_token", account.token(), by=builders.owner(), destination=made.destination)

    turn(made), turn(made)

    assert (account.calls["POST login"], account.states()) == (0, {"exported": 1})
