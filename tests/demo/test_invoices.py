"""The two dozen invoices that ship with the demo."""

import hashlib
import json
from collections import Counter
from decimal import Decimal

import pytest

from demo.rules import SUPPLIERS, Facts, Verdict, judge
from demo.write_invoices import DEJAVU, FOLDER, draw, index, is_plain


def fields_of(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text())


ROWS = json.loads((FOLDER / "index.json").read_text())
NAMES = [row["name"] for row in ROWS]


def test_the_index_names_two_dozen_originals_as_they_lie_there():
    assert len(ROWS) == 24
    assert index(FOLDER) == ROWS
    for row in ROWS:
        assert hashlib.sha256((FOLDER / row["original"]).read_bytes()).hexdigest() == row["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_the_original_is_a_small_pdf_drawn_from_the_fields(name):
    fields = fields_of(name)
    original = (FOLDER / f"{name}.pdf").read_bytes()

    assert original.startswith(b"%PDF-")
    assert len(original) < 9_000
    if not is_plain(fields) and not DEJAVU.exists():
        pytest.skip("needs DejaVu Sans (Debian: fonts-dejavu-core)")
    assert draw(fields) == original


@pytest.mark.parametrize("name", [name for name in NAMES if fields_of(name)["amount_total"]])
def test_the_totals_are_the_sum_of_the_lines(name):
    fields = fields_of(name)

    lines = [Decimal(item["item_amount_total"]) for item in fields["line_items"]]

    assert sum(lines, Decimal(0)) == Decimal(fields["amount_total_base"])
    assert Decimal(fields["amount_total_base"]) + Decimal(fields["amount_total_tax"]) == Decimal(fields["amount_total"])


def test_every_fault_of_the_erp_is_met_by_some_invoice_and_most_meet_none():
    verdicts = Counter(judge(Facts.of(fields_of(name), name)).verdict for name in NAMES)

    assert verdicts == {
        Verdict.BOOK: 15,
        Verdict.REFUSE: 3,
        Verdict.BUSY: 2,
        Verdict.CLOSED: 1,
        Verdict.CUT_BOOKED: 1,
        Verdict.CUT_UNBOOKED: 1,
        Verdict.SLOW: 1,
    }


@pytest.mark.parametrize("name", [name for name in NAMES if fields_of(name)["sender_name"].casefold() not in SUPPLIERS])
def test_a_corrected_invoice_meets_no_further_fault(name):
    fields = fields_of(name) | {
        "sender_name": "Harbour Lights Ltd",
        "amount_total": "12.00",
        "currency": "gbp",
        "date_issue": "2025-04-01",
    }

    assert judge(Facts.of(fields, name)).verdict == Verdict.BOOK


def test_the_invoices_are_of_many_kinds():
    every = [fields_of(name) for name in NAMES]

    assert len({fields["currency"] for fields in every}) >= 10
    assert {fields["document_type"] for fields in every} == {"tax_invoice", "credit_note"}
    assert max(len(fields["line_items"]) for fields in every) == 56
    assert min(len(fields["line_items"]) for fields in every) == 0
    assert any(not fields["sender_name"].isascii() for fields in every)
