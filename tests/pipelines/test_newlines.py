"""Line ends are changed while text streams, wherever the chunks happen to be cut."""

from __future__ import annotations

import hashlib
import io
import tracemalloc

import pytest

from pipelines import newlines
from pipelines.blobs import CHUNK, Blob


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (b"", b""),
        (b"a", b"a"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb", b"a\r\nb"),
        (b"\r\r\n\n\r", b"\r\r\n\r\n\r"),
        (b"x" * (CHUNK - 1) + b"\r\ny", b"x" * (CHUNK - 1) + b"\r\ny"),
        (b"x" * (CHUNK - 1) + b"\ry", b"x" * (CHUNK - 1) + b"\ry"),
        (b"x" * CHUNK + b"\n" * CHUNK, b"x" * CHUNK + b"\r\n" * CHUNK),
        ("ä€\n".encode(), "ä€\r\n".encode()),
    ],
)
def test_each_line_ends_once(text, changed):
    made = newlines.crlf(Blob.of(text, name="a.csv", media_type="text/csv"))

    assert made.read() == changed
    assert (made.size, made.sha256) == (len(changed), hashlib.sha256(changed).hexdigest())
    assert (made.name, made.media_type) == ("a.csv", "text/csv")


class Zeros(io.RawIOBase):
    """So many zero bytes, and never more of them at once than asked for."""

    def __init__(self, size):
        self.left = size

    def read(self, size=-1):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


def test_memory_stays_flat():
    size = 64 * 1024 * 1024
    tracemalloc.start()

    made = newlines.crlf(Blob("a.txt", "text/plain", size, lambda: Zeros(size)))

    assert made.size == size
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()
