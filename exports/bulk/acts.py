"""What can be done in bulk. Each act names its verb's permission, leaves out what it cannot or must not be done to, and
says why: the preview counts by the same expression that the job gathers by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When

from accounts.models import User
from accounts.policy import Principal
from exports import attempts, documents, remedies
from exports.bulk.options import Options
from exports.models import Attempt, Document, JobItem
from exports.states import ACTIVE, ENDED, Reason, Resolution, State, Status
from pipelines.refusals import Refused

ATTEMPTS = "attempts"
DOCUMENTS = "documents"

EXCLUSIONS = {
    "active": "Still under way: it has not ended.",
    "ended": "It has ended already.",
    "newer": "A newer attempt of the same document exists.",
    "never": "Never exported: there is nothing to repeat.",
    "delivered": "Already delivered.",
    "unknown": "Outcome unknown: each needs a look at the other side first.",
    "resolved": "No longer open: it was sent again, sent back or put aside.",
    "gone": "The document was deleted or purged.",
    "status": "The document's status does not allow it.",
    "same": "It is so already.",
}
"""Why something that matches is left out, by code."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done to many."""

    key: str
    label: str
    permission: str
    about: str
    """Whether it is done to ATTEMPTS or to DOCUMENTS."""
    exclusion: Case
    """On rows of what it is about: a key of EXCLUSIONS, or empty."""
    do: Callable[[JobItem, Principal, str, Options], Attempt | None]
    done: str
    """What is said of one it was done to."""
    options: frozenset[str] = frozenset({"order", "per_minute"})
    """The options that mean something for it."""


def _case(*whens: When) -> Case:
    return Case(*whens, default=Value(""), output_field=CharField())


def _when(code: str, condition: Any) -> When:
    return When(condition, then=Value(code))


def newer() -> Exists:
    """Whether the document of an attempt has one with a higher number."""
    return Exists(
        Attempt.objects.filter(document_id=OuterRef("document_id"), number__gt=OuterRef("number"))
        .order_by()
        .values("pk")
    )


def _document(*statuses: Status) -> Exists:
    """Whether the document of an attempt has one of these. Not a join: it is asked only of rows that are not open."""
    rows = Document.objects.filter(pk=OuterRef("document_id"), status__in=list(statuses))
    return Exists(rows.order_by().values("pk"))


_NOT_OPEN = ~Q(state=State.FAILED, resolution="")
"""An open failure is its document's newest attempt, and the document stands at failed_export (exports/states.py)."""
_OPEN = Q(resolution__in=["", Resolution.IGNORED])


def _statuses(*allowed: Status) -> Case:
    return _case(
        _when("gone", Q(status__in=[Status.DELETED, Status.PURGED])), _when("status", ~Q(status__in=list(allowed)))
    )


def _requeue(item: JobItem, by: Principal, why: str, options: Options) -> Attempt:
    attempt = _attempt(item)
    return attempts.requeue(
        attempt,
        by=by,
        why=why,
        trigger="bulk",
        resume_from=attempt.stage if options.resume else "",
        newest=options.newest,
        frozen=options.frozen,
    )


def _ignore(item: JobItem, by: Principal, why: str, _options: Options) -> None:
    remedies.ignore(_attempt(item), by=by, why=why)


def _cancel(item: JobItem, by: Principal, why: str, _options: Options) -> None:
    attempts.cancel(_attempt(item), by=by, why=why)


def _send_back(item: JobItem, by: Principal, why: str, _options: Options) -> None:
    documents.send_back(item.document, by=by, why=why)


def _confirm(item: JobItem, by: Principal, _why: str, _options: Options) -> None:
    documents.confirm(item.document, by=by)


def _export(item: JobItem, by: Principal, why: str, _options: Options) -> Attempt:
    return documents.ask_export(item.document, by=by, trigger="bulk", why=why)


def _postpone(item: JobItem, by: Principal, why: str, _options: Options) -> None:
    documents.postpone(item.document, by=by, why=why)


def _reject(item: JobItem, by: Principal, why: str, _options: Options) -> None:
    documents.reject(item.document, by=by, why=why)


def _delete(item: JobItem, by: Principal, why: str, _options: Options) -> None:
    documents.delete(item.document, by=by, why=why)


def _assign(item: JobItem, by: Principal, _why: str, options: Options) -> None:
    to = User.objects.filter(pk=options.assignee).first() if options.assignee else None
    if options.assignee and to is None:
        raise Refused("There is no such person.")
    remedies.assign(item.document, to=to, by=by)


def _attempt(item: JobItem) -> Attempt:
    assert item.attempt is not None
    return item.attempt


_SENDING = frozenset({"order", "per_minute", "canary", "stop_above", "in_turn"})

