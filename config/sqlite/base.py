"""Transactions that take turns.

SQLite takes one writer at a time, and lets one that finds the database taken sleep, longer each time, up to 100 ms; the
database lies idle meanwhile, and whoever has slept longest is no more likely to be the next. Waybill's transactions ask
for a lock on a file beside the database first, every millisecond: the next one begins soon after the last one ends.
What writes without it (a single statement, another program) still waits as SQLite has it.
"""

from __future__ import annotations

import fcntl
import os
import time

from django.db.backends.sqlite3 import base

ASK_EVERY = 0.001
"""Seconds."""


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with a turn around each outermost transaction. A turn that does not come within the database's
    timeout is done without: SQLite itself says then that the database is locked."""

    _turn: int | None = None
    """The descriptor that holds the lock while it is this connection's turn."""

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._end_turn()  # not where it failed: the rollback that follows ends it

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # (the stubs leave it out)
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # (likewise)
        finally:
            self._end_turn()

    def _take_turn(self) -> None:
        if self._turn is not None or self.is_in_memory_db():  # type: ignore[no-untyped-call]
            return
        lock = os.open(f"{self.settings_dict['NAME']}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + self.settings_dict["OPTIONS"].get("timeout", 5)
        while time.monotonic() < until:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(ASK_EVERY)
            else:
                self._turn = lock
                return
        os.close(lock)

    def _end_turn(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            fcntl.flock(turn, fcntl.LOCK_UN)  # a child that was forked meanwhile holds a copy of the descriptor
            os.close(turn)
