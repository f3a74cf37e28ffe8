"""Files that came with a document beside its original: kept, compared with those of the last time, handed to stages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Self

from django.utils import timezone

from exports import contents
from exports.models import Content, Document, ReceivedFile
from pipelines.blobs import Blob
from pipelines.contract import RECEIVED, Received


def key(part: int, number: int) -> str:
    """The reference key of a file: the part of the delivery that it came in, and its place there, from 1."""
    return f"{RECEIVED}{part}.{number}"


class Files:
    """Files on their way to a document, in storage before any transaction begins; `with` lets go of those that came to
    belong to none. Their folders and names are checked already."""

    def __init__(self, files: Sequence[Received], organization_id: int) -> None:
        self._files = files
        self._kept: list[Content] = []
        self._attached = False
        try:
            for file in files:
                self._kept.append(contents.keep(file.blob, organization_id))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed or not self._attached:
            self.close()

    def close(self) -> None:
        contents.forget(self._kept)

    def content_of(self, original: Blob) -> Content | None:
        """The row of the file that is the document's original too, so that its bytes are kept once."""
        same = (file.blob.opener is original.opener for file in self._files)  # also where it was given another name
        return next((row for row, found in zip(self._kept, same, strict=True) if found), None)

    def attach(self, document: Document) -> None:
        """In the caller's transaction: these are the document's files now, and those before them former ones."""
        document.received.filter(replaced_at=None).update(replaced_at=timezone.now())
        Content.objects.bulk_create(self._kept)
        ReceivedFile.objects.bulk_create(
            ReceivedFile.own(
                document=document,
                key=file.key,
                position=position,
                folder=file.folder,
                name=file.blob.name,
                media_type=file.blob.media_type,
                text=file.text,
                content=content,
                size=content.size,
                sha256=content.sha256,
            )
            for position, (file, content) in enumerate(zip(self._files, self._kept, strict=True), 1)
        )
        self._attached = True

    def differ(self, document: Document) -> bool:
        """Whether these are others than the document's."""
        rows = document.received.filter(replaced_at=None)
        known = rows.values_list("key", "folder", "name", "text", "sha256")
        return list(known) != [
            (file.key, file.folder, file.blob.name, file.text, content.sha256)
            for file, content in zip(self._files, self._kept, strict=True)
        ]


def of(document_ids: Iterable[int]) -> dict[int, list[Received]]:
    """The files of several documents, in their order."""
    found: dict[int, list[Received]] = defaultdict(list)
    rows = ReceivedFile.unscoped.filter(document_id__in=document_ids, replaced_at=None, content__purged_at=None)
    for row in rows.select_related("content"):
        blob = contents.blob(row.content, name=row.name, media_type=row.media_type)
        found[row.document_id].append(Received(row.key, row.folder, blob, row.text))
    return found