ACTS: dict[str, Act] = {
    act.key: act
    for act in (
        Act(
            "requeue", "Send again", "exports.requeue_attempt", ATTEMPTS,
            _case(
                _when("active", ~Q(state__in=sorted(ENDED))),
                _when("gone", _NOT_OPEN & _document(Status.DELETED, Status.PURGED)),
                _when("newer", _NOT_OPEN & newer()),
                _when("delivered", Q(state=State.SUCCEEDED)),
                _when("resolved", Q(state=State.FAILED) & ~_OPEN),
                _when("unknown", Q(state=State.FAILED, reason=Reason.UNCONFIRMED)),
                _when("status", _NOT_OPEN & ~_document(
                    Status.FAILED_EXPORT, Status.EXPORTED, Status.CONFIRMED, Status.TO_REVIEW
                )),
            ),
            _requeue, "re-queued", _SENDING | {"resume", "newest", "frozen"},
        ),
        Act(
            "ignore", "Ignore", "exports.ignore_attempt", ATTEMPTS,
            _case(
                _when("active", ~Q(state__in=sorted(ENDED))),
                _when("same", Q(state=State.FAILED, resolution=Resolution.IGNORED)),
                _when("resolved", ~Q(state=State.FAILED, resolution="")),
            ),
            _ignore, "ignored",
        ),
        Act(
            "cancel", "Cancel", "exports.cancel_attempt", ATTEMPTS,
            _case(_when("ended", ~Q(state__in=sorted(ACTIVE)))), _cancel, "cancelled",
        ),
        Act(
            "send_back", "Send back to review", "exports.change_document", DOCUMENTS,
            _case(
                _when("same", Q(status=Status.TO_REVIEW)),
                _when("status", ~Q(status__in=[
                    Status.REVIEWING, Status.POSTPONED, Status.CONFIRMED, Status.REJECTED, Status.FAILED_EXPORT,
                    Status.EXPORTED,
                ])),
            ),
            _send_back, "sent back",
        ),
        Act(
            "confirm", "Confirm", "exports.confirm_document", DOCUMENTS,
            _statuses(Status.TO_REVIEW, Status.REVIEWING), _confirm, "confirmed",
        ),
        Act(
            "export", "Export", "exports.export_document", DOCUMENTS,
            _statuses(Status.CONFIRMED), _export, "export asked for", _SENDING,
        ),
        Act(
            "postpone", "Postpone", "exports.change_document", DOCUMENTS,
            _statuses(Status.TO_REVIEW, Status.REVIEWING, Status.CONFIRMED), _postpone, "postponed",
        ),
        Act(
            "reject", "Reject", "exports.change_document", DOCUMENTS,
            _statuses(Status.TO_REVIEW, Status.REVIEWING), _reject, "rejected",
        ),
        Act(
            "delete", "Delete", "exports.delete_document", DOCUMENTS,
            _statuses(
                Status.TO_REVIEW, Status.POSTPONED, Status.CONFIRMED, Status.REJECTED, Status.FAILED_EXPORT,
                Status.EXPORTED, Status.FAILED_IMPORT,
            ),
            _delete, "deleted",
        ),
        Act(
            "assign", "Assign", "exports.change_document", DOCUMENTS,
            _case(_when("gone", Q(status__in=[Status.DELETED, Status.PURGED]))), _assign, "assigned",
            frozenset({"order", "assignee"}),
        ),
    )
}  # fmt: skip
"""By key, in the order in which a list offers them."""


def act(key: str) -> Act:
    """Raises Refused, naming what there is."""
    if key not in ACTS:
        raise Refused(f'Nothing is called "{str(key)[:40]}" in bulk. There are: {", ".join(ACTS)}.')
    return ACTS[key]


def subjects(chosen: Act, of: str, predicate: Any) -> Any:
    """The rows that the act is about, with `exclusion`, for a predicate over the list `of`.

    For an act on attempts asked from the list of documents: each document's newest attempt; documents that were never
    exported have no row here (`never` counts them)."""
    if chosen.about == ATTEMPTS and of == DOCUMENTS:
        rows = Attempt.objects.filter(~newer(), document__in=predicate.documents().order_by().values("pk"))
    elif chosen.about == ATTEMPTS:
        rows = predicate.attempts()
    elif of == ATTEMPTS:
        rows = Document.objects.filter(pk__in=predicate.attempts().order_by().values("document_id"))
    else:
        rows = predicate.documents()
    return rows.order_by().annotate(exclusion=chosen.exclusion)


def never_exported(chosen: Act, of: str, predicate: Any, *, upto: int | None = None) -> Any:
    """Documents of the list without an attempt, where the act is about attempts; else None."""
    if chosen.about != ATTEMPTS or of != DOCUMENTS:
        return None
    rows = (
        predicate.documents().order_by().filter(~Exists(Attempt.objects.filter(document_id=OuterRef("pk")).order_by()))
    )
    return rows if upto is None else rows.filter(pk__lte=upto)
