"""Documents as exports show them, read some at a time, so that an export of any length takes the same memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

from exports.models import Document
from exports.protocols.rossum import people
from exports.protocols.rossum.exportparameters import Asked
from exports.wire.rossum import exporting, sheets
from exports.wire.rossum.exporting import Facts
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.sheets import Column
from exports.wire.rossum.urls import Addresses
from pipelines.fields import Content
from pipelines.formats import native
from pipelines.models import Queue

AT_ONCE = 100
"""Documents in memory."""
IN_MEMORY = 2 * 1024 * 1024
"""Bytes of a sheet before it goes to disk."""
BLOCK = 64 * 1024

Shown = tuple[Facts, dict[str, Any]]


class Rendering:
    """One request's way of showing a queue's documents."""

    def __init__(self, queue: Queue, asked: Asked, at: Addresses) -> None:
        self._queue = queue
        self._asked = asked
        self._at = at
        self._schema: Sequence[Mapping[str, Any]] = queue.schema.content if queue.schema else []
        self._nodes = native.schema_nodes(self._schema)
        self._columns: list[Column] | None = None

    def check(self) -> None:
        """Raises WrongValue for a column that the schema has not, before anything moves."""
        if self._asked.form in {"csv", "xlsx"} and self._schema:
            self._columns = self._chosen(None)

    def results(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """JSON's `results`."""
        return [self._json(facts, shown) for facts, shown in self._each(ids)]

    def stream(self, ids: Sequence[int], pagination: Mapping[str, Any]) -> Iterator[bytes]:
        """The file, in pieces."""
        match self._asked.form:
            case "xml":
                return exporting.xml((shown for _, shown in self._each(ids)), pagination)
            case "csv":
                columns = self._columns_for(ids)
                return sheets.written(self._lines(ids, columns), columns, self._asked.dialect)
            case _:
                return _blocks(self._sheet(ids))

    def pieces(self, documents: Sequence[Document]) -> dict[int, bytes]:
        """What of the reply is about each document, for its attempt's record."""
        found: dict[int, bytes] = {}
        for facts, shown in self._shown(documents):
            match self._asked.form:
                case "xml":
                    found[facts.pk] = exporting.xml_annotation(shown)
                case "csv":
                    columns = self._columns if self._columns is not None else self._chosen([facts.fields])
                    lines = sheets.rows(shown, facts.fields, columns)
                    found[facts.pk] = b"".join(sheets.written(lines, columns, self._asked.dialect))
                case _:
                    found[facts.pk] = json.dumps(self._json(facts, shown), ensure_ascii=False).encode()
        return found

    def _json(self, facts: Facts, shown: dict[str, Any]) -> dict[str, Any]:
        return exporting.flat(shown, facts, self._at) if self._asked.flat else shown

    def _each(self, ids: Sequence[int]) -> Iterator[Shown]:
        for first in range(0, len(ids), AT_ONCE):
            some = ids[first : first + AT_ONCE]
            found = Document.objects.filter(pk__in=some).select_related("fields")
            rows = {row.pk: row for row in found}
            yield from self._shown([rows[pk] for pk in some if pk in rows])

    def _shown(self, documents: Sequence[Document]) -> list[Shown]:
        names = {
            document.pk: document.reviewer or (document.fields.by if document.fields else "") for document in documents
        }
        ids = people.ids_of(names.values())
        found = []
        for document in documents:
            name = names[document.pk]
            facts = Facts(
                pk=document.pk,
                status=document.status,
                queue_id=document.queue_id,
                schema_id=self._queue.schema_id,
                organization_id=document.organization_id,
                fields=Content(document.fields.content if document.fields else []),
                file_name=document.file_name,
                arrived_at=document.created_at,
                modified_at=document.modified_at,
                assigned_at=document.review_began_at,
                exported_at=document.exported_at,
                metadata=document.metadata if isinstance(document.metadata, dict) else {},
                automated=document.automated,
                modifier=(ids[name], name.removeprefix("user:")) if name in ids else None,
            )
            found.append((facts, exporting.annotation(facts, self._nodes, self._at)))
        return found

    def _lines(self, ids: Sequence[int], columns: Sequence[Column]) -> Iterator[list[str]]:
        for facts, shown in self._each(ids):
            yield from sheets.rows(shown, facts.fields, columns)

    def _columns_for(self, ids: Sequence[int]) -> list[Column]:
        """Without a schema the documents say which there are: they are read once more for that."""
        if self._columns is None:
            self._columns = self._chosen(facts.fields for facts, _ in self._each(ids))
        return self._columns

    def _chosen(self, trees: Any) -> list[Column]:
        known = None if trees is None else dict.fromkeys(pair for tree in trees for pair in native.columns_of(tree))
        words = self._asked.given.words
        return sheets.columns(
            self._schema,
            known=known,
            only=words("columns"),
            before=words("prepend_columns"),
            after=words("append_columns"),
        )

    def _sheet(self, ids: Sequence[int]) -> IO[bytes]:
        columns = self._columns_for(ids)
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (_blocks closes it)
        if not sheets.sheet(self._lines(ids, columns), columns, file):
            file.close()
            raise WrongValue(
                "page_size", f"One sheet has at most {sheets.MOST_ROWS:,} rows. Ask for pages, or for CSV."
            )
        file.seek(0)
        return file


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        read: Callable[[], bytes] = lambda: file.read(BLOCK)  # noqa: E731
        yield from iter(read, b"")
