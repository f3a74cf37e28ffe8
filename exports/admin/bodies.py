"""Bytes for reading: decoded, indented where they are JSON or XML, capped and saying so. Escaping is the template's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from accounts.display import size as told
from exports import contents
from exports.models import Content
from pipelines import keepable

SHOWN = 64 * 1024
"""Bytes of a body that a page shows; the download has all that is kept."""

MOST = 4 * SHOWN
"""Characters that indenting may make of it: a page of deep brackets would grow a thousandfold."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a page shows of some bytes. `text` is None where they are no text."""

    text: str | None
    form: str
    """JSON, XML, text or binary."""
    note: str = ""
    """What is not shown or not kept, for example "kept 64 KB of 3.1 MB"; of what was purged, what stays known."""
    purged_at: datetime | None = None


def shown(row: Content | None, *, whole: int | None = None, truncated: bool = False) -> Body | None:
    """What to show of a kept content; `whole` is how many bytes there were before any cap."""
    if row is None:
        return None
    if row.purged_at is not None:
        return Body(None, "purged", contents.told(row), row.purged_at)
    with contents.blob(row).open() as stream:
        data = stream.read(SHOWN + 1)
    notes = []
    if truncated or (whole is not None and whole > row.size):
        notes.append(
            f"kept {told(row.size)} of {told(whole)}" if whole and whole > row.size else "cut off while reading"
        )
    cut = len(data) > SHOWN
    if cut:
        notes.append(f"the first {told(SHOWN)} shown of {told(row.size)} kept")
    text, form = pretty(data[:SHOWN], cut=cut)
    return Body(text, form, "; ".join(notes))


def pretty(data: bytes, *, cut: bool = False) -> tuple[str | None, str]:
    """The text and its form; indented where that is possible, which it is not for a cut one."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # A cap may fall inside a character; anything else that is not UTF-8 and holds control bytes is binary.
        text = data.decode("utf-8", errors="replace")
        if b"\0" in data or text.count("�") > max(len(text) // 20, 3):
            return None, "binary"
    if "\0" in text:
        return None, "binary"
    start = text.lstrip()[:1]
    if not cut and start in {"{", "["}:
        return (laid, "JSON") if (laid := _laid_out(text)) is not None else (text, "text")
    if start == "<":
        return _indented(data, cut=cut) or text, "XML"
    return text, "text"


def _laid_out(text: str) -> str | None:
    """JSON indented; as it came where indenting would make it many times as long, None where it is none."""
    try:
        value = json.loads(text)
        pieces = json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value)
        laid_out, left = [], MOST
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                return text
            laid_out.append(piece)
    except (ValueError, RecursionError):
        return None
    return keepable.text("".join(laid_out))  # "\\ud800" is JSON, and no text that a page can hold


def _indented(data: bytes, *, cut: bool) -> str:
    if cut or b"<!DOCTYPE" in data.upper().replace(b"<!DOCTYPE HTML", b""):
        return ""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
    try:
        laid = str(etree.tostring(etree.fromstring(data, parser), pretty_print=True, encoding="unicode"))
    except (etree.XMLSyntaxError, ValueError):
        return ""
    return laid if len(laid) <= MOST else ""
