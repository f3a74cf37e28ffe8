"""Reads a Waybill's database and the ERP's ledger, and counts: for `benchmarks/chaos.py`, in the environment of its run."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import django

django.setup()

from demo import waybill  # noqa: E402  # after Django
from demo.rules import expected  # noqa: E402
from exports.models import Attempt, Document, Exchange  # noqa: E402
from exports.states import ACTIVE  # noqa: E402


def main() -> None:
    asked = json.loads(sys.argv[1])
    ledger = [json.loads(line) for line in Path(asked["ledger"]).read_text().splitlines()]
    told = {
        row["name"]: expected(json.loads((Path(asked["documents"]) / row["fields"]).read_text()), row["name"])
        for row in waybill.rows(Path(asked["documents"]))
    }
    booked = Counter(entry["external_id"] for entry in ledger if entry["operation"] == "invoice" and entry["effect"])
    last = dict(Attempt.unscoped.order_by("number").values_list("document__external_id", "reason"))
    documents = dict(Document.unscoped.values_list("external_id", "status"))
    settled = {"exported", "failed_export"}
    lost = [
        name
        for name in told
        if documents.get(name) not in settled or (documents[name] == "exported" and not booked[name])
    ]
    accepted = {"", "unconfirmed"}
    again = [name for name in told if booked[name] > 1 or (booked[name] and last.get(name, "") not in accepted)]
    twice = Counter(
        (entry["operation"], entry["external_id"])
        for entry in ledger
        if entry["effect"] and entry["operation"] in {"attachment", "link", "submit"}
    )
    received = Counter(entry["key"] for entry in ledger if entry["key"])
    recorded = Counter(Exchange.unscoped.exclude(idempotency_key="").values_list("idempotency_key", flat=True))
    unknown = [name for name, reason in last.items() if reason == "unconfirmed" and told[name].reason != "unconfirmed"]
    print(
        json.dumps(
            {
                "active": Attempt.unscoped.filter(state__in=sorted(ACTIVE)).count(),
                "documents": len(told),
                "lost": len(lost),
                "duplicates": len(again) + sum(count > 1 for count in twice.values()),
                "unrecorded": sum((received - recorded).values()),
                "unconfirmed": len(unknown),
            }
        )
    )


if __name__ == "__main__":
    main()
