"""A small HTTP/1.1 server on asyncio: enough for a pretend ERP, quick enough to measure senders against.

It keeps connections alive, reads bodies by length or by chunk, and can do what a polite server cannot: read a request
and cut the connection without an answer. What is answered lives in `demo/erp.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from demo.serving import Listening, Start

MAX_HEAD = 64 * 1024
MAX_BODY = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request as received. Header names are in lower case; of a repeated header the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer. `delay` is in seconds; `cut` drops the connection instead of answering."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    delay: float = 0
    cut: bool = False

    @classmethod
    def json(cls, status: int, value: Any, **options: Any) -> Reply:
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), **options)


Handler = Callable[[Request], Reply]


class BadRequest(Exception):
    """The bytes are no HTTP request that this server takes. Carries the status to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """The next request of a connection; None at its end. Raises BadRequest."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431, "The headers are too long.") from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400, "This is not an HTTP/1.1 request line.")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(400, "A header line has no colon.")
        headers[name.lower()] = value.strip().encode("latin-1").decode("utf-8", "replace")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    url = urlsplit(words[1])
    body = await _read_body(reader, headers)
    return Request(words[0], unquote(url.path), dict(parse_qsl(url.query, keep_blank_values=True)), headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    try:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            chunks = []
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                chunks.append((await reader.readexactly(size + 2))[:-2])
                if sum(map(len, chunks)) > MAX_BODY:
                    raise BadRequest(413, "The body is too large.")
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return b"".join(chunks)
        length = int(headers.get("content-length", "0"))
    except (ValueError, asyncio.IncompleteReadError) as error:
        raise BadRequest(400, "The body's length cannot be read.") from error
    if length > MAX_BODY:
        raise BadRequest(413, "The body is too large.")
    try:
        return await reader.readexactly(length) if length else b""
    except asyncio.IncompleteReadError as error:
        raise BadRequest(400, "The body ended early.") from error


def head_of(reply: Reply, *, keep_alive: bool) -> bytes:
    """The status line and headers of a reply."""
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        "Server: pretend-erp",
        f"Date: {formatdate(usegmt=True)}",
        f"Content-Type: {reply.media_type}",
        f"Content-Length: {len(reply.body)}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    if not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def connection(handler: Handler) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """What asyncio runs for every connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                try:
                    request = await read_request(reader, writer)
                except BadRequest as error:
                    reply = Reply.json(error.status, {"error": str(error)})
                    writer.write(head_of(reply, keep_alive=False) + reply.body)
                    return
                if request is None:
                    return
                reply = handler(request)
                if reply.delay:
                    await asyncio.sleep(reply.delay)
                if reply.cut:
                    writer.transport.abort()
                    return
                keep_alive = request.headers.get("connection", "").lower() != "close"
                body = b"" if request.method == "HEAD" else reply.body
                writer.write(head_of(reply, keep_alive=keep_alive) + body)
                await writer.drain()
                if not keep_alive:
                    return
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    return serve


def starter(handler: Handler, *, port: int = 0) -> Start:
    """Listens on loopback; port 0 takes a free one."""

    async def start() -> tuple[Listening, int]:
        server = await asyncio.start_server(connection(handler), "127.0.0.1", port, limit=MAX_HEAD, backlog=512)
        return server, server.sockets[0].getsockname()[1]

    return start
