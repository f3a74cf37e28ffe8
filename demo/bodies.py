"""Reading what the ERP is sent. Every error's text is the answer's."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from demo import multipart
from demo.wire import Request


class Unreadable(ValueError):
    """What was sent cannot be read; the text says why."""


def json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unreadable(f"The body is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise Unreadable("The body must be a JSON object.")
    return value


def table(body: bytes) -> dict[str, Any]:
    """The first row by column name, and how many rows there are."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"The body is no UTF-8: {error}.") from error
    first = text.partition("\n")[0]
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ","))
    if not rows:
        raise Unreadable("The file has no rows below its header.")
    return {**rows[0], "lines": rows}


def line_count(body: Mapping[str, Any]) -> int:
    lines = body.get("lines")
    return len(lines) if isinstance(lines, list) else 0


def form(request: Request) -> dict[str, str]:
    if "json" in request.headers.get("content-type", ""):
        try:
            return {name: str(value) for name, value in json_object(request.body).items()}
        except ValueError:
            return {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return None
    return name, secret


def file(request: Request) -> tuple[str, str, bytes]:
    """Name, media type and bytes of the attachment: the part named `file`, or the whole body of a PUT."""
    media_type = request.headers.get("content-type", "application/octet-stream")
    if not media_type.startswith("multipart/form-data"):
        return request.headers.get("x-file-name", ""), media_type, request.body
    for part in multipart.parts(request.body, media_type):
        if part.name == "file":
            return part.file_name, part.media_type, part.content
    raise Unreadable("The multipart body has no part named “file”.")
