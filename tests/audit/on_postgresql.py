"""What only PostgreSQL has; test_postgresql.py runs it there."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, transaction

from audit import proof, sealing, trail, triggers
from audit.models import Event, Watermark


def record(number):
    for count in range(number):
        trail.record("exports.move", f"attempt:{count}", organization_id=1, actor="waybill:test")


@pytest.mark.parametrize("table", triggers.TABLES)
def test_it_cannot_be_truncated(table, db):
    record(1)

    with pytest.raises(DatabaseError, match=triggers.REFUSAL), transaction.atomic():
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
