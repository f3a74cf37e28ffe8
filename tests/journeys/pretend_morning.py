"""The other side of the clerk's morning: an ERP that refuses, breaks and cuts for reasons that can be mended, and an
archive that is down. Both are real servers; both count what took effect."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from tests.servers.http import Answer, Seen, cut, reply


@dataclass
class Erp:
    """Books invoices. What it cannot book it says, each time with the invoice's own numbers in the words."""

    suppliers: set[str] = field(default_factory=set)
    open_period: bool = False
    cutting: bool = True
    booked: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def __call__(self, seen: Seen) -> Answer:
        invoice = json.loads(seen.body)
        number = invoice["number"]
        self.asked[number] += 1
        if invoice["supplier"] not in self.suppliers:
            said = f"Supplier {invoice['supplier']} of invoice {number} is unknown."
            return reply(422, {"errors": [{"path": "supplier", "message": said}]})
        if invoice["period"] == "closed" and not self.open_period:
            return reply(409, {"error": f"Period of invoice {number}, total {invoice['total']}, is closed."})
        if invoice["line"] == "bad" and self.cutting:
            if int(number[-1]) % 2:  # every other one was booked before the line broke
                self.booked[number] += 1
            return cut()
        self.booked[number] += 1
        return reply(201, {"id": f"ERP-{number}"})


@dataclass
class Archive:
    """Keeps files, when it is there."""

    up: bool = False
    kept: Counter[str] = field(default_factory=Counter)

    def __call__(self, seen: Seen) -> Answer:
        if not self.up:
            return reply(503, "down for maintenance", headers={"Retry-After": "1"})
        self.kept[json.loads(seen.body)["number"]] += 1
        return reply(201, {"id": "kept"})
