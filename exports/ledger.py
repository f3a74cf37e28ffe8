"""The commit points of running attempts, written in groups.

An attempt's thread hands over an `Entry` and goes on only when it is durable. One writer a process puts the entries
that have gathered meanwhile into one transaction: the lease of each attempt is checked under a lock, the rows go in
together. An entry whose lease is gone writes nothing and its thread learns so: a worker given up for dead cannot write.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, transaction

from audit import rows
from exports import breakers, crashpoints, grouping, offering, transitions
from exports.models import (
    Artifact,
    Attachment,
    Attempt,
    Content,
    Delivery,
    Exchange,
    FieldsVersion,
    StageRun,
)
from exports.states import State, Status

log = logging.getLogger(__name__)

T = TypeVar("T", StageRun, Exchange)

GROUP = 128
"""Entries in one transaction at most."""

GATHER = 0.004
"""Seconds that a group waits for more entries. Each transaction costs a wait for the disk and a fixed share of work:
a third more documents a second came of it, on SQLite, with 64 attempts at once."""


class LeaseLostError(Exception):
    """This worker no longer holds the attempt: whatever it knows is not written, and it stops."""


@dataclass(frozen=True, slots=True)
class End:
    """How an attempt leaves the worker."""

    state: State
    changes: Mapping[str, Any] = field(default_factory=dict)
    document_status: Status | None = None
    document_changes: Mapping[str, Any] = field(default_factory=dict)
    version: FieldsVersion | None = None
    contacts: breakers.Contacts = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """What one attempt adds at a commit point. Rows carry their ids already, so they can name each other."""

    attempt_id: int
    organization_id: int
    document_id: int | None
    lease: UUID
    contents: list[Content] = field(default_factory=list)
    runs: dict[UUID, StageRun] = field(default_factory=dict)
    exchanges: dict[UUID, Exchange] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    attached: dict[str, UUID] = field(default_factory=dict)
    detached: set[str] = field(default_factory=set)
    end: End | None = None

    def attach(self, artifact: Artifact) -> None:
        self.artifacts.append(artifact)
        self.attached[artifact.key] = artifact.pk

    def detach(self, key: str) -> None:
        self.attached.pop(key, None)
        self.detached.add(key)


class Ledger(Protocol):
    """Where an attempt's thread commits."""

    def commit(self, entry: Entry) -> None:
        """Returns when the entry is durable. Raises LeaseLostError when the attempt is no longer ours."""
        ...


class DirectLedger:
    """Commits at once, in the caller's thread: for one attempt at a time."""

    def commit(self, entry: Entry) -> None:
        if write([entry]):
            raise LeaseLostError


