"""Reading a multipart/form-data body (RFC 7578) byte for byte, so that the ERP can tell whether a file came whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `file_name` is empty for a text field."""

    name: str
    file_name: str
    media_type: str
    content: bytes


def parts(body: bytes, content_type: str) -> Iterator[Part]:
    """The parts in their order. Raises ValueError saying what is wrong."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if not found:
        raise ValueError("The Content-Type names no boundary.")
    line = b"--" + found[1].encode("latin-1")
    pieces = (b"\r\n" + body).split(b"\r\n" + line)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ValueError("The body does not end with its boundary.")
    for piece in pieces[1:-1]:
        head, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not blank:
            raise ValueError("A part has no blank line after its headers.")
        yield _part(head.decode("utf-8", "replace"), content)


def _part(head: str, content: bytes) -> Part:
    headers = {}
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    extended = re.search(r"filename\*=utf-8''([^;]+)", disposition, re.IGNORECASE)
    file_name = unquote(extended[1]) if extended else _parameter("filename", disposition)
    return Part(_parameter("name", disposition), file_name, headers.get("content-type", "text/plain"), content)


def _parameter(name: str, disposition: str) -> str:
    """A quoted parameter; browsers write `"` and line ends inside it as %22, %0D and %0A (HTML, 4.10.21.8)."""
    found = re.search(rf'(?:^|[;\s]){name}="((?:[^"\\]|\\.)*)"', disposition)
    if not found:
        return ""
    text = re.sub(r"\\(.)", r"\1", found[1])
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
