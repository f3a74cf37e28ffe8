"""Files that robots send: as a form's part `content`, or as the body with a Content-Disposition that names it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Self, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from exports.api.bodies import loads
from exports.api.problems import ApiProblem
from exports.api.shapes.intake import uploaded
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.urls import id_of
from pipelines.blobs import Blob

CHUNK = 256 * 1024
IN_MEMORY = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sent:
    """One file with what came beside it."""

    blob: Blob
    metadata: Any = None
    values: Any = None
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A whole body as a file. It is gone when the request is."""

    file: BinaryIO
    size: int


class RawFile(BaseParser):
    """Any body but a form, whatever its type is called, as it is."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (lives as long as the request)
        size = 0
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > settings.MAX_ORIGINAL_BYTES:
                file.close()
                raise ApiProblem("too_large", f"A file may have {settings.MAX_ORIGINAL_BYTES} bytes.")
            file.write(chunk)
        return Body(cast("BinaryIO", file), size)


def read(request: Request) -> Sent:
    """The one file of a request. Raises WrongValue where there is none, or something beside it is wrong."""
    sent: Any = request.data
    if isinstance(sent, Body):
        return Sent(_raw(request, sent))
    given = sent.get("content")
    if not isinstance(given, UploadedFile):
        raise WrongValue("content", "No file was submitted: send the bytes with a filename, not the name alone.")
    parent = sent.get("parent")
    return Sent(
        uploaded(given),
        _json(sent, "metadata"),
        _json(sent, "values"),
        parent.strip() if isinstance(parent, str) else "",
    )


def id_of_document(reference: str, place: str) -> int:
    """Raises WrongValue where the URL names no document."""
    found = id_of(reference, "documents")
    if found is None:
        raise WrongValue(place, f'"{reference[:200]}" is not the URL of a document.')
    return found


def _raw(request: Request, body: Body) -> Blob:
    disposition = request.headers.get("Content-Disposition", "")
    try:
        _, parameters = parse_header_parameters(disposition)
    except (ValueError, UnicodeDecodeError, LookupError):
        parameters = {}
    name = str(parameters.get("filename") or "").strip()
    if not name:
        raise WrongValue("content", 'Send the body with Content-Disposition: attachment; filename="…".')
    if not body.size:
        raise WrongValue("content", "The submitted file is empty.")

    def opener() -> BinaryIO:
        body.file.seek(0)
        return cast("BinaryIO", _Kept(body.file))

    return Blob(name, request.content_type or "application/octet-stream", body.size, opener)


class _Kept:
    """A stream of a file that stays open when the stream is closed: a blob is read more than once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True


def _json(sent: Any, name: str) -> Any:
    text = sent.get(name)
    if text is None or text == "":
        return None
    if isinstance(text, UploadedFile):
        text = text.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    try:
        value = loads(text if isinstance(text, bytes) else text.encode(), what=name)
    except (ApiProblem, UnicodeEncodeError):
        raise WrongValue(name, "Value must be valid JSON.") from None
    if not isinstance(value, dict):
        raise WrongValue(name, "This must be a JSON object.")
    return value