class GroupLedger:
    """One writer thread; everybody else waits for it."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Entry, Future[None]] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._writer.start()

    def commit(self, entry: Entry) -> None:
        done: Future[None] = Future()
        self._waiting.put((entry, done))
        done.result()

    def close(self) -> None:
        """Writes what is waiting and stops."""
        self._waiting.put(None)
        self._writer.join()

    def _run(self) -> None:
        try:
            while (first := self._waiting.get()) is not None:
                time.sleep(GATHER)
                group = [first]
                while len(group) < GROUP and not self._waiting.empty():
                    following = self._waiting.get()
                    if following is None:
                        self._write(group)
                        return
                    group.append(following)
                self._write(group)
        finally:
            connection.close()

    def _write(self, group: Sequence[tuple[Entry, Future[None]]]) -> None:
        try:
            lost = _persistently([entry for entry, _ in group])
        except Exception as error:  # one entry's fault must not become everybody's: each alone, then
            if len(group) == 1:
                group[0][1].set_exception(error)
                return
            log.warning("a group of %d entries failed, writing each alone", len(group), exc_info=True)
            for pair in group:
                self._write([pair])
            return
        for entry, done in group:
            if entry.attempt_id in lost:
                done.set_exception(LeaseLostError())
            else:
                done.set_result(None)


def _persistently(entries: Sequence[Entry], *, patience: float = 15.0) -> set[int]:
    """Write; when the database is away, try again for `patience` seconds. Safe to repeat after a COMMIT whose answer
    was lost: rows carry their own ids, and an end that did go through has given up the lease."""
    until = time.monotonic() + patience
    while True:
        try:
            return write(entries)
        except OperationalError:
            if connection.in_atomic_block or time.monotonic() > until:
                raise
            log.warning("the database did not take a commit point, trying again", exc_info=True)
            connection.close()
            time.sleep(0.2)


def write(entries: Sequence[Entry]) -> set[int]:
    """All entries in one transaction; returns the ids of attempts whose lease is gone, of which nothing was written."""
    with transaction.atomic():
        known = (
            Attempt.unscoped.select_for_update(of=("self",))
            .filter(pk__in={entry.attempt_id for entry in entries}, state=State.RUNNING)
            .order_by("pk")
            .values_list("pk", "lease")
        )
        held = dict(known)
        ours = [entry for entry in entries if held.get(entry.attempt_id) == entry.lease]
        rows.insert(Content, [row for entry in ours for row in entry.contents])
        rows.insert(StageRun, _latest(entry.runs for entry in ours), update=_RUN_FIELDS)
        rows.insert(Exchange, _latest(entry.exchanges for entry in ours), update=_EXCHANGE_FIELDS)
        rows.insert(Artifact, [row for entry in ours for row in entry.artifacts])
        rows.insert(Delivery, [row for entry in ours for row in entry.deliveries])
        _attach(ours)
        offering.follow(run for entry in ours for run in entry.runs.values())
        ends = [(entry, entry.end) for entry in ours if entry.end is not None]
        if ends:
            _end(ends)
        if any(exchange.ended_at for entry in ours for exchange in entry.exchanges.values()):
            crashpoints.reach("before-commit")
    return {entry.attempt_id for entry in entries} - {entry.attempt_id for entry in ours}


def _latest(gathered: Iterable[dict[UUID, T]]) -> list[T]:
    """A later entry of the same group may hold the same row: the last one wins, as it would one after the other."""
    latest: dict[UUID, T] = {}
    for some in gathered:
        latest.update(some)
    return list(latest.values())


_RUN_FIELDS = (
    "state", "tries", "marked_at", "begun_at", "finished_at", "reason", "note", "place", "traceback", "messages",
    "operations", "detached", "checkpoint", "progress", "position", "deadline",
)  # fmt: skip
_EXCHANGE_FIELDS = (
    "status", "reply_headers", "reply_content", "reply_size", "reply_truncated", "timings", "error", "ended_at",
    "request_headers", "request_content",
)  # fmt: skip


def _attach(entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.detached and entry.document_id:
            Attachment.unscoped.filter(document_id=entry.document_id, key__in=entry.detached).delete()
    latest = {
        (entry.document_id, key): rows.new(
            Attachment,
            organization_id=entry.organization_id,
            document_id=entry.document_id,
            key=key,
            artifact_id=artifact_id,
        )
        for entry in entries
        if entry.document_id
        for key, artifact_id in entry.attached.items()
    }
    if latest:
        rows.insert(Attachment, list(latest.values()), update=["artifact"], unique=["document_id", "key"])


def _end(ends: Sequence[tuple[Entry, End]]) -> None:
    versions = [end.version for _, end in ends if end.version is not None]
    newest = rows.insert_returning(FieldsVersion, versions, "document_id")
    transitions.leave([(entry.attempt_id, entry.organization_id, end.state, end.changes) for entry, end in ends])
    breakers.note((entry.organization_id, entry.attempt_id, end.contacts) for entry, end in ends)
    transitions.follow([
        (
            entry.document_id,
            entry.organization_id,
            end.document_status,
            {**end.document_changes, **({"fields_id": newest[entry.document_id]} if end.version is not None else {})},
        )
        for entry, end in ends
        if entry.document_id is not None and end.document_status is not None
    ])  # fmt: skip
    if failed := [(entry, end) for entry, end in ends if end.state == State.FAILED]:
        grouping.find([
            grouping.Failure.of(entry.attempt_id, entry.organization_id, end.changes) for entry, end in failed
        ])  # fmt: skip
