"""What the examples of docs/protocols/rossum-export.md find: a queue of confirmed invoices, some of them booked."""

from __future__ import annotations

from tests.docs.worlds import Found, world


@world("protocols/rossum-export.md")
def confirmed_invoices(given: dict[str, str]) -> Found:
    """Six confirmed invoices ($QUEUE): two that the ERP has booked ($BOOKED), one that it has refused ($REFUSED), and
    three that the second robot finds, one of them from a supplier that its ERP does not know."""
    from tests import builders
    from tests.exports.api import world as worlds

    schema = builders.schema(
        {"category": "datapoint", "id": "number", "type": "string", "label": "Invoice number"},
        {"category": "datapoint", "id": "total", "type": "number", "label": "Total"},
    )
    queue = builders.queue("Invoices", schema=schema)
    rows = [builders.document(queue, {"number": f"INV-{at}", "total": f"{at}.50"}) for at in range(40, 45)]
    builders.document(queue, {"number": "INV-45", "total": "45.50"}, metadata={"supplier": "unknown"})
    booked = ",".join(str(row.pk) for row in rows[:2])
    return Found({
        "QUEUE": str(queue.pk), "BOOKED": booked, "REFUSED": str(rows[2].pk), "WAYBILL_KEY": worlds.caller("operator").key,
    })  # fmt: skip
