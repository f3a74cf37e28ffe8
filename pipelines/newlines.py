"""Line ends of text, changed while it streams: the same blob, read with other newlines."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

from pipelines.blobs import CHUNK, Blob


def crlf(blob: Blob) -> Blob:
    """Text whose lines end as Windows wants them; a CRLF that is there already stays one. Reads it once, for its size
    and digest; memory stays flat."""

    def opener() -> BinaryIO:
        return io.BufferedReader(_Crlf(blob.open()))

    digest, size = hashlib.sha256(), 0
    with opener() as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Blob(blob.name, blob.media_type, size, opener, digest.hexdigest())


class _Crlf(io.RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ready = b""
        self._after_cr = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed: any buffer
        if not self._ready:
            chunk = self._stream.read(CHUNK)
            whole = b"\r" + chunk if self._after_cr else chunk
            changed = whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            if self._after_cr:  # it was given out before, and stands there only so that CRLF is seen across chunks
                changed = changed.removeprefix(b"\r")
            self._after_cr = chunk.endswith(b"\r")
            self._ready = changed
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()
