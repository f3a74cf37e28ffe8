"""The pretend ERP's memory: every request it ever received, one JSON line each, and the books that follow from them.

The ERP never looks whether it has seen a document before. The ledger counts, so that whoever sends twice is found out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

CREATE = "invoice"
INTAKE = "csv"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and what came of it."""

    at: float
    """Unix time in seconds."""
    method: str
    path: str
    operation: str
    """token, invoice, attachment, link, submit, csv, probe or other."""
    external_id: str
    """The document's id at the sender, from the body or the invoice that the path names."""
    key: str
    """The Idempotency-Key header."""
    size: int
    sha256: str
    """Of the body."""
    status: int
    """What was answered; 0 where the connection was cut instead."""
    outcome: str
    """The verdict or what went wrong, in one word."""
    effect: bool
    """Whether it changed the books."""
    replied: str = ""
    """sha256 of the reply's body; empty where none was sent."""
    invoice: str = ""
    """The ERP's own id of the invoice that it is about."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the books keep of it."""


@dataclass(slots=True)
class Booked:
    """An invoice in the books."""

    id: str
    external_id: str
    facts: Mapping[str, Any]
    at: float
    state: str = "draft"
    attachments: list[Mapping[str, Any]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)


class Ledger:
    """Append-only. Reads the file it is given first, so that a restarted ERP remembers."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self.invoices: dict[str, Booked] = {}
        self._asked: Counter[tuple[str, str]] = Counter()
        self._file: TextIO | None = None
        if path is not None:
            if path.exists():
                for line in path.read_text().splitlines():
                    self._apply(Entry(**json.loads(line)))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a")

    def append(self, entry: Entry) -> None:
        if self._file is not None:
            self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._file.flush()
        self._apply(entry)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def asked(self, operation: str, external_id: str) -> int:
        """How often this document has asked for this, as far as it got past the door."""
        return self._asked[operation, external_id]

    def find(self, external_id: str) -> list[Booked]:
        return [booked for booked in list(self.invoices.values()) if booked.external_id == external_id]

    def next_id(self, operation: str) -> str:
        return f"{'AP' if operation == CREATE else 'CSV'}-{100_001 + len(self.invoices)}"

    def _apply(self, entry: Entry) -> None:
        self.entries.append(entry)
        if entry.status != 401:
            self._asked[entry.operation, entry.external_id] += 1
        if not entry.effect:
            return
        if entry.operation in {CREATE, INTAKE}:
            state = "draft" if entry.operation == CREATE else "submitted"
            self.invoices[entry.invoice] = Booked(entry.invoice, entry.external_id, entry.facts, entry.at, state)
        elif (booked := self.invoices.get(entry.invoice)) is not None:
            if entry.operation == "attachment":
                booked.attachments.append(entry.facts)
            elif entry.operation == "link":
                booked.links.append(str(entry.facts.get("url", "")))
            elif entry.operation == "submit":
                booked.state = "submitted"

    def summary(self) -> dict[str, Any]:
        """Counts by outcome, by external id and by Idempotency-Key, and what took effect more than once."""
        entries = list(self.entries)
        counted = [entry for entry in entries if entry.operation not in {"token", "probe", "other"}]
        effects = [entry for entry in counted if entry.effect]
        by_id = _counts((f"{entry.operation} {entry.external_id}" for entry in counted), effects, _document)
        by_key = _counts((entry.key for entry in counted if entry.key), effects, lambda entry: entry.key)
        return {
            "requests": len(entries),
            "by_outcome": dict(sorted(Counter(f"{e.operation} {e.outcome}" for e in entries).items())),
            "booked": sum(entry.operation in {CREATE, INTAKE} for entry in effects),
            "without_external_id": sum(not entry.external_id for entry in effects),
            "without_key": sum(not entry.key for entry in effects),
            "external_ids": by_id,
            "idempotency_keys": by_key,
            "duplicates": {
                "external_ids": sorted(name for name, count in by_id.items() if count["took_effect"] > 1),
                "idempotency_keys": sorted(name for name, count in by_key.items() if count["took_effect"] > 1),
            },
        }


def _document(entry: Entry) -> str:
    return f"{entry.operation} {entry.external_id}"


def _counts(received: Iterable[str], effects: Iterable[Entry], name: Any) -> dict[str, dict[str, int]]:
    seen = Counter(received)
    took = Counter(name(entry) for entry in effects)
    return {key: {"received": count, "took_effect": took[key]} for key, count in sorted(seen.items())}
