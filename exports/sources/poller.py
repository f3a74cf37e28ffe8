"""The poller of a worker process: a thread that sees whose turn it is, and a few that take turns. Beside the drain
loop, so that a slow other side holds no export up."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connection

from exports import doorbell, sources
from exports.models import SourceState
from exports.sources import leases, turn
from pipelines import sourcing
from pipelines.models import Source
from pipelines.transports.http import Client

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Sources that one process polls at a time."""
IDLE = 1.0
"""Seconds between two looks whose turn it is."""
CLOSING = 45.0
ADOPT_EVERY = 5.0


class Poller:
    """Runs from `open` to `close`."""

    def __init__(self) -> None:
        self.client = Client()
        self._pool = ThreadPoolExecutor(AT_ONCE, "source")
        self._busy = 0
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._adopted = float("-inf")
        self._thread = threading.Thread(target=self._run, name="sources", daemon=True)

    def open(self) -> None:
        self._thread.start()

    def close(self, timeout: float = CLOSING) -> None:
        """Begin no more turns, and let those under way come to their end; the rest is left to its lease."""
        self._over.set()
        self._thread.join(timeout)
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, timeout=timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if doorbell.stopping.is_set() and not doorbell.listeners():
            leave(self.client)
        self.client.close()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                try:
                    self._round()
                except DatabaseError:
                    log.warning("the database did not answer the poller of sources", exc_info=True)
                    connection.close()
                except Exception:  # the next round tries again
                    log.exception("the poller of sources stumbled")
                self._over.wait(IDLE)
        finally:
            connection.close()

    def _round(self) -> None:
        close_old_connections()
        if time.monotonic() - self._adopted > ADOPT_EVERY:
            self._adopted = time.monotonic()
            leases.adopt()
        with self._changed:
            room = AT_ONCE - self._busy
        for state in leases.hold(room, name()) if room else ():
            with self._changed:
                self._busy += 1
            self._pool.submit(self._turn, state)

    def _turn(self, state: SourceState) -> None:
        try:
            turn.run(state, self.client)
        except DatabaseError:  # its lease hands the source back
            log.warning("the database did not answer a source's turn", exc_info=True)
        finally:
            connection.close()
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()


def leave(client: Client) -> None:
    """The last worker stops: kinds that hold something at the other side let go of it."""
    for source in leases.of_kinds(kind for kind in sourcing.KINDS if hasattr(sources.get(kind), "leave")):
        try:
            state = leases.hold_one(source, name())
            if state is not None:
                turn.leave(state, client)
        except Exception:  # the other side's own patience is the net
            log.exception("a source was not left in order", extra={"source": source.pk})


def name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def poll_now(source: Source) -> bool:
    """One whole turn in this thread, due or not. False where another loop has the source."""
    state = leases.hold_one(source, name())
    if state is None:
        return False
    client = Client()
    try:
        turn.run(state, client, poll=True)
    finally:
        client.close()
    return True
