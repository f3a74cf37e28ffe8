"""Transactions of several processes take turns, and a turn ends however its transaction does."""

from __future__ import annotations

import fcntl
import os
import threading
import time

import pytest
from django.db import DatabaseError, transaction
from django.db.utils import ConnectionHandler

from config import env


@pytest.fixture
def database(tmp_path, monkeypatch, django_db_blocker):
    """A handler of connections, one a thread, to a fresh file with one table."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'own.sqlite3'}")
    handler = ConnectionHandler({"default": env.database("DATABASE_URL", fallback=tmp_path / "unused")})
    monkeypatch.setattr(transaction, "get_connection", lambda using=None: handler["default"])
    with django_db_blocker.unblock():
        with handler["default"].cursor() as cursor:
            cursor.execute("CREATE TABLE moves (name TEXT UNIQUE)")
        yield handler["default"]
        handler["default"].close()


def is_free(database) -> bool:
    lock = os.open(f"{database.settings_dict['NAME']}-turn", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def insert(database, name: str) -> None:
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO moves VALUES (%s)", [name])


def test_a_transaction_holds_its_turn_and_gives_it_back(database):
    with transaction.atomic():
        insert(database, "a")
        assert not is_free(database)
        with transaction.atomic():
            insert(database, "b")
        assert not is_free(database)  # the inner one is part of the outer one's turn

    assert is_free(database)


def test_a_transaction_that_fails_gives_its_turn_back_too(database):
    insert(database, "a")

    with pytest.raises(DatabaseError), transaction.atomic():
        insert(database, "a")

    assert is_free(database)


def test_a_connection_that_closes_gives_its_turn_back(database):
    database.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert not is_free(database)

    database.close()

    assert is_free(database)


def test_the_next_writer_begins_when_the_last_one_has_ended(database):
    order = []

    def second():
        with transaction.atomic():
            order.append("second began")
            insert(transaction.get_connection(), "second")
        transaction.get_connection().close()

    with transaction.atomic():
        other = threading.Thread(target=second)
        other.start()
        insert(database, "first")
        time.sleep(0.05)
        order.append("first ends")
    other.join()

    assert order == ["first ends", "second began"]
    with database.cursor() as cursor:
        cursor.execute("SELECT name FROM moves ORDER BY rowid")
        assert cursor.fetchall() == [("first",), ("second",)]


def test_who_waits_longer_than_the_timeout_goes_without_a_turn(database):
    database.settings_dict["OPTIONS"]["timeout"] = 0.05
    database.close()
    lock = os.open(f"{database.settings_dict['NAME']}-turn", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)  # somebody who hangs with it, but has left the database free

    with transaction.atomic():
        insert(database, "without")

    os.close(lock)
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM moves")
        assert cursor.fetchone() == (1,)
