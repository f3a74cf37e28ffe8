"""Values for the cells of a spreadsheet: text that a spreadsheet would run as a formula is made harmless.

Source: OWASP, "CSV Injection": a cell that begins with = + - @, a tab or a carriage return may be run when opened."""

from __future__ import annotations

import re
from typing import Any

# The last four are of full width: spreadsheets take them too.
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d[\d ,.]*%?")


def harmless(value: Any) -> Any:
    """The value; a text that begins like a formula with an apostrophe before it. None is an empty cell."""
    if value is None:
        return ""
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_RUNS) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"
