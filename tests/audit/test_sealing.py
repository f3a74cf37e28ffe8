"""The chain: every event once, in one line, whatever happens while it is made."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from audit import barriers, proof, sealing, trail
from audit.models import Event, Seal, Watermark


def record(number=1, organization_id=1, **values):
    for count in range(number):
        trail.record(
            "exports.move", f"attempt:{count}", organization_id=organization_id, actor="waybill:test", **values
        )


def change(statement, *values):
    """What the owner of the database can do."""
    barriers.take_down(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    barriers.put_up(connection)


def faults(organization_id=1, **options):
    return [str(fault) for fault in proof.verify(organization_id, **options)]


def ids(organization_id=1):
    return list(
        Seal.objects.filter(organization_id=organization_id).order_by("number").values_list("number", "event_id")
    )


def test_the_digest_covers_the_one_before_and_the_whole_event(db):
    at = datetime(2026, 3, 1, 12, 30, 0, 5, tzinfo=UTC)
    event = Event(
        id=7,
        organization_id=1,
        at=at,
        actor="user:anna",
        verb="exports.requeue_attempt",
        subject="attempt:12",
        why="Grüße",
        detail={"b": 1, "a": [True, None]},
    )

    written = (
        b'{"actor":"user:anna","at":"2026-03-01T12:30:00.000005+00:00","detail":{"a":[true,null],"b":1},"id":7,'
        b'"organization_id":1,"subject":"attempt:12","verb":"exports.requeue_attempt","why":"Gr\\u00fc\\u00dfe"}'
    )
    assert sealing.canonical(event) == written
    assert sealing.digest("0" * 64, event) == hashlib.sha256(b"0" * 64 + b"\n" + written).hexdigest()


def test_each_organization_has_a_chain_of_its_own(db):
    record(2, organization_id=1)
    record(1, organization_id=2)
    record(1, organization_id=1)

    assert sealing.seal_new() == 4
    assert sealing.seal_new() == 0

    events = list(Event.objects.order_by("pk").values_list("pk", flat=True))
    assert ids(1) == [(1, events[0]), (2, events[1]), (3, events[3])]
    assert ids(2) == [(1, events[2])]
    assert (faults(1), faults(2)) == ([], [])


def test_a_long_outage_is_caught_up_in_batches(db):
    record(25)

    assert [sealing.seal_new(10) for _ in range(4)] == [10, 10, 5, 0]
    assert [number for number, _ in ids()] == list(range(1, 26))
    assert faults() == []


@pytest.fixture
def alone(monkeypatch):
    """As if no transaction ran but the test's own; other test processes use the same PostgreSQL."""
    monkeypatch.setattr(sealing, "SETTLES", timedelta(0))
    monkeypatch.setattr(sealing, "_transactions", lambda: (1, 1))


def test_the_watermark_follows_one_pass_behind(db, alone):
    record(3)
    sealing.seal_new()
    seen = Event.objects.latest("pk").pk
    record(1)
    sealing.seal_new()
    assert Watermark.objects.get().settled == seen

    sealing.seal_new()
    sealing.seal_new()
    assert Watermark.objects.get().settled == Event.objects.latest("pk").pk


def test_at_rest_the_sealer_only_asks(db, alone, django_assert_max_num_queries):
    record(3)
    for _ in range(3):
        sealing.seal_new()

    with django_assert_max_num_queries(3) as asked:
        assert sealing.seal_new() == 0
    assert not [query["sql"] for query in asked if not query["sql"].startswith("SELECT")]


def test_without_its_watermark_the_sealer_begins_again_and_seals_nothing_twice(db):
    record(3)
    sealing.seal_new()
    Watermark.objects.all().delete()
    record(1)

    assert sealing.seal_new() == 1
    assert len(ids()) == 4


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "user:nobody"),
        ("verb", "exports.other"),
        ("subject", "attempt:99"),
        ("why", "Because."),
        ("detail", '{"a": 2}'),
        ("at", "2020-01-01 00:00:00+00:00"),
    ],
)
def test_a_changed_event_is_found(db, column, value):
    record(5, detail={"a": 1})
    sealing.seal_new()
    third = Event.objects.order_by("pk")[2].pk

    change(f"UPDATE audit_event SET {column} = %s WHERE id = %s", value, third)

    assert faults() == [f"event {third} and its seal 3 do not agree: one of them was changed"]


