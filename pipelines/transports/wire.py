"""Connections as HTTP uses them: a guarded socket with a deadline, TLS that says what is wrong, and a pool.

A connection knows whether anything left our side: that alone decides between "nothing was accepted" and "the outcome
is unknown" (docs/operate/engine.md).
"""

from __future__ import annotations

import io
import os
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.errors import Misconfigured, Unavailable
from pipelines.transports.guard import Egress, connect

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

IDLE_SECONDS = 2.0
"""A connection idle for longer is not used again: servers close idle ones, and a send into a closing connection has
an unknown outcome."""
AGE_SECONDS = 120.0
"""A connection older than this is not used again, so that a changed address or policy is followed."""
IDLE_PER_PLACE = 64
FIRST_BYTES = 16 * 1024
"""At most one TLS record: when sending it fails, the other side cannot have understood anything."""


class Deadline:
    """A moment after which nothing of this exchange goes on."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, always above 0. Raises TimeoutError where there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection goes. Connections are shared within one place only, and the policy is part of it."""

    scheme: str
    host: str
    port: int
    egress: Egress

    @property
    def shown(self) -> str:
        usual = 443 if self.scheme == "https" else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


class Connection:
    """One socket, used by one exchange at a time. Reading and sending keep to `deadline`."""

    def __init__(self, connection: socket.socket, timings: Mapping[str, float]) -> None:
        self.socket = connection
        self.timings = timings
        self.born = self.used = time.monotonic()
        self.fresh = True
        self.begin(Deadline(60))

    def begin(self, deadline: Deadline) -> None:
        """Start an exchange that must end by `deadline`."""
        self.deadline = deadline
        self.left_us = False
        self.first_byte: float | None = None

    def send(self, content: bytes) -> None:
        if not self.left_us:
            self.socket.settimeout(self.deadline.left())
            sent = self.socket.send(content[:FIRST_BYTES])
            self.left_us = True
            content = content[sent:]
        if content:
            self.socket.settimeout(self.deadline.left())
            self.socket.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What http.client.HTTPResponse asks a socket for. Closing it leaves the connection open."""
        return io.BufferedReader(_Incoming(self), 64 * 1024)

    def stale(self, now: float) -> bool:
        if now - self.used > IDLE_SECONDS or now - self.born > AGE_SECONDS:
            return True
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))  # readable while idle: the other side closed it, or speaks out of turn

    def close(self) -> None:
        self.socket.close()


class _Incoming(io.RawIOBase):
    """The bytes of one reply."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        connection = self._connection
        connection.socket.settimeout(connection.deadline.left())
        count = connection.socket.recv_into(buffer)
        if connection.first_byte is None:
            connection.first_byte = time.monotonic()
        return count


class Pool:
    """Idle connections by place. Safe for many threads; empty in a forked child."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._idle: dict[Place, list[Connection]] = {}
        self._swept = time.monotonic()
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (call := forget()) and call())

    def take(self, place: Place, deadline: Deadline) -> Connection:
        """An idle connection that still lives, or a new one. Raises Unavailable, Misconfigured."""
        while idle := self._pop(place):
            if not idle.stale(time.monotonic()):
                idle.fresh = False
                idle.begin(deadline)
                return idle
            idle.close()
        return self.open(place, deadline)

    def open(self, place: Place, deadline: Deadline) -> Connection:
        try:
            left = deadline.left()
        except TimeoutError:
            raise Unavailable(f"No time was left to connect to {place.shown}.") from None
        plain, timings = connect(place.host, place.port, egress=place.egress, timeout=left)
        if place.scheme == "https":
            begun = time.monotonic()
            secured = secure(plain, place.host, self._tls or trusted(), deadline)
            connection = Connection(secured, {**timings, "tls": (time.monotonic() - begun) * 1000})
        else:
            connection = Connection(plain, {**timings, "tls": 0.0})
        connection.begin(deadline)
        return connection

    def give(self, place: Place, connection: Connection) -> None:
        """Keep a connection whose exchange ended cleanly."""
        now = connection.used = time.monotonic()
        surplus: list[Connection] = []
        with self._lock:
            kept = self._idle.setdefault(place, [])
            kept.append(connection)
            if len(kept) > IDLE_PER_PLACE:
                surplus.append(kept.pop(0))
            if now - self._swept > 1:
                self._swept = now
                surplus += self._old(now)
        for one in surplus:
            one.close()

    def close(self) -> None:
        with self._lock:
            idle = [one for kept in self._idle.values() for one in kept]
            self._idle.clear()
        for one in idle:
            one.close()

    def _pop(self, place: Place) -> Connection | None:
        with self._lock:
            kept = self._idle.get(place)
            return kept.pop() if kept else None

    def _old(self, now: float) -> list[Connection]:
        old: list[Connection] = []
        for place in list(self._idle):
            old += [one for one in self._idle[place] if now - one.used > IDLE_SECONDS]
            self._idle[place] = [one for one in self._idle[place] if now - one.used <= IDLE_SECONDS]
            if not self._idle[place]:
                del self._idle[place]
        return old

    def _forget(self) -> None:
        """In a forked child: the sockets belong to the parent, and the lock may be held by a thread that is gone."""
        self._lock = threading.Lock()
        self._idle = {}


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Certificates are held against the machine's own authorities (SSL_CERT_FILE is heard) and certifi's."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def secure(plain: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """TLS over `plain`, the certificate checked for `host`. Closes `plain` and raises where that fails."""
    try:
        plain.settimeout(deadline.left())
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise Misconfigured(
            f"The certificate of {host} is not trusted: {error.verify_message or error.reason}. The other side must "
            "renew it, or its authority must be added to the certificates of this machine (SSL_CERT_FILE)."
        ) from error
    except (ssl.SSLEOFError, TimeoutError, ConnectionError) as error:
        plain.close()
        raise Unavailable(f"{host} ended the connection while TLS was agreed.") from error
    except ssl.SSLError as error:
        plain.close()
        reason = (error.reason or str(error)).lower().replace("_", " ")
        hint = " Does it speak plain http at this port?" if "version number" in reason or "http" in reason else ""
        raise Misconfigured(f"No TLS connection to {host} could be agreed: {reason}.{hint}") from error
    except OSError as error:
        plain.close()
        raise Unavailable(f"{host} ended the connection while TLS was agreed: {error}.") from error
