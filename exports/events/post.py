"""The post office of a worker process: one thread claims and records, a few send. Beside the drain loop, so that a
slow receiver holds no export up, and no export a message."""

from __future__ import annotations

import logging
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connection

from exports.events import claims, owners, sending
from exports.events.claims import Turn
from exports.events.sending import Outcome, Parcel
from pipelines.transports.http import Client

log = logging.getLogger(__name__)

AT_ONCE = 12
"""Messages that one process sends at a time; they wait on other people's servers."""
IDLE = 0.5
"""Seconds between two looks while nothing is due."""
OWNERS_EVERY = 60.0


class Post:
    """Runs from `open` to `close`."""

    def __init__(self) -> None:
        self.client = Client()
        self._pool = ThreadPoolExecutor(AT_ONCE, "post")
        self._done: queue.SimpleQueue[tuple[Parcel, Outcome]] = queue.SimpleQueue()
        self._out = 0
        self._turn = Turn()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    def open(self) -> None:
        self._thread.start()

    def close(self, timeout: float = sending.SECONDS + 5) -> None:
        """Claim nothing more, and let what is on its way come to its end; the rest is left to its lease."""
        self._over.set()
        self._thread.join(timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.client.close()

    def _run(self) -> None:
        told = time.monotonic()
        try:
            while not self._over.is_set() or self._out:
                try:
                    self._round()
                    if time.monotonic() - told > OWNERS_EVERY and not self._over.is_set():
                        told = time.monotonic()
                        owners.tell()
                except DatabaseError:  # away for a moment: what was sent and not recorded is sent again
                    log.warning("the database did not answer the sender of events", exc_info=True)
                    connection.close()
                    self._over.wait(IDLE)
                except Exception:  # the next round tries again
                    log.exception("the sender of events stumbled")
                    self._over.wait(IDLE)
        finally:
            connection.close()

    def _round(self) -> None:
        """Hand out what is due, then wait for the first that comes back."""
        close_old_connections()
        if not self._over.is_set():
            for parcel in claims.claim(AT_ONCE - self._out, self._turn):
                self._out += 1
                self._pool.submit(self._send, parcel)
        try:
            parcel, outcome = self._done.get(timeout=IDLE)
        except queue.Empty:
            return
        self._out -= 1
        claims.record(parcel, outcome)
        while not self._done.empty():
            parcel, outcome = self._done.get()
            self._out -= 1
            claims.record(parcel, outcome)

    def _send(self, parcel: Parcel) -> None:
        self._done.put((parcel, sending.send(parcel, self.client)))


def send_due() -> int:
    """Send all that is due, one after another, in this thread. Returns how many were tried."""
    client, turn, tried = Client(), Turn(), 0
    try:
        while parcels := claims.claim(AT_ONCE, turn):
            for parcel in parcels:
                claims.record(parcel, sending.send(parcel, client))
                tried += 1
    finally:
        client.close()
    return tried
