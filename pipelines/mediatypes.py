"""What a rendered text most likely is: its media type and the ending of its file name."""

from __future__ import annotations

import json

_DELIMITERS = (";", "\t", ",", "|")
_LOOKED_AT = 20
"""Lines that decide whether a text is a table."""


def guess(text: str) -> tuple[str, str]:
    """(media type, ending without its dot): JSON, XML, HTML, CSV, else plain text."""
    body = text.lstrip("\ufeff \t\r\n")
    if body[:1] in {"{", "["} and _is_json(body):
        return "application/json", "json"
    if body.startswith("<"):
        head = body[:200].lower()
        if head.startswith(("<!doctype html", "<html")):
            return "text/html", "html"
        return "application/xml", "xml"
    if _is_table(body):
        return "text/csv", "csv"
    return "text/plain", "txt"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(text: str) -> bool:
    """Two lines or more, with the same number of one delimiter outside quotes in each."""
    lines = [line for line in text.splitlines()[:_LOOKED_AT] if line.strip()]
    if len(lines) < 2:
        return False
    for delimiter in _DELIMITERS:
        counts = {_outside_quotes(line, delimiter) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return True
    return False


def _outside_quotes(line: str, delimiter: str) -> int:
    return sum(part.count(delimiter) for part in line.split('"')[::2])
