"""Bytes in their one table: inline while small, in storage when large. Streams both ways."""

from __future__ import annotations

import hashlib
import io
import logging
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage

from audit import rows
from exports.models import Content
from pipelines.blobs import Blob

log = logging.getLogger(__name__)


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
    """The content of a row as a blob. Raises PurgedError where it was erased."""
    if row.purged_at is not None:
        raise PurgedError(row)

    def opener() -> BinaryIO:
        if row.inline is not None:
            return io.BytesIO(bytes(row.inline))
        return cast("BinaryIO", default_storage.open(row.stored))

    return Blob(name, media_type, row.size, opener, row.sha256)


class PurgedError(Exception):
    """The bytes were erased for good; the row says when, how many there were, and their digest."""

    def __init__(self, row: Content) -> None:
        super().__init__(f"It was purged on {row.purged_at:%Y-%m-%d %H:%M} UTC; {told(row)}.")


def told(row: Content) -> str:
    """What stays known of bytes: "2,104 bytes, sha256 9f86…"."""
    return f"{row.size:,} bytes, sha256 {row.sha256}"


def erase(most: int = 500) -> int:
    """Have storage let go of what was purged, once that is durable; part of the sweep, which finishes what was cut
    off here. Returns how many."""
    erased = 0
    waiting = Content.unscoped.filter(purged_at__isnull=False).exclude(stored="").order_by("purged_at")
    for pk, name in list(waiting.values_list("pk", "stored")[:most]):
        try:
            default_storage.delete(name)  # one that is gone already is no error
        except Exception:  # storage is away, or refuses this one: the next round asks again, the others go on
            log.exception("storage did not let go of purged bytes", extra={"content": str(pk)})
            continue
        erased += Content.unscoped.filter(pk=pk).update(stored="")
    return erased


def forget(kept: list[Content]) -> None:
    """Delete rows and what storage holds for them; nothing may point at them any more."""
    for row in kept:
        if row.stored:
            default_storage.delete(row.stored)
    Content.unscoped.filter(pk__in=[row.pk for row in kept]).delete()
