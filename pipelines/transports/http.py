"""One HTTP request and its reply, sent behind the guard, with every body capped while reading.

Redirects are not followed (a 3xx is a reply), proxies of the environment are not heard, cookies are not kept.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPException, HTTPResponse, LineTooLong
from types import MappingProxyType
from typing import Any, BinaryIO, Never

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Unavailable, Unconfirmed
from pipelines.transports import bodies
from pipelines.transports.guard import Egress
from pipelines.transports.wire import Connection, Deadline, Place, Pool

SAID = 64 * 1024
"""Bytes kept of a reply that says why there is no file."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart/form-data body (RFC 7578): a text field, or a file when `blob` is given."""

    name: str
    text: str = ""
    blob: Blob | None = None
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent. Exactly one of `body` and `parts`, or neither."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    body: Blob | None = None
    parts: Sequence[Part] = ()
    timeout: float = 60.0
    """Seconds for the whole exchange, connect to last byte."""
    idempotency_header: str = "Idempotency-Key"
    """The name under which a send carries its idempotency key; empty sends none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `headers` are the pairs as received, repeats and order kept."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    """The decoded body, at most the cap; `size` says how much there was as far as it was read."""
    size: int
    truncated: bool = False
    timings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Milliseconds: dns, connect, tls (0 on a connection that was open already), first_byte, total."""

    def header(self, name: str) -> str | None:
        """The value of a header, repeats joined by ", " (RFC 9110, 5.3); None where it did not come."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None


class Client:
    """Sends requests over kept connections; one a process, shared by its threads."""

    def __init__(self, *, user_agent: str = "Waybill", tls: ssl.SSLContext | None = None) -> None:
        self._pool = Pool(tls)
        self._user_agent = user_agent

    def send(self, request: Request, *, egress: Egress, cap: int, into: BinaryIO | None = None) -> Reply:
        """The reply, whatever its status, at most `cap` bytes of its body kept. With `into`, the body of a 2xx is
        written there as it comes, and of any other at most SAID bytes are kept.

        Raises Unavailable when nothing left our side, Unconfirmed when something did and no whole answer came,
        Misconfigured when it cannot or may not be sent."""
        begun = time.monotonic()
        method = checked_method(request.method)
        address = parsed(request.url)
        place = Place(address.scheme, address.host, address.port, egress)
        body = bodies.outgoing(request)
        head = _head(method, address, request.headers, body, self._user_agent)
        deadline = Deadline(request.timeout)
        connection = self._pool.take(place, deadline)
        try:
            try:
                response = _exchange(connection, method, head, body)
            except OSError:
                if connection.fresh or connection.left_us:
                    raise
                connection.close()  # closed by the other side while idle, before anything left: a new one is safe
                connection = self._pool.open(place, deadline)
                response = _exchange(connection, method, head, body)
            fetched = into if 200 <= response.status < 300 else None
            content = bodies.incoming(response, cap if into is fetched else min(cap, SAID), fetched)
        except (OSError, HTTPException, bodies.CutError) as error:
            connection.close()
            _classify(error, connection, place, request.timeout)
        except bodies.UnreadableError as error:
            connection.close()
            if not connection.left_us:
                raise
            raise Unconfirmed(f"{place.shown} got only a part of the request. {error}") from error
        except BaseException:
            connection.close()
            raise
        timings = {name: taken if connection.fresh else 0.0 for name, taken in connection.timings.items()}
        timings["first_byte"] = ((connection.first_byte or begun) - begun) * 1000
        timings["total"] = (time.monotonic() - begun) * 1000
        if content.whole and not response.will_close:
            self._pool.give(place, connection)
        else:
            connection.close()
        headers = tuple(response.headers.items())
        return Reply(response.status, headers, content.kept, content.size, content.truncated, timings)

    def close(self) -> None:
        """Close what is idle; the client stays usable."""
        self._pool.close()


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, taken apart and made safe to send: what is not allowed in it is percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str
    host_header: str


@lru_cache(maxsize=512)
def parsed(url: str) -> Address:
    """Raises Misconfigured saying what is wrong with `url`."""
    shown = url if len(url) <= 200 else f"{url[:200]}…"
    if any(ord(character) < 32 or ord(character) == 127 for character in url):
        raise Misconfigured("The address has a line break or another control character in it.", place="url")
    try:
        address = parse_url(url.strip())
    except LocationParseError as error:
        raise Misconfigured(f"{shown!r} is no valid address.", place="url") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise Misconfigured(f"{shown!r} is no address: it must begin with https:// or http://.", place="url")
    if address.auth:
        raise Misconfigured("The address holds a user or password; send an Authorization header instead.", place="url")
    port = address.port or (443 if address.scheme == "https" else 80)
    return Address(address.scheme, address.host.strip("[]"), port, address.request_uri, address.netloc or "")


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
)
"""Headers of the connection itself: configured ones (copied from a browser, say) give way to what is really sent."""


def checked_method(method: str) -> str:
    """The method in upper case. Raises Misconfigured."""
    if not _TOKEN.fullmatch(method) or method.upper() == "CONNECT":
        raise Misconfigured(f"{method!r} is no HTTP method that can be sent.", place="method")
    return method.upper()


def checked_header(name: str, value: str) -> bytes:
    """One header line (RFC 9110, 5). Raises Misconfigured naming the header."""
    if not _TOKEN.fullmatch(name):
        raise Misconfigured(f"{name!r} is no valid header name.", place=f"headers.{name}")
    if _BAD_VALUE.search(value):
        raise Misconfigured("A header's value may not hold a line break or control character.", place=f"headers.{name}")
    try:
        return f"{name}: {value.strip()}\r\n".encode("latin-1")
    except UnicodeEncodeError as error:
        message = f"A header cannot carry the character {value[error.start - len(name) - 2]!r}."
        raise Misconfigured(message, place=f"headers.{name}") from error


def _head(
    method: str, address: Address, headers: Mapping[str, str], body: bodies.Outgoing | None, user_agent: str
) -> bytes:
    """The request line and headers, up to and with the empty line."""
    lines: dict[str, bytes] = {
        "user-agent": f"User-Agent: {user_agent}\r\n".encode(),
        "accept": b"Accept: */*\r\n",
        "accept-encoding": b"Accept-Encoding: gzip, deflate\r\n",
    }
    if body and body.media_type:
        lines["content-type"] = checked_header("Content-Type", body.media_type)
    lines |= _given(headers, address)
    if body and "boundary=" in body.media_type:
        lines["content-type"] = checked_header("Content-Type", body.media_type)  # a configured one knows no boundary
    start = f"{method} {address.target} HTTP/1.1\r\nHost: {address.host_header}\r\n".encode("latin-1")
    if body or method not in {"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"}:
        lines["content-length"] = b"Content-Length: %d\r\n" % (body.length if body else 0)
    return b"".join((start, *lines.values(), b"\r\n"))


def _given(headers: Mapping[str, str], address: Address) -> dict[str, bytes]:
    """The configured headers by lower-case name, without those that this module writes itself."""
    lines: dict[str, bytes] = {}
    for name, value in headers.items():
        known = name.lower()
        line = checked_header(name, value)
        if known in lines:
            raise Misconfigured("This header stands twice, in upper and lower case.", place=f"headers.{name}")
        if known == "host" and value.strip().lower() != address.host_header.lower():
            message = f"The Host header must be that of the address, {address.host_header}; leave it out."
            raise Misconfigured(message, place=f"headers.{name}")
        if known not in _OURS:
            lines[known] = line
    return lines


class _Response(HTTPResponse):
    """A reply whose informational forerunners (100 to 199, RFC 9110 15.2) are passed over, not only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(20):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
            if not 101 < status < 200:
                return version, status, reason
            while self.fp.readline(65537).strip():
                pass
        raise HTTPException("too many informational replies")


