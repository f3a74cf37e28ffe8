"""What a row of a list knows: a document, one of its attempts, and the captured values that its columns show.

Rows are fetched a page at a time, in a fixed number of queries, columns only: no fields' tree, no body, no reply."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Q, QuerySet

from exports import conditions
from exports.models import Attempt, Document, FieldValue, ReplyText
from exports.states import Reason, State

OF_DOCUMENT = (
    "id", "organization_id", "external_id", "status", "file_name", "automated", "created_at", "modified_at",
    "confirmed_at", "exported_at", "export_failed_at", "queue_id", "queue__name", "assignee_id",
    "assignee__username",
)  # fmt: skip
OF_ATTEMPT = (
    "id", "organization_id", "document_id", "number", "state", "reason", "stage", "message", "http_status", "tries",
    "resolution", "reference", "trigger", "requested_by", "created_at", "started_at", "finished_at", "due_at",
    "group_id", "revision_id", "revision__number", "revision__pipeline_id", "revision__pipeline__name",
)  # fmt: skip


@dataclass(slots=True)
class Row:
    """One line of a list. `values` are captured ones as they were displayed, numbers and dates normalized."""

    document: Document | None
    attempt: Any = None
    values: dict[str, str] = field(default_factory=dict)
    duplicate: str = ""
    """Why sending it again might be a second delivery; empty where nothing says so."""
    reply: str = ""

    @property
    def pk(self) -> int:
        raise NotImplementedError


@dataclass(slots=True)
class DocumentRow(Row):
    @property
    def pk(self) -> int:
        assert self.document is not None
        return self.document.pk


@dataclass(slots=True)
class AttemptRow(Row):
    @property
    def pk(self) -> int:
        return int(self.attempt.pk)


def of_documents(found: QuerySet[Document]) -> QuerySet[Document]:
    return found.select_related("queue", "assignee").only(*OF_DOCUMENT)


def of_attempts(found: QuerySet[Attempt]) -> QuerySet[Attempt]:
    also = [f"document__{name}" for name in OF_DOCUMENT]
    rows = found.select_related("document__queue", "document__assignee", "revision__pipeline")
    return rows.annotate(most_tries=F("revision__definition__max_tries")).only(*OF_ATTEMPT, *also)


def complete(documents: Sequence[Document], names: Collection[str], *, replies: bool = False) -> list[Row]:
    """Rows of a documents list, in the given order: each with its newest attempt."""
    newest = of_attempts(Attempt.objects.filter(conditions.newest(), document__in=[d.pk for d in documents]))
    by_document = {attempt.document_id: attempt for attempt in newest.order_by()}
    rows: list[Row] = [DocumentRow(document, by_document.get(document.pk)) for document in documents]
    return _filled(rows, names, replies=replies)


def complete_attempts(attempts: Sequence[Attempt], names: Collection[str], *, replies: bool = False) -> list[Row]:
    rows: list[Row] = [AttemptRow(attempt.document, attempt) for attempt in attempts]
    return _filled(rows, names, replies=replies)


def _filled(rows: list[Row], names: Collection[str], *, replies: bool) -> list[Row]:
    ids = {row.document.pk for row in rows if row.document is not None}
    values = _values(ids, names)
    sent = _sent(ids)
    said = _replies([row.attempt.pk for row in rows if row.attempt is not None]) if replies else {}
    for row in rows:
        if row.document is not None:
            row.values = values.get(row.document.pk, {})
        if row.attempt is not None:
            row.duplicate = _duplicate(row.attempt, sent)
            row.reply = said.get(row.attempt.pk, "")
    return rows


def _values(ids: Collection[int], names: Collection[str]) -> dict[int, dict[str, str]]:
    """By document, then by name: the first value, but the first number or date where there is one, as those are
    normalized."""
    found: dict[int, dict[str, str]] = {}
    if not names:
        return found
    rows = FieldValue.objects.filter(document__in=ids, name__in=names, whole=True).order_by("pk")
    typed = set()
    for document, name, text, shown, number, day in rows.values_list(
        "document_id", "name", "text", "shown", "number", "date"
    ):
        of_document = found.setdefault(document, {})
        is_typed = number is not None or day is not None
        if name not in of_document or (is_typed and (document, name) not in typed):
            of_document[name] = shown or text
            if is_typed:
                typed.add((document, name))
    return found


def _sent(ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """Attempts that reached the other side, or may have, by document: number and how."""
    found: dict[int, list[tuple[int, str]]] = {}
    rows = Attempt.objects.filter(Q(state=State.SUCCEEDED) | Q(reason=Reason.UNCONFIRMED), document__in=ids)
    for document, number, state in rows.order_by("number").values_list("document_id", "number", "state"):
        found.setdefault(document, []).append((number, state))
    return found


def _duplicate(attempt: Attempt, sent: dict[int, list[tuple[int, str]]]) -> str:
    if attempt.state == State.FAILED and attempt.reason == Reason.UNCONFIRMED:
        return "Outcome unknown: it may have arrived."
    earlier = [(number, state) for number, state in sent.get(attempt.document_id or 0, []) if number < attempt.number]
    if not earlier:
        return ""
    number, state = earlier[-1]
    return f"Attempt {number} was delivered." if state == State.SUCCEEDED else f"Attempt {number} may have arrived."


def _replies(ids: Iterable[int]) -> dict[int, str]:
    return dict(ReplyText.objects.filter(attempt__in=ids).values_list("attempt_id", "text"))
