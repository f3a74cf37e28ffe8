"""Stored bytes on their way out: always a download, never a page (RFC 6266)."""

from __future__ import annotations

import base64
import re

from django.http import FileResponse
from django.utils.http import content_disposition_header

from exports import contents
from exports.api.problems import ApiProblem
from exports.models import Content

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)
_PAGES = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xsl", "application/xslt+xml")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069/\\:*?\"<>|]+")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


def safe_name(name: str, *, otherwise: str = "download") -> str:
    """A file name that every system can write: no path, no control or direction characters, at most 150 long."""
    kept = _UNSAFE.sub("_", name).strip(" ._")
    if len(kept) > 150:
        stem, dot, suffix = kept.rpartition(".")
        kept = f"{stem[: 150 - len(suffix) - 1]}.{suffix}" if dot and len(suffix) < 20 else kept[:150]
    return kept or otherwise


def safe_media_type(media_type: str) -> str:
    """The stored type, unless it is malformed or one that a browser would run as a page."""
    plain = media_type.split(";", maxsplit=1)[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(media_type.strip()) or plain in _PAGES:
        return "application/octet-stream"
    return media_type.strip()


def download(content: Content, *, name: str, media_type: str, otherwise: str = "download") -> FileResponse:
    """The bytes, streamed, with their length and sha256 (RFC 9530). Raises ApiProblem `purged`."""
    try:
        blob = contents.blob(content, name=name, media_type=media_type)
    except contents.PurgedError as error:
        raise ApiProblem("purged", str(error)) from error
    response = FileResponse(blob.open(), content_type=safe_media_type(media_type))
    response["Content-Length"] = str(blob.size)
    response["Content-Disposition"] = (
        content_disposition_header(True, safe_name(name, otherwise=otherwise)) or "attachment"
    )
    for header, value in HEADERS.items():
        response[header] = value
    if content.sha256:
        response["ETag"] = f'"{content.sha256}"'
        response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(content.sha256)).decode()}:"
    return response