def test_a_changed_seal_is_one_fault(db):
    record(5)
    sealing.seal_new()
    third = Event.objects.order_by("pk")[2].pk

    change("UPDATE audit_seal SET digest = %s WHERE number = 3", "f" * 64)

    assert faults() == [f"event {third} and its seal 3 do not agree: one of them was changed"]


def test_an_event_moved_to_another_organization_is_found(db):
    record(3)
    sealing.seal_new()
    second = Event.objects.order_by("pk")[1].pk

    change("UPDATE audit_event SET organization_id = 2 WHERE id = %s", second)

    assert faults() == [f"event {second} stands in organization 2 now (seal 2)"]


def test_removed_events_are_found(db):
    record(5)
    sealing.seal_new()

    change("DELETE FROM audit_seal WHERE number IN (2, 3)")

    assert faults()[0] == "seals 2 to 3 are gone"


def test_a_cut_at_the_end_is_found_by_a_noted_head(db):
    record(5)
    sealing.seal_new()
    noted = sealing.head(1)
    assert faults(expect=noted) == []

    change("DELETE FROM audit_seal WHERE number = 5")
    assert faults() == []
    assert faults(expect=noted) == ["seal 5, which was noted before, is gone: the end was cut off"]

    change("DELETE FROM audit_event WHERE id = %s", Event.objects.latest("pk").pk)
    record(1)
    sealing.seal_all()
    assert faults() == []
    assert faults(expect=noted) == ["seal 5 is not the one that was noted before"]


def test_an_event_put_in_behind_the_watermark_is_found_and_never_sealed_in_silence(db, monkeypatch):
    monkeypatch.setattr(sealing, "SETTLES", timedelta(0))
    record(3)
    second = Event.objects.order_by("pk")[1]
    change("DELETE FROM audit_event WHERE id = %s", second.pk)
    deadline = time.monotonic() + 120
    while not Watermark.objects.filter(settled__gt=second.pk).exists():
        sealing.seal_new()  # on PostgreSQL, transactions of other databases hold the watermark up as well
        assert time.monotonic() < deadline, "the watermark did not move"
        time.sleep(0.05)
    second.save(force_insert=True)

    assert sealing.seal_new() == 0
    assert faults() == [f"event {second.pk} was never sealed, though later ones were: it was put in afterwards"]


def test_the_command_says_which_event_and_fails(db):
    record(3)
    said = StringIO()
    call_command("verify_trail", "--seal", stdout=said)
    number, digest = sealing.head(1)
    assert said.getvalue().splitlines() == [
        "3 events sealed now",
        "organization 1: 3 events sealed, 0 waiting, whole",
        f"  head 1:{number}:{digest}",
    ]
    last = Event.objects.latest("pk").pk
    change("UPDATE audit_event SET why = 'x' WHERE id = %s", last)

    said = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_trail", "--expect", f"1:3:{digest}", stdout=said)

    assert stopped.value.code == 1
    assert f"  event {last} and its seal 3 do not agree: one of them was changed" in said.getvalue().splitlines()


@pytest.mark.django_db(transaction=True)
def test_while_many_record_and_two_seal_nothing_is_missing_and_the_chain_is_one():
    writers, each = 4, 25
    together = Barrier(writers + 2)
    left = [writers]

    def write(number):
        together.wait()
        for count in range(each):
            with transaction.atomic():
                record(1, organization_id=1 + count % 2)
                if count % 5 == 4:  # an id that is never used
                    transaction.set_rollback(True)
        left[0] -= 1
        connection.close()

    def seal():
        together.wait()
        while left[0]:
            sealing.seal_new(7)
        connection.close()

    threads = [Thread(target=write, args=[number]) for number in range(writers)]
    threads += [Thread(target=seal) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while sealing.seal_new():
        pass

    assert Event.objects.count() == writers * each * 4 // 5
    assert Event.objects.filter(seal=None).count() == 0
    for organization in (1, 2):
        numbers = [number for number, _ in ids(organization)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert faults(organization) == []
