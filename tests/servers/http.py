"""A real HTTP server on loopback that does what a test tells it to: answer, drip, cut, bomb, say nothing."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire. `connection` numbers the connections of the server."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} came twice"
        return found[0] if found else None

    def parts(self) -> list[EmailMessage]:
        """The parts of a multipart body, taken apart by Python's own e-mail parser."""
        head = f"Content-Type: {self.header('Content-Type')}\r\n\r\n".encode()
        parsed = message_from_bytes(head + self.body, policy=policy.HTTP)
        return list(parsed.iter_parts())


Send = Callable[[bytes], None]
Answer = Callable[[Seen, Send, threading.Event], bool]
"""Writes an answer; true keeps the connection open. The event is set when the server stops."""


def reply(
    status: int = 200, body: bytes | str | dict | list = b"", *, headers: Mapping[str, str] | list | None = None
) -> Answer:
    if isinstance(body, dict | list):
        body = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **dict(headers or {})}
    content = body.encode() if isinstance(body, str) else body
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])

    def write(seen: Seen, send: Send, stop: threading.Event) -> bool:
        lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in pairs)]
        if not any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in pairs):
            lines.append(f"Content-Length: {len(content)}")
        send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (b"" if seen.method == "HEAD" else content))
        return True

    return write


def cut(after: bytes = b"") -> Answer:
    """Reads the request, sends `after`, closes."""

    def write(seen: Seen, send: Send, stop: threading.Event) -> bool:
        if after:
            send(after)
        return False

    return write


def silence() -> Answer:
    def write(seen: Seen, send: Send, stop: threading.Event) -> bool:
        stop.wait(20)
        return False

    return write


def drip(head: bytes, piece: bytes, every: float) -> Answer:
    """One piece every so many seconds, without end."""

    def write(seen: Seen, send: Send, stop: threading.Event) -> bool:
        send(head)
        while not stop.wait(every):
            send(piece)
        return False

    return write


def bomb(size: int) -> Answer:
    """So many zero bytes, gzipped to a thousandth."""
    return reply(200, gzip.compress(bytes(size), 9), headers={"Content-Encoding": "gzip"})


def raw(content: bytes) -> Answer:
    def write(seen: Seen, send: Send, stop: threading.Event) -> bool:
        send(content)
        return False

    return write


@dataclass
class HttpServer:
    """`script` is taken from the left, one a request; when it is empty, `otherwise` answers."""

    port: int
    scheme: str = "http"
    seen: list[Seen] = field(default_factory=list)
    script: deque[Answer] = field(default_factory=deque)
    otherwise: Callable[[Seen], Answer] = field(default=lambda seen: reply())
    accepted: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def will(self, *answers: Answer) -> None:
        self.script.extend(answers)

    @property
    def bodies(self) -> list[Any]:
        return [seen.body for seen in self.seen]


@contextmanager
def running(*, tls: Path | None = None, early: Answer | None = None) -> Iterator[HttpServer]:
    """`tls` is a PEM file with key and certificate. `early` answers after the head, before the body is read."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(listener.getsockname()[1], "https" if tls else "http")
    stop = threading.Event()
    open_ones: set[socket.socket] = set()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.accepted += 1
            open_ones.add(connection)
            threading.Thread(target=serve, args=(connection, server.accepted), daemon=True).start()

    def serve(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            if context:
                plain = connection
                connection = context.wrap_socket(connection, server_side=True)
                open_ones.discard(plain)
                open_ones.add(connection)
            with connection, connection.makefile("rb") as incoming:
                while (seen := _read(incoming, number, early, connection, server)) is not None:
                    server.seen.append(seen)
                    answer = server.script.popleft() if server.script else server.otherwise(seen)
                    if not answer(seen, connection.sendall, stop):
                        break
        open_ones.discard(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in list(open_ones):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _read(
    incoming: Any, number: int, early: Answer | None, connection: socket.socket, server: HttpServer
) -> Seen | None:
    line = incoming.readline()
    if not line:
        return None
    words = line.decode("latin-1").split(" ")
    if len(words) != 3:
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        return None
    method, target, _ = words
    headers: list[tuple[str, str]] = []
    while (line := incoming.readline()) not in {b"\r\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    if early is not None:
        server.seen.append(Seen(method, target, headers, b"", number))
        early(server.seen[-1], connection.sendall, threading.Event())
        return None
    body = incoming.read(length)
    return Seen(method, target, headers, body, number) if len(body) == length else None
