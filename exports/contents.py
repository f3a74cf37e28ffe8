"""Bytes in their one table: inline while small, in storage when large. Streams both ways."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from audit import rows
from exports.models import Content
from pipelines.blobs import Blob


def keep(given: bytes | Blob, organization_id: int) -> Content:
    """An unsaved row for `given`. Large content is in storage when this returns; the row makes it found."""
    blob = Blob.of(given) if isinstance(given, bytes) else given
    row = rows.new(Content, organization_id=organization_id, size=blob.size)
    if blob.size <= settings.INLINE_BYTES:
        row.inline = blob.read()
        row.size = len(row.inline)
        row.sha256 = hashlib.sha256(row.inline).hexdigest()
        return row
    name = f"{organization_id}/{row.id.hex[:8]}/{row.id.hex}"
    with blob.open() as stream:
        row.stored = default_storage.save(name, File(stream))
    row.sha256 = blob.sha256
    return row


def blob(row: Content, *, name: str = "", media_type: str = "application/octet-stream") -> Blob:
    """The content of a row as a blob."""

    def opener() -> BinaryIO:
        if row.inline is not None:
            return io.BytesIO(bytes(row.inline))
        return cast("BinaryIO", default_storage.open(row.stored))

    return Blob(name, media_type, row.size, opener, row.sha256)


def forget(kept: list[Content]) -> None:
    """Delete rows and what storage holds for them; nothing may point at them any more."""
    for row in kept:
        if row.stored:
            default_storage.delete(row.stored)
    Content.unscoped.filter(pk__in=[row.pk for row in kept]).delete()
