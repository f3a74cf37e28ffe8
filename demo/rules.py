"""What the pretend ERP says to a document, decided by the document alone, so that every run can be foretold.

The ERP asks `judge`; tests, the demo's check and the kill test ask `expected`. Nothing here knows HTTP or a database.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

SUPPLIERS = {
    "maintenance window ltd": "busy",
    "echo chamber gmbh": "cut_booked",
    "lost & found logistics": "cut_unbooked",
    "slow food società cooperativa": "slow",
}
"""Suppliers whose documents meet a fault of the line, by name in lower case."""

PLACEHOLDERS = frozenset({"xx", "seller name", "test company", "unknown supplier inc."})
"""Names that no supplier master holds; so are names in square brackets and names without three letters."""

CURRENCIES = frozenset({"eur", "usd", "gbp", "chf", "sek", "nok", "dkk", "pln", "czk", "jpy"})
"""The currencies that the ERP has switched on."""

FIRST_OPEN_YEAR = 2014
"""Documents dated earlier lie in a closed period: the ERP answers 200 and puts the error inside."""

BUSY_ANSWERS = 2
"""How often a document that meets maintenance is answered 503 before it is taken."""


class Verdict(enum.StrEnum):
    """What the ERP does with a document that asks to be booked."""

    BOOK = "book"
    REFUSE = "refuse"
    """422 with a list of reasons."""
    CLOSED = "closed"
    """200 with an error inside; nothing is booked."""
    BUSY = "busy"
    """503 with Retry-After the first two times, then booked."""
    CUT_BOOKED = "cut_booked"
    """Booked the first time, and the connection cut before the answer."""
    CUT_UNBOOKED = "cut_unbooked"
    """Read the first time, not booked, and the connection cut."""
    SLOW = "slow"
    """Booked, answered late."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ERP looks at."""

    external_id: str
    supplier: str
    currency: str
    amount_total: str
    date_issue: str

    @classmethod
    def of(cls, fields: Mapping[str, Any], external_id: str) -> Facts:
        """From a document's flat fields."""
        return cls._read(fields, external_id, "sender_name", "amount_total", "date_issue")

    @classmethod
    def of_body(cls, body: Mapping[str, Any], external_id: str) -> Facts:
        """From what the ERP is sent: its own names, the supplier as an object or as a name."""
        supplier = body.get("supplier")
        name = supplier.get("name") if isinstance(supplier, Mapping) else supplier
        return cls._read({**body, "supplier": name}, external_id, "supplier", "total", "issued_on")

    @classmethod
    def _read(cls, values: Mapping[str, Any], external_id: str, supplier: str, total: str, date: str) -> Facts:
        def text(name: str) -> str:
            return " ".join(str("" if values.get(name) is None else values[name]).split())

        return cls(external_id, text(supplier), text("currency").lower(), text(total), text(date))


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and, for a refusal, its reasons by place in the body."""

    verdict: Verdict
    reasons: Mapping[str, list[str]]


def judge(facts: Facts) -> Judgement:
    """Content first, then the supplier's line, then the line that the external id falls on."""
    if reasons := _reasons(facts):
        return Judgement(Verdict.REFUSE, reasons)
    year = facts.date_issue[:4]
    if year.isdigit() and int(year) < FIRST_OPEN_YEAR:
        text = f"The posting period {facts.date_issue[:7]} is closed."
        return Judgement(Verdict.CLOSED, {"invoice": [text]})
    if fault := SUPPLIERS.get(facts.supplier.casefold()):
        return Judgement(Verdict(fault), {})
    return Judgement(_line(facts.external_id), {})


def _reasons(facts: Facts) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    name = facts.supplier
    if not name:
        reasons["invoice.supplier"] = ["The invoice names no supplier."]
    elif name.casefold() in PLACEHOLDERS or name.startswith("[") or sum(map(str.isalpha, name)) < 3:
        reasons["invoice.supplier"] = [f"Supplier “{name}” is unknown. Create it, or correct the name."]
    try:
        finite = Decimal(facts.amount_total).is_finite()
    except InvalidOperation:
        finite = False
    if not finite:
        given = f"“{facts.amount_total}” is not a number" if facts.amount_total else "there is none"
        reasons.setdefault("invoice.total", []).append(f"A total amount is required; {given}.")
    if facts.currency not in CURRENCIES:
        given = facts.currency.upper() or "none"
        reasons.setdefault("invoice", []).append(f"Currency {given} is not switched on.")
    return reasons


_LINES = {0: Verdict.BUSY, 1: Verdict.CUT_BOOKED, 2: Verdict.CUT_UNBOOKED, 3: Verdict.SLOW}


def _line(external_id: str) -> Verdict:
    """One document in five meets a fault of the line, always the same one."""
    number = int.from_bytes(hashlib.sha256(external_id.encode()).digest()[:4])
    return _LINES.get(number % 20, Verdict.BOOK)


@dataclass(frozen=True, slots=True)
class Expected:
    """The state that a document reaches by itself, before any person acts."""

    status: str
    """Of the document: exported or failed_export."""
    reason: str
    """Of the attempt: "", rejected or unconfirmed."""
    booked: int
    """How often the ERP has booked it."""
    requests: int
    """How many requests to book it the ERP has received."""


_EXPECTED = {
    Verdict.BOOK: Expected("exported", "", 1, 1),
    Verdict.SLOW: Expected("exported", "", 1, 1),
    Verdict.BUSY: Expected("exported", "", 1, 1 + BUSY_ANSWERS),
    Verdict.REFUSE: Expected("failed_export", "rejected", 0, 1),
    Verdict.CLOSED: Expected("failed_export", "rejected", 0, 1),
    Verdict.CUT_BOOKED: Expected("failed_export", "unconfirmed", 1, 1),
    Verdict.CUT_UNBOOKED: Expected("failed_export", "unconfirmed", 0, 1),
}


def expected(fields: Mapping[str, Any], external_id: str) -> Expected:
    """Where a document with these flat fields ends after its first attempt through a pipeline that asks the ERP."""
    return _EXPECTED[judge(Facts.of(fields, external_id)).verdict]
