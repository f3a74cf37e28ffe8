"""Documents as people and programs write them: fields alone, or {"external_id", "fields", "metadata"} around them. No
database here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pipelines import jsontext
from pipelines.errors import Rejected

AROUND = {"fields", "external_id", "metadata"}


@dataclass(frozen=True, slots=True)
class Shaped:
    """What a JSON says of a document."""

    fields: Any = None
    external_id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


def read(data: bytes, *, place: str) -> Any:
    """JSON with numbers as they are written: 12.50 stays 12.50. Raises Rejected with line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Rejected(f"This is not UTF-8 text (byte {error.start}).", place=place) from error
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=_no_number)
    except (ValueError, RecursionError):
        try:
            jsontext.read(text)
        except jsontext.BadJsonError as error:
            raise Rejected(str(error), place=place) from error
        raise Rejected("This is no JSON that can be read.", place=place) from None


def shaped(given: Any, *, place: str) -> Shaped:
    """Raises Rejected."""
    if not isinstance(given, Mapping) or "fields" not in given or set(given) - AROUND:
        return Shaped(given)
    name, metadata = given.get("external_id") or "", given.get("metadata") or {}
    if not isinstance(name, str):
        raise Rejected("The external_id is text.", place=f"{place}.external_id")
    if not isinstance(metadata, dict):
        raise Rejected("The metadata are a JSON object.", place=f"{place}.metadata")
    return Shaped(given["fields"], name, metadata)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
