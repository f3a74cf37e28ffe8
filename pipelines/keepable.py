"""Text that every database keeps: PostgreSQL takes no NUL, nothing encodes half a surrogate pair. Pure.

Who sends documents in is told to send them without (exports/intake.py). What another system answers cannot be sent
back: each character that cannot be kept becomes U+FFFD, so that the rest of the answer is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "\ufffd"
_REPLACED = {0: UNKNOWN, **dict.fromkeys(range(0xD800, 0xE000), UNKNOWN)}


def text(given: str) -> str:
    """The same text where all of it can be kept."""
    if given.isascii():
        return given.replace("\0", UNKNOWN) if "\0" in given else given
    try:
        given.encode()
    except UnicodeEncodeError:
        return given.translate(_REPLACED)
    return given.replace("\0", UNKNOWN) if "\0" in given else given


def json(given: Any) -> Any:
    """A copy of a JSON tree whose keys and texts can be kept, its numbers that are none as text; the same object where
    nothing had to change."""
    if isinstance(given, str):
        return text(given)
    if isinstance(given, float):
        return given if given - given == 0 else str(given)  # Infinity and NaN are no JSON (RFC 8259, 6)
    if isinstance(given, Mapping):
        members = {text(key) if isinstance(key, str) else key: json(each) for key, each in given.items()}
        same = len(members) == len(given) and all(
            key in members and members[key] is each for key, each in given.items()
        )
        return given if same else members
    if isinstance(given, list | tuple):
        items = [json(each) for each in given]
        return given if all(new is old for new, old in zip(items, given, strict=True)) else items
    return given
