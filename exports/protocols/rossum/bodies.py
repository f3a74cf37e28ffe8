"""Bodies of Rossum's protocol: JSON whatever its type is called, and the one form that a client logs in with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import QueryDict
from rest_framework.parsers import BaseParser

from exports.api.bodies import JsonBody
from exports.api.problems import ApiProblem


class UrlForm(BaseParser):
    """`application/x-www-form-urlencoded`, UTF-8."""

    media_type = "application/x-www-form-urlencoded"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(most + 1)
        if len(raw) > most:
            raise ApiProblem("too_large", f"A form may have {most} bytes.")
        try:
            form = QueryDict(raw.decode(), encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ApiProblem("malformed", f"The form is not UTF-8: byte {error.start + 1} does not belong.") from error
        if any("\0" in text for name, values in form.lists() for text in (name, *values)):
            raise ApiProblem("malformed", "Text with a NUL character cannot be kept.")
        return form


class AnyJson(JsonBody):
    """JSON, also where a client calls it something else or nothing; an empty body is an empty object."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return super().parse(_Peeked(stream), media_type, parser_context)


class _Peeked:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, most: int) -> bytes:
        raw: bytes = self._stream.read(most)
        return raw if raw.strip() or len(raw) == most else b"{}"