def _exchange(connection: Connection, method: str, head: bytes, body: bodies.Outgoing | None) -> HTTPResponse:
    chunks: Iterator[bytes] = body.chunks() if body else iter(())
    broken: OSError | None = None
    first = head + next(chunks, b"")
    try:
        connection.send(first)
        for chunk in chunks:
            connection.send(chunk)
    except (BrokenPipeError, ConnectionResetError) as error:
        if not connection.left_us:
            raise
        broken = error  # refused before the end (413, for example): the answer may be there already
    response = _Response(connection, method=method)  # type: ignore[arg-type]  # asks for makefile() only
    try:
        response.begin()
    except (OSError, HTTPException):
        if broken:
            raise broken from None
        raise
    if broken:
        response.will_close = True
    return response


def _classify(error: Exception, connection: Connection, place: Place, seconds: float) -> Never:
    where = place.shown
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(error.reason):
        raise Misconfigured(f"{where} wants a client certificate.") from error
    if not connection.left_us:
        why = f" within {seconds:.0f} s" if isinstance(error, TimeoutError) else f": {_said(error)}"
        raise Unavailable(f"{where} took nothing{why}.") from error
    if isinstance(error, TimeoutError):
        raise Unconfirmed(f"{where} took the request but did not answer to the end within {seconds:g} s.") from error
    if isinstance(error, bodies.CutError):
        raise Unconfirmed(f"{where} took the request, but its answer was cut: {error} came.") from error
    if isinstance(error, LineTooLong) or (isinstance(error, HTTPException) and "headers" in str(error)):
        raise Unconfirmed(f"{where} took the request, but its answer has more headers than are read.") from error
    if isinstance(error, HTTPException) and not isinstance(error, ConnectionError):
        raise Unconfirmed(f"{where} took the request, but its answer is no valid HTTP.") from error
    raise Unconfirmed(f"{where} took the request, then the connection was cut without an answer.") from error


def _said(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
