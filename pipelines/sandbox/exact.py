"""JSON whose numbers keep the digits they were written with: 1250.40 stays 1250.40 on its way through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Self


class Exact(float):
    """A float that remembers its text. JMESPath asks for the type by name, so the name is float's."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made


Exact.__name__ = "float"


def loads(text: str) -> Any:
    """Raises ValueError, also for NaN and Infinity, which are no JSON (RFC 8259, 6)."""
    return json.loads(text, parse_float=Exact, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    message = f"{constant} is no JSON number"
    raise ValueError(message)


def dumps(value: Any) -> str:
    """JSON text of anything that `loads` gives, Decimals included, every number with its own digits."""
    return "".join(_pieces(value))


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, Exact):
        yield value.text
    elif isinstance(value, Decimal):
        yield str(value)
    elif isinstance(value, Mapping):
        mark = "{"
        for key, member in value.items():
            yield f"{mark}{json.dumps(str(key), ensure_ascii=False)}: "
            yield from _pieces(member)
            mark = ", "
        yield "{}" if mark == "{" else "}"
    elif isinstance(value, list | tuple):
        mark = "["
        for member in value:
            yield mark
            yield from _pieces(member)
            mark = ", "
        yield "[]" if mark == "[" else "]"
    else:
        yield json.dumps(value, ensure_ascii=False, allow_nan=False)
