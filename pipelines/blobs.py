"""A named piece of content: small in memory, large as a file, one interface; always opened as a stream."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

CHUNK = 256 * 1024


@dataclass(frozen=True)
class Blob:
    """Bytes with a file name and a media type. `opener` returns a fresh binary stream at its start on every call."""

    name: str
    media_type: str
    size: int
    opener: Callable[[], BinaryIO]
    digest: str = ""
    """The sha256 in hex where it is already known; ask `sha256`."""

    @classmethod
    def of(cls, content: bytes, *, name: str = "", media_type: str = "application/octet-stream") -> Blob:
        return cls(name, media_type, len(content), lambda: io.BytesIO(content))

    @classmethod
    def from_file(cls, path: Path, *, name: str = "", media_type: str = "application/octet-stream") -> Blob:
        return cls(name or path.name, media_type, path.stat().st_size, lambda: path.open("rb"))

    def open(self) -> BinaryIO:
        return self.opener()

    def read(self) -> bytes:
        """The whole content in memory: for callers that know it is small (a template's output, a JSON reply)."""
        with self.open() as stream:
            return stream.read()

    @cached_property
    def sha256(self) -> str:
        if self.digest:
            return self.digest
        digest = hashlib.sha256()
        with self.open() as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()
