"""Every state of attempts and every status of documents is reached by some verb, or is named here with the reason."""

from __future__ import annotations

import pytest

from exports import attempts, documents, worklist
from exports.models import Attempt, Document
from exports.states import MOVES, STATUS_MOVES, State, Status
from tests import builders
from tests.exports.kinds import act, export, kinds  # noqa: F401  # kinds is a fixture
from tests.exports.received import exporting_queue

pytestmark = pytest.mark.usefixtures("organization", "kinds")

NOT_HERE = {
    Status.CREATED: "a document is complete when it comes in",
    Status.IMPORTING: "nothing is recognised here: fields come with the document",
    Status.FAILED_IMPORT: "what cannot be taken in is refused and makes no document",
    Status.SPLIT: "originals are not taken apart here",
    Status.IN_WORKFLOW: "there are no approval workflows",
}
"""Rossum's statuses that only its capture has: documents that come from there may speak of them."""


def _attempt(*verbs, do="finish"):
    attempt = builders.attempt(act("a", do))
    for verb in verbs:
        verb(attempt)


STATES = {
    State.QUEUED: _attempt,
    State.RUNNING: lambda: _attempt(lambda _: worklist.claim("worker", 1)),
    State.WAITING: lambda: export(act("a", "unavailable"), max_tries=3),
    State.PARKED: lambda: export(act("a", "park")),
    State.PAUSED: lambda: _attempt(lambda attempt: attempts.pause(attempt, by=builders.owner())),
    State.SUCCEEDED: lambda: export(act("a")),
    State.FAILED: lambda: export(act("a", "reject")),
    State.CANCELLED: lambda: _attempt(lambda attempt: attempts.cancel(attempt, by=builders.owner())),
}


def _received(*verbs, **values):
    document, _ = documents.receive(
        exporting_queue(), by=builders.owner(), external_id="INV-1", fields={"number": "1"}, **values
    )
    for verb in verbs:
        verb(document, by=builders.owner())


def _purge(document, *, by):
    documents.purge(document, by=by, why="asked for")


STATUSES = {
    Status.TO_REVIEW: _received,
    Status.REVIEWING: lambda: _received(documents.start_review),
    Status.CONFIRMED: lambda: _received(documents.confirm),
    Status.REJECTED: lambda: _received(documents.reject),
    Status.POSTPONED: lambda: _received(documents.postpone),
    Status.EXPORTING: _attempt,
    Status.EXPORTED: lambda: export(act("a")),
    Status.FAILED_EXPORT: lambda: export(act("a", "reject")),
    Status.DELETED: lambda: _received(documents.delete),
    Status.PURGED: lambda: _received(documents.delete, _purge),
}


@pytest.fixture
def sending(monkeypatch):
    """`exporting_queue` publishes a stage of the kind send."""
    from pipelines import stages
    from tests.exports.kinds import module

    real, send = stages.get, module(sends=True)
    monkeypatch.setattr(stages, "get", lambda kind: send if kind == "send" else real(kind))
    monkeypatch.setattr(stages, "KINDS", {**stages.KINDS, "send": "for tests"})


@pytest.mark.parametrize("state", State)
def test_every_state_of_an_attempt_is_reached_by_a_verb(state):
    STATES[state]()

    assert Attempt.objects.get().state == state


@pytest.mark.usefixtures("sending")
@pytest.mark.parametrize("status", sorted(set(Status) - set(NOT_HERE)))
def test_every_status_of_a_document_is_reached_by_a_verb(status):
    STATUSES[status]()

    assert Document.objects.get().status == status


def test_what_is_not_reached_is_named_with_its_reason():
    assert set(STATES) == set(State)
    assert set(STATUSES) | set(NOT_HERE) == set(Status)
    assert set(STATUSES) & set(NOT_HERE) == set()


def test_every_state_that_is_reached_stands_in_the_table_of_moves():
    leads_to = {to for targets in MOVES.values() for to in targets}
    assert leads_to == set(State)

    towards = {to for targets in STATUS_MOVES.values() for to in targets}
    assert set(STATUSES) <= towards
