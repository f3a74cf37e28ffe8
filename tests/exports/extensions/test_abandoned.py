"""Calls whose thread is gone with its token: what they are answered, and what stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from exports import loop
from exports.extensions import calls
from exports.ids import uuid7
from exports.models import Attempt, ExtensionCall
from exports.states import State
from pipelines import rossumaccounts
from pipelines.models import RossumAccount
from tests import builders

BASE = "https://acme.rossum.app"


@pytest.fixture
def account(organization):
    row = RossumAccount.own(name="Acme", base_urls=[BASE])
    return rossumaccounts.save(row, by=builders.owner(), secrets=["the-signing-secret"])


def call(account, *, held=timedelta(seconds=-1), **values):
    row = ExtensionCall.own(
        account=account, extension="export-evaluator", hook=f"{BASE}/api/v1/hooks/1", request_id=str(uuid7()),
        annotation=f"{BASE}/api/v1/annotations/1", fingerprint="0" * 64, holder=uuid7(),
        held_until=timezone.now() + held, **values,
    )  # fmt: skip
    row.save()
    return row


def evaluated():
    return builders.attempt({"name": "Judge", "kind": "evaluate", "config": {"condition": "field.number == ''"}})


def test_one_that_had_not_begun_is_told_that_nothing_was_sent(account):
    row = call(account)

    assert calls.abandoned(timezone.now()) == 1

    row.refresh_from_db()
    assert row.failed
    assert row.reply["messages"][0]["content"].endswith("Nothing was sent. Export again.")


def test_one_whose_attempt_has_ended_is_told_that_the_next_export_finds_it(account):
    attempt = loop.run_now(evaluated().pk)
    row = call(account, attempt=attempt, document=attempt.document)

    calls.abandoned(timezone.now())

    row.refresh_from_db()
    assert row.reply["messages"][0]["content"].endswith("without being sent twice.")
    assert Attempt.objects.get(pk=attempt.pk).state == State.SUCCEEDED


def test_one_whose_attempt_goes_on_is_waited_for_up_to_two_hours(account):
    row = call(account, attempt=evaluated())

    assert calls.abandoned(timezone.now()) == 0
    ExtensionCall.objects.update(created_at=timezone.now() - timedelta(hours=3))
    assert calls.abandoned(timezone.now()) == 1

    row.refresh_from_db()
    assert "goes on in Waybill" in row.reply["messages"][0]["content"]


def test_one_that_a_thread_holds_is_left_to_it(account):
    row = call(account, held=timedelta(seconds=30))

    assert calls.abandoned(timezone.now()) == 0
    assert calls.hold(row) is None
    assert calls.keep(row, row.holder)


def test_one_is_finished_once_and_by_its_holder_only(account):
    row = call(account, held=timedelta(seconds=30))

    assert not calls.finish(row, {"messages": []}, holder=uuid7())
    assert calls.finish(row, {"messages": []}, holder=row.holder)
    assert not calls.finish(row, {"messages": [{"type": "error", "content": "x"}]}, holder=row.holder)

    row.refresh_from_db()
    assert (row.reply, row.failed) == ({"messages": []}, False)


def test_calls_are_forgotten_after_thirty_days(account):
    old, new = call(account), call(account)
    ExtensionCall.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))

    assert calls.forget(timezone.now()) == 1

    assert list(ExtensionCall.objects.values_list("pk", flat=True)) == [new.pk]


def test_a_place_is_one_calls_own_and_cannot_be_made_up(account):
    one, other = call(account), call(account)

    assert calls.at(calls.place_of(one)).pk == one.pk
    assert calls.place_of(one) != calls.place_of(other)
    assert calls.at(calls.place_of(one).replace(f"{one.pk}~", f"{other.pk}~", 1)) is None
    assert calls.at("") is None
