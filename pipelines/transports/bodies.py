"""Bodies of HTTP messages: what a request sends, streamed with a known length; what a reply brings, capped.

A multipart body (RFC 7578) of the same parts is the same bytes: its boundary is made from them.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING, BinaryIO

from pipelines.blobs import CHUNK, Blob
from pipelines.errors import Unavailable

if TYPE_CHECKING:
    from pipelines.transports.http import Part, Request

COUNTED = 8 * 1024 * 1024
"""How far a reply is read beyond its cap, only to say how large it is."""
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A body ready to leave. `pieces` are bytes, or blobs that are read while they are sent."""

    media_type: str
    length: int
    pieces: Sequence[bytes | Blob]

    def chunks(self) -> Iterator[bytes]:
        """The body. Raises UnreadableError where our own storage fails, or a blob is not as long as it says (its
        length has been sent by then)."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            try:
                yield from _stored(piece)
            except OSError as error:
                raise UnreadableError(f"{piece.name or 'The body'} cannot be read: {error}.") from error


class UnreadableError(Exception):
    """Our own storage did not give the body; never taken for a fault of the network."""


def _stored(blob: Blob) -> Iterator[bytes]:
    left = blob.size
    with blob.open() as stream:
        while left and (chunk := stream.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
        if left or stream.read(1):
            raise UnreadableError(f"{blob.name or 'The body'} is not as long as it was: {blob.size} bytes.")


def outgoing(request: Request) -> Outgoing | None:
    """The request's body; None where it has none."""
    if request.parts:
        return multipart(request.parts)
    if request.body is None:
        return None
    return Outgoing(request.body.media_type, request.body.size, (request.body,))


def multipart(parts: Sequence[Part]) -> Outgoing:
    """File names go as UTF-8 in `filename`, which RFC 7578 (4.2) prefers to `filename*`."""
    boundary = f"waybill-{_digest(parts)[:32]}"
    pieces: list[bytes | Blob] = []
    for part in parts:
        disposition = f'form-data; name="{_quoted(part.name)}"'
        lines = [f"--{boundary}"]
        if part.blob is None:
            content: bytes | Blob = part.text.encode()
            lines.append(f"Content-Disposition: {disposition}")
        else:
            content = part.blob
            name = _quoted(part.file_name or part.blob.name)
            lines.append(f'Content-Disposition: {disposition}; filename="{name}"')
            lines.append(f"Content-Type: {_one_line(part.blob.media_type) or 'application/octet-stream'}")
        pieces += [("\r\n".join(lines) + "\r\n\r\n").encode(), content, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    length = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
    return Outgoing(f"multipart/form-data; boundary={boundary}", length, pieces)


def _digest(parts: Sequence[Part]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.blob.sha256 if part.blob else part.text
        media_type = part.blob.media_type if part.blob else ""
        for text in (part.name, part.file_name or (part.blob.name if part.blob else ""), media_type, content):
            encoded = text.encode()
            digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()


def _quoted(text: str) -> str:
    """As browsers do (WHATWG, multipart/form-data): only what would end the name is escaped."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _one_line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Incoming:
    """A reply's body: at most the cap is kept; `size` counts as far as it was read; `whole` when read to its end."""

    kept: bytes
    size: int
    truncated: bool
    whole: bool


class CutError(Exception):
    """The connection ended before the body did."""

    def __init__(self, received: int, expected: int | None) -> None:
        super().__init__(f"{received} of {expected if expected is not None else 'an unknown number of'} bytes")


def incoming(response: HTTPResponse, cap: int, into: BinaryIO | None = None) -> Incoming:
    """Read a reply's body, decoded from gzip or deflate. Neither the bytes on the wire nor what they unpack to go
    far beyond `cap`. With `into` they are written there, and `kept` stays empty. Raises CutError, OSError of the
    connection, and Unavailable where `into` takes no more."""
    encoding = (response.getheader("Content-Encoding") or "").strip().lower()
    expected = response.length
    unpack = _Unpack(encoding) if encoding in {"gzip", "x-gzip", "deflate"} else None
    kept = bytearray()
    size = received = 0
    while chunk := response.read(PIECE):
        received += len(chunk)
        for piece in unpack.feed(chunk) if unpack else (chunk,):
            part = piece[: max(cap - size, 0)]
            size += len(piece)
            if into is None:
                kept += part
            else:
                _keep(part, into)
            if size > cap + COUNTED:
                break
        known = not unpack and expected is not None
        if size > cap and known and received < (expected or 0):
            return Incoming(bytes(kept), expected or size, truncated=True, whole=False)
        if size > cap + COUNTED or received > cap + COUNTED:
            return Incoming(bytes(kept), size, truncated=True, whole=False)
    if response.length:
        raise CutError(received, expected)
    broken = unpack is not None and unpack.broken and received > 0
    return Incoming(bytes(kept), size, truncated=size > cap or broken, whole=True)


def _keep(part: bytes, into: BinaryIO) -> None:
    """Never takes a full disk for a fault of the network."""
    try:
        into.write(part)
    except OSError as error:
        raise Unavailable(f"The file could not be kept here: {(error.strerror or str(error)).lower()}.") from error


class _Unpack:
    """gzip or deflate, a bounded piece at a time. What cannot be unpacked ends the body there."""

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding != "deflate"
        self._zlib = zlib.decompressobj(31 if self._gzip else 15)
        self._begun = self._stopped = False

    @property
    def broken(self) -> bool:
        return self._stopped or not self._zlib.eof

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        while chunk and not self._stopped:
            if self._zlib.eof:
                if not self._gzip or not chunk.strip(b"\0"):
                    return  # padding after the end
                self._zlib = zlib.decompressobj(31)  # the next member of a gzip file (RFC 1952, 2.2)
            try:
                piece = self._zlib.decompress(chunk, PIECE)
            except zlib.error:
                if self._gzip or self._begun:
                    self._stopped = True
                    return
                self._zlib = zlib.decompressobj(-15)  # some servers send deflate without its zlib frame
                self._begun = True
                continue
            self._begun = True
            chunk = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
            if piece:
                yield piece
