"""Counting what a run did and holding it against what the ERP's rules imply, document by document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.rules import Expected, expected

FILES = {"Simple SFTP": 2, "Simple API": 0, "Complex API": 1}
"""Files at the SFTP server for each document that a pipeline exports."""

OPERATION = {"Simple API": "csv", "Complex API": "invoice"}
"""What the ERP's ledger calls the request by which a pipeline books."""

AFTERWARDS = 3
"""Requests that follow a draft that the complex pipeline sees booked: attach, link back, submit."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One document that was put into one queue."""

    queue: str
    external_id: str
    fields: Mapping[str, Any]
    """Flat, as captured."""

    @property
    def foretold(self) -> Expected:
        if self.queue not in OPERATION:
            return Expected("exported", "", 0, 0)
        return expected(self.fields, self.external_id)


@dataclass(frozen=True, slots=True)
class End:
    """How it ended: the document's status and its last attempt's reason."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """The line that `demo-check` prints."""

    documents: int
    exported: int
    failed: Mapping[str, int]
    """By reason, unconfirmed included."""
    unconfirmed: int
    sent: int
    """Requests that asked the ERP to do something and were let in."""
    duplicates: int
    """Documents for which the ERP did the same thing more than once."""
    files: int
    """At the SFTP server."""

    def line(self, seconds: float) -> dict[str, Any]:
        return {**asdict(self), "failed": dict(sorted(self.failed.items())), "seconds": round(seconds, 1)}


def foretold(subjects: Sequence[Subject]) -> Tally:
    """What a run over these documents must count."""
    ends = [subject.foretold for subject in subjects]
    done = [subject for subject, end in zip(subjects, ends, strict=True) if end.status == "exported"]
    reasons = Counter(end.reason for end in ends if end.reason)
    return Tally(
        documents=len(subjects),
        exported=len(done),
        failed=reasons,
        unconfirmed=reasons["unconfirmed"],
        sent=sum(end.requests for end in ends) + AFTERWARDS * sum(subject.queue == "Complex API" for subject in done),
        duplicates=0,
        files=sum(FILES[subject.queue] for subject in done),
    )


def counted(ends: Iterable[End], *, sent: int, summary: Mapping[str, Any], files: int) -> Tally:
    """What a run did count. `summary` is the ERP's, `sent` what Waybill itself recorded."""
    ends = list(ends)
    reasons = Counter(end.reason or end.status for end in ends if end.status != "exported")
    return Tally(
        documents=len(ends),
        exported=sum(end.status == "exported" for end in ends),
        failed=reasons,
        unconfirmed=reasons["unconfirmed"],
        sent=sent,
        duplicates=len(summary["duplicates"]["external_ids"]),
        files=files,
    )


def surprises(
    subjects: Sequence[Subject], ends: Mapping[tuple[str, str], End], summary: Mapping[str, Any]
) -> list[str]:
    """One line for everything about a document that is not as foretold: its end, what the ERP received and booked."""
    found = []
    for subject in subjects:
        name = f"{subject.queue} / {subject.external_id}"
        told, end = subject.foretold, ends.get((subject.queue, subject.external_id))
        if end is None:
            found.append(f"{name}: it is not in Waybill.")
        elif (end.status, end.reason) != (told.status, told.reason):
            found.append(
                f"{name}: {end.status} {end.reason}".rstrip() + f", not {told.status} {told.reason}".rstrip() + "."
            )
        if subject.queue in OPERATION:
            none = {"received": 0, "took_effect": 0}
            at_erp = summary["external_ids"].get(f"{OPERATION[subject.queue]} {subject.external_id}", none)
            if (at_erp["received"], at_erp["took_effect"]) != (told.requests, told.booked):
                found.append(
                    f"{name}: the ERP received {at_erp['received']} requests and booked {at_erp['took_effect']}, "
                    f"not {told.requests} and {told.booked}."
                )
    return found


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
