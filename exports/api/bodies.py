"""Reading request bodies: JSON with its limits and exact error places, and multipart forms with theirs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser, MultiPartParser

from exports.api.problems import ApiProblem

MAX_DEPTH = 60
"""Levels of nesting; fields have six, configs a dozen."""


class JsonBody(BaseParser):
    """`application/json`, UTF-8 (RFC 8259). Errors name line and column."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise ApiProblem("too_large", f"A JSON body may have {most} bytes; send a larger original as multipart.")
        return loads(raw)


def loads(raw: bytes, *, what: str = "The body") -> Any:
    """JSON as Python, or ApiProblem `malformed` with line and column."""
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        if "\\u" in text:
            _storable(value)
        _shallow(value)
    except UnicodeDecodeError as error:
        _malformed(f"{what} is not UTF-8: byte {error.start + 1} does not belong.", error)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno}
        message = f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise ApiProblem(
            "malformed", message, [{"place": "body", "message": error.msg, **place}], extra=place
        ) from error
    except RecursionError as error:
        _malformed(f"{what} is nested deeper than {MAX_DEPTH} levels.", error)
    except ValueError as error:
        _malformed(f"{what} is not JSON: {error}", error)
    return value


def _malformed(message: str, error: Exception) -> NoReturn:
    raise ApiProblem("malformed", message, [{"place": "body", "message": message}]) from error


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON number."
    raise ValueError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_constant(digits[:40])


def _storable(value: Any) -> None:
    """NUL and lone surrogates are legal in JSON text and in no database."""
    match value:
        case str():
            if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
                message = r"text with \u0000 or half a surrogate pair cannot be kept."
                raise ValueError(message)
        case list():
            for item in value:
                _storable(item)
        case dict():
            for key, item in value.items():
                _storable(key)
                _storable(item)


def _shallow(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise RecursionError


class FormBody(MultiPartParser):
    """`multipart/form-data` (RFC 7578) up to MAX_ORIGINAL_BYTES, files spooled to disk by Django."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        most = settings.MAX_ORIGINAL_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") if request is not None else None
        if length and length.isdigit() and int(length) > most:
            raise ApiProblem("too_large", f"An original may have {settings.MAX_ORIGINAL_BYTES} bytes.")
        parsed = super().parse(stream, media_type, parser_context)
        for name, values in parsed.data.lists():
            if any("\0" in text for text in (name, *values)):
                message = "Text with a NUL character cannot be kept."
                place = name.replace("\0", "")
                raise ApiProblem("malformed", message, [{"place": place, "message": message}])
        return parsed
