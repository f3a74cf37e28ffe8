"""The trail is written once: what the database refuses."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from audit import barriers, sealing, trail
from audit.models import Event, Seal


@pytest.fixture
def sealed(db):
    trail.record("exports.requeue_attempt", "attempt:12", organization_id=1, actor="user:anna", why="The ERP was down.")
    sealing.seal_new()


STATEMENTS = [
    "UPDATE audit_event SET actor = 'user:nobody'",
    "UPDATE audit_event SET organization_id = 2",
    "DELETE FROM audit_event",
    "UPDATE audit_seal SET number = number + 1",
    "DELETE FROM audit_seal",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_raw_sql_cannot_change_the_trail(sealed, statement):
    with pytest.raises(DatabaseError, match=barriers.REFUSAL), transaction.atomic():
        connection.cursor().execute(statement)

    assert Event.objects.get().actor == "user:anna"
    assert Seal.objects.get().number == 1


def test_the_orm_cannot_change_it_either(sealed):
    event = Event.objects.get()
    event.why = "Because."

    for change in (event.save, event.delete, Event.objects.all().delete, lambda: Event.objects.update(why="")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()

    assert Event.objects.get().why == "The ERP was down."


def test_the_triggers_come_down_and_go_up_again(sealed):
    barriers.take_down(connection)
    connection.cursor().execute("UPDATE audit_event SET why = 'changed'")
    barriers.put_up(connection)
    barriers.put_up(connection)

    with pytest.raises(DatabaseError), transaction.atomic():
        connection.cursor().execute("UPDATE audit_event SET why = 'again'")
    assert Event.objects.get().why == "changed"


def test_another_database_is_refused():
    with pytest.raises(ValueError, match="SQLite and PostgreSQL, not on oracle"):
        barriers.statements("oracle")


def test_what_a_database_would_refuse_is_made_fit(db):
    trail.record("v", "attempt:1", organization_id=1, actor="key:" + "x" * 300, why="a\0b\ud800")

    event = Event.objects.get()
    assert (len(event.actor), event.why) == (200, "ab?")
