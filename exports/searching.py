"""What search finds by: captured values and the words of replies, copied into indexes off the hot path.

Lives here: making and forgetting the copies. Asking them lives in exports/matching.py. What a sweep has not come to yet
is not found; a document that a person or a robot just brought in or corrected is indexed at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery, UUIDField

from accounts.models import Organization
from exports import contents
from exports.models import Attempt, Content, Document, Exchange, FieldValue, ReplyText, SearchMark
from exports.readings import LONGEST, fold
from pipelines import fields

MOST_VALUES = 400
"""Rows of one document: header fields first, then line items."""
MOST_PARTS = 4
"""Further words of a header value from which on it is found."""
EXCERPT = 2048
"""Characters of a reply that are kept for search."""
LONGEST_WORD = 100
_LATE = timedelta(seconds=30)
"""How much later than its end an attempt may be committed, and is still found by the next round."""

_NUMBER = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,6})?$")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_BREAK = re.compile(r"[\s_/.:,;()\-]+")
_WORD = re.compile(r"[^\W_]+")


def index(documents: Sequence[Document]) -> None:
    """Make the values of these documents' newest fields findable. The caller holds their rows, or has made them."""
    FieldValue.unscoped.filter(document_id__in=[document.pk for document in documents]).delete()
    FieldValue.unscoped.bulk_create([row for document in documents for row in _values(document)], batch_size=1000)
    Document.unscoped.filter(pk__in=[document.pk for document in documents]).update(unindexed=False)
    for document in documents:
        document.unindexed = False


def index_new(most: int = 200) -> int:
    """Index up to `most` documents whose fields changed, and as many attempts that ended; part of the sweep. Returns
    how many rows of both kinds there were, so that a backlog can be worked off."""
    done = index_documents(most)
    for organization_id in Organization.objects.order_by("pk").values_list("pk", flat=True):
        done += index_replies(organization_id, most)
    return done


def index_documents(most: int) -> int:
    with transaction.atomic():
        waiting = Document.unscoped.filter(unindexed=True).order_by("pk")
        rows = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("fields")[:most]
        found = list(rows.only("organization_id", "external_id", "file_name", "fields__content"))
        if found:
            index(found)
    return len(found)


def index_replies(organization_id: int, most: int) -> int:
    """Of attempts that ended, in the order of their ends. One loop at a time does it."""
    begin = datetime(2000, 1, 1, tzinfo=UTC)
    SearchMark.unscoped.get_or_create(organization_id=organization_id, defaults={"replies_until": begin})
    with transaction.atomic():
        held = SearchMark.unscoped.select_for_update(skip_locked=True).filter(organization_id=organization_id)
        if (mark := held.first()) is None:
            return 0
        last_reply = Exchange.unscoped.filter(attempt=OuterRef("pk"), reply_content__isnull=False).order_by("-id")
        ended = (
            Attempt.unscoped.filter(
                organization_id=organization_id, finished_at__gte=mark.replies_until - _LATE, reply_text__isnull=True
            )
            .exclude(document__purged_at__isnull=False)
            .annotate(reply_id=Subquery(last_reply.values("reply_content_id")[:1], output_field=UUIDField()))
            .order_by("finished_at")
            .values_list("pk", "message", "finished_at", "reply_id")[:most]
        )
        found = list(ended)
        if not found:
            return 0
        bodies = Content.unscoped.in_bulk([reply_id for *_, reply_id in found if reply_id])
        ReplyText.unscoped.bulk_create([
            _reply(organization_id, pk, message, bodies.get(reply_id)) for pk, message, _, reply_id in found
        ])  # fmt: skip
        SearchMark.unscoped.filter(pk=mark.pk).update(replies_until=found[-1][2])
    return len(found)


def forget(document_ids: Iterable[int]) -> None:
    """Take documents out of search: their values, and the replies to their attempts. Part of deleting and purging."""
    ids = list(document_ids)
    FieldValue.unscoped.filter(document_id__in=ids).delete()
    ReplyText.unscoped.filter(attempt__document_id__in=ids).delete()
    Document.unscoped.filter(pk__in=ids).update(unindexed=False)


def tokens(text: str) -> list[str]:
    """The words of a text as the full-text index has them: case-folded letters and digits."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(fold(text))]


def _values(document: Document) -> Iterator[FieldValue]:
    left = MOST_VALUES
    for row in _of(document):
        yield row
        left -= 1
        if not left:
            return


def _of(document: Document) -> Iterator[FieldValue]:
    for text in dict.fromkeys([document.external_id, document.file_name]):
        yield from _rows(document, "", text, parts=True)
    sections = document.fields.content if document.fields else []
    header = [node for section in sections for node in section.get("children") or ()]
    for node in header:
        if node.get("category") == "datapoint":
            yield from _node(document, node, parts=True)
    for node in fields.Content([node for node in header if node.get("category") != "datapoint"]).nodes():
        if node.get("category") == "datapoint":
            yield from _node(document, node, parts=False)


def _node(document: Document, node: fields.Node, *, parts: bool) -> Iterator[FieldValue]:
    """As it was displayed and as it was normalized, where that differs."""
    content = node.get("content") or {}
    said = [str(content[key]) for key in ("value", "normalized_value") if content.get(key) not in {None, ""}]
    for text in {fold(text): text for text in reversed(said)}.values():
        yield from _rows(document, str(node.get("schema_id") or "")[:100], text, parts=parts)


def _rows(document: Document, name: str, said: str, *, parts: bool) -> Iterator[FieldValue]:
    text = fold(said)
    if not text:
        return
    number = Decimal(text) if _NUMBER.match(text) else None
    day = _day(text) if _DATE.match(text) else None
    common: dict[str, Any] = {"organization_id": document.organization_id, "document_id": document.pk, "name": name}
    shown = " ".join(said.split())[:LONGEST]
    shown = "" if shown == text[:LONGEST] else shown
    yield FieldValue(**common, text=text[:LONGEST], shown=shown, number=number, date=day)
    if parts and number is None and day is None:
        for found in list(_BREAK.finditer(text[:LONGEST]))[:MOST_PARTS]:
            if rest := text[found.end() : LONGEST]:
                yield FieldValue(**common, text=rest, whole=False)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _reply(organization_id: int, attempt_id: int, message: str, body: Content | None) -> ReplyText:
    text = "" if body is None else _excerpt(body)
    words = " ".join(tokens(f"{message[:EXCERPT]} {text}"))
    return ReplyText(organization_id=organization_id, attempt_id=attempt_id, text=text, words=words)


def _excerpt(body: Content) -> str:
    """The beginning of a kept reply on one line; empty where it is no text, or is gone."""
    try:
        with contents.blob(body).open() as stream:
            data = stream.read(2 * EXCERPT)
    except (contents.PurgedError, OSError):
        return ""
    text = data.decode("utf-8", errors="replace")
    if "\0" in text or text.count("\ufffd") > max(len(text) // 20, 3):
        return ""
    return " ".join(text.split())[:EXCERPT]
