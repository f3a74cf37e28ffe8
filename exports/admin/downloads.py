"""Bytes over HTTP: shown inline only as what cannot run, everything else as a download."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse

from exports import contents
from exports.models import Content

INERT = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'; sandbox"
PDF = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"
"""Browsers refuse to show a PDF in a sandbox; their viewers keep its scripts away from the page."""

IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
"""By their first bytes: what a sender calls a file does not decide how it is treated. SVG is not here: it runs."""


def kind_of(row: Content) -> str:
    """pdf, image, or text; "" for what is only downloaded, and for what was purged."""
    if row.purged_at is not None:
        return ""
    with contents.blob(row).open() as stream:
        first = stream.read(1024)
    if first.startswith(b"%PDF-"):
        return "pdf"
    if any(first.startswith(magic) for magic in IMAGES):
        return "image"
    try:
        first.decode("utf-8")
    except UnicodeDecodeError as error:
        return "text" if error.start > len(first) - 4 and b"\0" not in first else ""
    return "" if b"\0" in first else "text"


def inline(row: Content, *, name: str) -> HttpResponse | FileResponse:
    """For a frame or an image of our own page."""
    kind = kind_of(row)
    if kind not in {"pdf", "image"}:
        return attachment(row, name=name)
    stream = contents.blob(row).open()
    if kind == "pdf":
        media_type = "application/pdf"
    else:
        first = stream.read(16)
        stream.seek(0)
        media_type = next(found for magic, found in IMAGES.items() if first.startswith(magic))
    response = FileResponse(stream, filename=name or "original", content_type=media_type)
    response.headers["Content-Security-Policy"] = PDF if kind == "pdf" else INERT
    return _closed(response)


def attachment(row: Content, *, name: str) -> HttpResponse | FileResponse:
    if row.purged_at is not None:
        return HttpResponse(str(contents.PurgedError(row)), status=410, content_type="text/plain; charset=utf-8")
    response = FileResponse(
        contents.blob(row).open(),
        as_attachment=True,
        filename=name or "content",
        content_type="application/octet-stream",
    )
    response.headers["Content-Security-Policy"] = INERT
    return _closed(response)


def _closed(response: FileResponse) -> FileResponse:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
