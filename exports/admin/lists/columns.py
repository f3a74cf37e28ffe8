"""The columns that lists can have: how each is drawn, what it is in a file, and what it sorts by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.display import BAD, QUIET, WARN, badge, moment, span
from exports import looks
from exports.admin.fieldtables import HEADLINE
from exports.admin.lists.rows import Row
from exports.parameters import FIELD
from exports.states import State

Cell = SafeString | str
Value = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `draw` is for the page, `value` for a file."""

    name: str
    title: str
    draw: Callable[[Row], Cell]
    value: Callable[[Row], Value]
    sorts: Mapping[str, str] | None = None
    """By list ("documents", "attempts"): the database column that it sorts by, one that is never null."""
    number: bool = False
    fields: tuple[str, ...] = ()
    """The captured values that it shows, by name, best first."""


def captured(names: Iterable[str]) -> Callable[[Row], str]:
    """The first of these captured values that a document has."""
    known = tuple(names)
    return lambda row: next((text for name in known if (text := row.values.get(name))), "")


def of_field(schema_id: str, label: str = "") -> Column:
    """A column for any captured value."""
    first = captured([schema_id])
    return Column(
        f"{FIELD}{schema_id}", label or schema_id.replace("_", " ").capitalize(), lambda row: first(row) or "–",
        first, fields=(schema_id,),
    )  # fmt: skip


def _two(first: Any, second: Any = "", more: str = "") -> SafeString:
    if not second:
        return format_html('<span class="desk-cell {}"><span>{}</span></span>', more, first)
    return format_html('<span class="desk-cell {}"><span>{}</span><small title="{}">{}</small></span>', more, first,
                       second if not isinstance(second, SafeString) else "", second)  # fmt: skip


def _quiet(text: str) -> SafeString:
    return format_html('<span class="desk-quiet">{}</span>', text)


def _attempt(read: Callable[[Any], Any]) -> Callable[[Row], Any]:
    return lambda row: None if row.attempt is None else read(row.attempt)


def _document(read: Callable[[Any], Any]) -> Callable[[Row], Any]:
    return lambda row: None if row.document is None else read(row.document)


def _queue(row: Row) -> Cell:
    """On one line: a list is scanned by its rows."""
    name = _document(lambda document: document.queue.name)(row)
    return format_html('<span class="desk-oneline" title="{}">{}</span>', name, name) if name else "–"


def _time(value: Callable[[Row], Any]) -> Callable[[Row], Cell]:
    return lambda row: moment(value(row))


def _plain(value: Callable[[Row], Any]) -> Callable[[Row], Cell]:
    return lambda row: "–" if (shown := value(row)) in {None, ""} else str(shown)


def _name(row: Row) -> Cell:
    if row.document is None:
        return "–"
    page = "attempt" if row.attempt is not None and type(row).__name__ == "AttemptRow" else "document"
    url = reverse(f"admin:exports_{page}_change", args=[row.pk])
    second = f"attempt {row.attempt.number}" if page == "attempt" else row.document.file_name
    return _two(format_html('<a href="{}" data-open>{}</a>', url, row.document.external_id), second)


def _standing(row: Row) -> Cell:
    if row.document is None:
        return "–"
    look = looks.of_status(row.document.status)
    if row.document.status != "failed_export" or row.attempt is None:
        return look.badge()
    said = f"{looks.of_reason(row.attempt.reason).text}: {row.attempt.message}"
    return format_html('<span class="desk-why" tabindex="0" data-why="{}" aria-label="{}. {}">{}</span>',
                       said[:300], look.text, said[:300], look.badge())  # fmt: skip


def _look(attempt: Any) -> looks.Look:
    failed = attempt.state == State.FAILED and attempt.reason
    return looks.of_reason(attempt.reason) if failed else looks.of_attempt(attempt.state)


def _reason(row: Row) -> Cell:
    if row.attempt is None:
        return "–"
    return _two(_look(row.attempt).badge(), row.attempt.message)


def _tries(attempt: Any) -> int:
    return int(attempt.tries) + (attempt.state in {State.SUCCEEDED, State.FAILED, State.RUNNING})


def _of_most(row: Row) -> Cell:
    if row.attempt is None:
        return "–"
    most = getattr(row.attempt, "most_tries", None)
    return f"{_tries(row.attempt)}/{most}" if most else str(_tries(row.attempt))


def _next(attempt: Any) -> datetime | None:
    waits: datetime | None = attempt.due_at if attempt.state == State.WAITING else None
    return waits


def _age(row: Row) -> datetime | None:
    """Since when it is as it is: the end of its attempt, or since it came."""
    if row.attempt is not None:
        at: datetime = row.attempt.finished_at or row.attempt.created_at
        return at
    return None if row.document is None else row.document.created_at


