"""How large a step of a template would get, asked before it is taken: each refusal says what was asked for.

The limits of the process (memory, time) catch whatever gets by here; these give the clearer message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jinja2.sandbox import SandboxedEnvironment, SandboxedFormatter

MAX_RANGE = 100_000
MAX_BITS = 4096
"""In a whole number: over a thousand digits."""

_WIDTH = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?")
_DIGITS = re.compile(r"\d+")

Check = Callable[..., None]
"""Called with the most characters, then with what the step itself is called with."""


class TooMuchError(Exception):
    """The template asked for something larger than any export is."""


def size(most: int, length: int, what: str) -> None:
    """Raises TooMuchError where `length` characters are more than one step may make."""
    if length > most:
        message = f"{what} would make {length:,} characters; {most:,} is the most"
        raise TooMuchError(message)


def operation(most: int, operator: str, left: Any, right: Any) -> None:
    """One of *, ** and %."""
    if operator == "*":
        _repeat(most, left, right)
    elif operator == "**":
        if isinstance(left, int) and isinstance(right, int):
            _bits(left.bit_length() * abs(right), "**")
    elif isinstance(left, str | bytes):
        _percent(most, left, right)


def _repeat(most: int, left: Any, right: Any) -> None:
    if isinstance(right, str | bytes | list | tuple):
        left, right = right, left
    if isinstance(left, str | bytes | list | tuple) and isinstance(right, int):
        kind = "list" if isinstance(left, list | tuple) else "text"
        shown = repr(left) if len(left) < 20 else f"a {kind} of {len(left):,}"
        size(most, len(left) * right, f"{shown} * {right}")
    elif isinstance(left, int) and isinstance(right, int):
        _bits(left.bit_length() + right.bit_length(), "*")


def _bits(bits: int, operator: str) -> None:
    if bits > MAX_BITS:
        message = f"the result of {operator} would be a number of over {MAX_BITS * 3 // 10:,} digits"
        raise TooMuchError(message)


def _percent(most: int, form: str | bytes, values: Any) -> None:
    text = form if isinstance(form, str) else form.decode("latin-1")
    given = values if isinstance(values, tuple) else (values,)
    widest = max((value for value in given if isinstance(value, int)), default=0)
    for width, precision in _WIDTH.findall(text):
        for asked in (width, precision):
            size(most, widest if asked == "*" else int(asked[:12] or 0), f"the width {asked} in {text[:30]!r}")


class Widths(SandboxedFormatter):
    """Walks a format string as str.format would, looking only at the widths."""

    def __init__(self, environment: SandboxedEnvironment, most: int) -> None:
        super().__init__(environment)
        self.most = most

    def format_field(self, value: Any, format_spec: str) -> str:
        for digits in _DIGITS.findall(format_spec):
            size(self.most, int(digits[:12]), f"the width {digits[:12]} in format()")
        return str(value)[:40] if isinstance(value, int | str) else ""  # a width may itself be a placeholder


def stepped(*args: int) -> range:
    """The `range` of templates."""
    asked = range(*args)
    try:
        length = len(asked)
    except OverflowError:
        length = MAX_RANGE + 1
    if length > MAX_RANGE:
        shown = ", ".join(str(arg) for arg in args)
        message = f"The range({shown}) has more than {MAX_RANGE:,} steps"
        raise TooMuchError(message)
    return asked


def _width(most: int, _value: Any, width: Any = 80, *_rest: Any, **_more: Any) -> None:
    if isinstance(width, int):
        size(most, width, f"a width of {width}")


def _replace(most: int, value: Any, old: Any = "", new: Any = "", *_rest: Any, **_more: Any) -> None:
    text = str(value)
    times = text.count(str(old))
    size(most, len(text) + times * max(len(str(new)) - len(str(old)), 0), "replace")


def _join(most: int, separator: Any, items: Any = (), *_rest: Any, **_more: Any) -> None:
    if isinstance(separator, str | bytes) and hasattr(items, "__len__"):
        size(most, len(separator) * len(items), "join")


def _join_filter(most: int, items: Any, d: Any = "", *_rest: Any, **_more: Any) -> None:
    _join(most, d, items)


def _indent(most: int, value: Any, width: Any = 4, *_rest: Any, **_more: Any) -> None:
    by = len(width) if isinstance(width, str) else width
    if isinstance(by, int):
        text = str(value)
        size(most, len(text) + by * (text.count("\n") + 1), "indent")


def _format(most: int, form: Any, *args: Any, **_more: Any) -> None:
    _percent(most, str(form), args)


def _round(_most: int, _value: Any, precision: Any = 0, *_rest: Any, **_more: Any) -> None:
    if isinstance(precision, int) and abs(precision) > 300:
        message = f"round to {precision} digits; 300 is the most"
        raise TooMuchError(message)


def _groups(_most: int, _value: Any, count: Any = 1, *_rest: Any, **_more: Any) -> None:
    if isinstance(count, int) and count > MAX_RANGE:
        message = f"groups of {count:,}; {MAX_RANGE:,} is the most"
        raise TooMuchError(message)


def _tabs(most: int, text: Any, tabsize: Any = 8, *_rest: Any, **_more: Any) -> None:
    if isinstance(tabsize, int):
        size(most, len(text) + text.count("\t" if isinstance(text, str) else b"\t") * tabsize, "expandtabs")


FILTERS: dict[str, Check] = {
    "center": _width,
    "indent": _indent,
    "replace": _replace,
    "join": _join_filter,
    "format": _format,
    "round": _round,
    "batch": _groups,
    "slice": _groups,
}
METHODS: dict[str, Check] = {
    "center": _width,
    "ljust": _width,
    "rjust": _width,
    "zfill": _width,
    "to_bytes": _width,
    "replace": _replace,
    "join": _join,
    "expandtabs": _tabs,
}
