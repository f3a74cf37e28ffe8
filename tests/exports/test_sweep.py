"""What every loop does besides driving attempts: each part does its own, and none keeps the others from theirs."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.utils import timezone

from accounts import scope
from audit import sealing
from audit.models import Event, Seal
from exports import replies, sweep
from exports.models import ApiReply, Loop
from tests import builders, desk


def reply(key, hours):
    row = ApiReply.own(actor="key:robot", key=key, fingerprint="0" * 64, status=201)
    row.created_at = timezone.now() - timedelta(hours=hours)
    row.save()


def test_kept_replies_are_forgotten_after_a_day_for_every_organization(organization):
    reply("old", 25)
    reply("young", 23)
    with scope.to(builders.organization("Other").pk):
        reply("theirs", 25)

    sweep.run()

    assert list(ApiReply.unscoped.values_list("key", flat=True)) == ["young"]


def test_one_round_forgets_the_oldest_replies_and_leaves_the_rest_to_the_next(organization):
    for key, hours in (("a", 30), ("b", 40), ("c", 50)):
        reply(key, hours)

    first = replies.forget(timezone.now(), most=2)

    assert (first, list(ApiReply.objects.values_list("key", flat=True))) == (2, ["a"])
    assert replies.forget(timezone.now(), most=2) == 1
    assert replies.forget(timezone.now(), most=2) == 0


def test_loops_that_are_no_more_are_forgotten(db):
    now = timezone.now()
    Loop.objects.create(worker="gone", seen_at=now - timedelta(minutes=11))
    Loop.objects.create(worker="here", seen_at=now)

    sweep.run()

    assert list(Loop.objects.values_list("worker", flat=True)) == ["here"]


def test_a_part_that_fails_is_logged_and_keeps_no_other_from_its_work(organization, monkeypatch, caplog):
    def broken(**limits):
        raise RuntimeError("no disk")

    monkeypatch.setattr(sealing, "seal_new", broken)
    reply("old", 25)

    with caplog.at_level(logging.ERROR):
        sweep.run()

    assert not ApiReply.objects.exists()
    assert [record.part for record in caplog.records] == ["_seal"]
    assert not Seal.objects.exists()
    assert not Event.objects.exists()


def test_every_part_has_its_turn_within_five_rounds_and_the_urgent_ones_each_time(monkeypatch):
    ran = []
    parts = [name for name in vars(sweep) if name.startswith("_") and callable(vars(sweep)[name])]
    for name in parts:
        part = lambda name=name: ran.append(name)  # noqa: E731
        part.__name__ = name
        monkeypatch.setattr(sweep, name, part)

    for turn in range(7, 7 + sweep.TURNS):
        sweep.run(turn)

    assert {name: ran.count(name) for name in parts} == {
        name: sweep.TURNS if name in {"_lapse", "_wake", "_time_out", "_seal", "_tell", "_breakers", "_jobs"} else 1
        for name in parts
    }


def test_indexing_for_search_gives_way_to_due_work_but_not_for_longer_than_half_a_minute(organization, monkeypatch):
    waits = builders.attempt({"name": "Render", "kind": "template", "config": desk.TEMPLATE}).document
    monkeypatch.setattr(sweep, "_caught_up", time.monotonic())

    sweep.run()
    waits.refresh_from_db()
    assert waits.unindexed

    monkeypatch.setattr(sweep, "_caught_up", time.monotonic() - sweep.SEARCH_WAITS)
    sweep.run()
    waits.refresh_from_db()
    assert not waits.unindexed