def _risk(row: Row) -> Cell:
    if row.attempt is None:
        return "–"
    if not row.duplicate:
        return _quiet("none known")
    return badge("Possible", BAD if "unknown" in row.duplicate else WARN, "content_copy", row.duplicate)


def _took(attempt: Any) -> float | None:
    if attempt.started_at is None or attempt.finished_at is None:
        return None
    return float((attempt.finished_at - attempt.started_at).total_seconds())


def _pipeline(row: Row) -> Cell:
    if row.attempt is None:
        return "–"
    revision = row.attempt.revision
    url = reverse("admin:pipelines_pipeline_revision", args=[revision.pipeline_id, revision.number])
    return format_html('<a href="{}">{} r{}</a>', url, revision.pipeline.name, revision.number)


def _assignee(row: Row) -> Cell:
    who = _who(row)
    return badge(who, QUIET, "person") if who else _quiet("nobody")


def _who(row: Row) -> str:
    return row.document.assignee.username if row.document is not None and row.document.assignee is not None else ""


def _head(name: str, title: str, *, number: bool = False) -> Column:
    """A column for a value that documents are known by, wherever their schema has it."""
    first = captured(HEADLINE[name])
    return Column(name, title, lambda row: first(row) or "–", first, number=number, fields=HEADLINE[name])


def _amount(row: Row) -> Cell:
    amount, currency = captured(HEADLINE["amount"])(row), captured(HEADLINE["currency"])(row).upper()
    return format_html('<span class="desk-nowrap">{} {}</span>', amount, currency) if amount else "–"


_message = _attempt(lambda a: a.message)
_http = _attempt(lambda a: a.http_status)
_stage = _attempt(lambda a: a.stage)
_id = {"documents": "external_id", "attempts": "document__external_id"}

_BY_PIPELINE = {"attempts": "revision__pipeline__name"}

COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("document", "Document", _name, _document(lambda d: d.external_id), _id),
        Column("status", "Status", _standing, _document(lambda d: looks.of_status(d.status).text),
               {"documents": "status"}),
        Column("reason", "Reason", _reason,
               _attempt(lambda a: _look(a).text), {"attempts": "reason"}),
        _head("number", "Invoice number"),
        _head("party", "Supplier"),
        Column("amount", "Amount", _amount, captured(HEADLINE["amount"]), number=True,
               fields=(*HEADLINE["amount"], *HEADLINE["currency"])),
        _head("currency", "Currency"),
        _head("due", "Due"),
        Column("queue", "Queue", _queue, _document(lambda d: d.queue.name)),
        Column("stage", "Stage", _plain(_stage), _stage, {"attempts": "stage"}),
        Column("code", "Code", _plain(_http), _http, number=True),
        Column("message", "Message", lambda row: _two("", _message(row)) if _message(row) else "–", _message),
        Column("reply", "Reply", lambda row: _two("", row.reply[:300]) if row.reply else "–", lambda row: row.reply),
        Column("tries", "Tries", _of_most, _attempt(_tries), {"attempts": "tries"}, number=True),
        Column("next", "Next try", _time(_attempt(_next)), _attempt(_next), {"attempts": "due_at"}),
        Column("age", "Since", _time(_age), _age),
        Column("risk", "Duplicate risk", _risk, lambda row: row.duplicate),
        Column("assignee", "Assignee", _assignee, _who),
        Column("pipeline", "Pipeline", _pipeline,
               _attempt(lambda a: f"{a.revision.pipeline.name} r{a.revision.number}"), _BY_PIPELINE),
        Column("trigger", "Begun by", _plain(_attempt(lambda a: a.trigger)), _attempt(lambda a: a.trigger)),
        Column("took", "Took", _attempt(lambda a: span(_took(a))), _attempt(_took), number=True),
        Column("reference", "Reference", _plain(_attempt(lambda a: a.reference)), _attempt(lambda a: a.reference)),
        Column("file", "File", _plain(_document(lambda d: d.file_name)), _document(lambda d: d.file_name)),
        Column("arrived", "Arrived", _time(_document(lambda d: d.created_at)), _document(lambda d: d.created_at),
               {"documents": "created_at"}),
        Column("changed", "Changed", _time(_document(lambda d: d.modified_at)), _document(lambda d: d.modified_at),
               {"documents": "modified_at"}),
        Column("began", "Began", _time(_attempt(lambda a: a.created_at)), _attempt(lambda a: a.created_at),
               {"attempts": "created_at"}),
    )
}  # fmt: skip


def named(name: str) -> Column | None:
    if name.startswith(FIELD) and len(name) > len(FIELD):
        return of_field(name.removeprefix(FIELD)[:100])
    return COLUMNS.get(name)


def chosen(names: Iterable[str]) -> list[Column]:
    """Those that there are, once each, in the given order."""
    return [column for name in dict.fromkeys(names) if (column := named(name)) is not None]


def told(value: Value) -> str | int | float | None:
    """A value as a file has it: instants in ISO 8601, UTC."""
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value
