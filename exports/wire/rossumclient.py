"""Rossum's API as its client reads it: annotations in lists and in an export's reply, and what a failure says. Pure.

Unknown keys and unknown statuses are passed over (Rossum adds both without notice); what a client cannot do without is
asked for here, so that a strange answer is refused at the door and not somewhere behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from exports.wire.rossum.urls import id_of

MOST_IDS = 100
"""Of one export, and of one page."""
MOST_TEXT = 4096
"""Characters of a message."""
LIFE = 162 * 3600
"""Seconds that a login holds."""


class StrangeAnswerError(ValueError):
    """An answer that is not Rossum's, in words for a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """One annotation, as far as its exporter needs it."""

    id: int
    status: str
    modified_at: str
    document_id: int | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: Sequence[Row]
    total: int
    pages: int


def row(given: Any) -> Row:
    """Of an annotation, or of a result of `queues/{id}/export`. Raises StrangeAnswerError."""
    if not isinstance(given, Mapping):
        raise StrangeAnswerError("An annotation is an object.")
    number = id_of(given.get("url"))
    status = given.get("status")
    if number is None or not isinstance(status, str):
        raise StrangeAnswerError("An annotation has a url that ends in its id, and a status.")
    document = given.get("document")
    file = document.get("url") if isinstance(document, Mapping) else document
    return Row(
        number,
        status,
        str(given.get("modified_at") or ""),
        id_of(file),
        moment(given.get("confirmed_at") or given.get("modified_at")),
    )


def page(given: Any) -> Page:
    """Raises StrangeAnswerError."""
    results = given.get("results") if isinstance(given, Mapping) else None
    paging = given.get("pagination") if isinstance(given, Mapping) else None
    if not isinstance(results, list) or not isinstance(paging, Mapping):
        raise StrangeAnswerError("A list has results and pagination.")
    rows = [row(one) for one in results]
    total, pages = paging.get("total"), paging.get("total_pages")
    return Page(rows, total if isinstance(total, int) else len(rows), pages if isinstance(pages, int) else 1)


def content(given: Any) -> list[Any]:
    """The sections of `annotations/{id}/content`. Raises StrangeAnswerError."""
    found = given.get("content") if isinstance(given, Mapping) else None
    if not isinstance(found, list):
        raise StrangeAnswerError("An annotation's content is a list of sections.")
    return found


def digest(sections: Sequence[Any]) -> str:
    """Of what was captured: which fields hold which values, not where on the page they stood or who looked."""
    told = json.dumps([_values(node) for node in sections], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _values(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return None
    held = node.get("content")
    value = [held.get("value"), held.get("normalized_value")] if isinstance(held, Mapping) else None
    return [node.get("schema_id"), value, [_values(child) for child in node.get("children") or ()]]


def waiting(queue: int, *, page: int, size: int) -> str:
    """The path of a page of confirmed annotations, those that changed first in front."""
    query = {"queue": queue, "status": "confirmed", "ordering": "modified_at", "page_size": size, "page": page}
    return f"annotations?{urlencode(query)}"


def these(ids: Iterable[int]) -> str:
    """The path of a list of up to MOST_IDS annotations, whatever their status."""
    return f"annotations?{urlencode({'id': ','.join(map(str, ids)), 'page_size': MOST_IDS})}"


def export(queue: int, ids: Iterable[int]) -> str:
    """The path that moves these annotations, and no others, to exported. By POST; never by PATCH: then Rossum would
    learn nothing from what was corrected."""
    query = {"id": ",".join(map(str, ids)), "to_status": "exported", "format": "json", "page_size": MOST_IDS}
    return f"queues/{queue}/export?{urlencode(query)}"


def failed(message: str) -> dict[str, Any]:
    """The PATCH that marks an annotation red, and says why."""
    text = message if len(message) <= MOST_TEXT else f"{message[: MOST_TEXT - 1]}…"
    return {"status": "failed_export", "messages": [{"type": "error", "content": text, "id": "all"}]}


def moment(given: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None
