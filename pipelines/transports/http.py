"""One HTTP request and its reply, sent behind the guard, with every body capped while reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipelines.blobs import Blob


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
    """Milliseconds: dns, connect, tls, first_byte, total."""

    def header(self, name: str) -> str | None:
        """The value of a header, repeats joined by ", " (RFC 9110, 5.3); None where it did not come."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None
