"""What only PostgreSQL has; test_postgresql.py runs it there."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, transaction

from audit import barriers, proof, sealing, trail
from audit.models import Event, Seal, Watermark


def record(number):
    for count in range(number):
        trail.record("exports.move", f"attempt:{count}", organization_id=1, actor="waybill:test")


@pytest.mark.parametrize("table", barriers.TABLES)
def test_it_cannot_be_truncated(table, db):
    record(1)

    with pytest.raises(DatabaseError, match=barriers.REFUSAL), transaction.atomic():
        connection.cursor().execute(f"TRUNCATE {table} CASCADE")

    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_slow_transaction_holds_the_watermark(monkeypatch):
    monkeypatch.setattr(sealing, "SETTLES", timedelta(0))
    begun, go_on = Barrier(2), Barrier(2)

    def slow():
        with transaction.atomic():
            record(1)
            begun.wait()
            go_on.wait()
        connection.close()

    thread = Thread(target=slow)
    thread.start()
    begun.wait()
    record(3)
    for _ in range(5):
        sealing.seal_new()
    held = Watermark.objects.get().settled
    go_on.wait()
    thread.join()

    assert held == 0
    assert sealing.seal_new() == 1
    for _ in range(3):
        sealing.seal_new()
    assert Watermark.objects.get().settled == Event.objects.latest("pk").pk
    assert proof.verify(1) == []


def test_the_watermark_moves_only_past_what_was_seen_long_enough_ago(db, monkeypatch):
    record(3)
    sealing.seal_new()
    seen = Event.objects.latest("pk").pk
    record(1)
    sealing.seal_new()
    assert Watermark.objects.get().settled == 0

    monkeypatch.setattr(sealing, "SETTLES", timedelta(0))
    sealing.seal_new()
    assert Watermark.objects.get().settled == seen

    sealing.seal_new()
    sealing.seal_new()
    assert Watermark.objects.get().settled == Event.objects.latest("pk").pk


def test_an_event_that_appears_below_sealed_ones_is_sealed_late(db):
    record(3)
    _, second, _ = Event.objects.order_by("pk")
    barriers.take_down(connection)
    second_pk = second.pk
    second.delete()  # as if it were not committed yet
    second.pk = second_pk
    barriers.put_up(connection)
    assert sealing.seal_new() == 2
    record(1)
    assert sealing.seal_new() == 1
    second.save(force_insert=True)

    assert sealing.seal_new() == 1

    assert Seal.objects.latest("number").event_id == second.pk
    assert proof.verify(1) == []
