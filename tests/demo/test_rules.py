"""What the ERP says follows from the document alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.rules import Facts, Verdict, expected, judge

FINE = {"sender_name": "Harbour Lights Ltd", "currency": "EUR", "amount_total": "10.00", "date_issue": "2025-01-31"}


@pytest.mark.parametrize(
    ("changes", "external_id", "status", "reason", "booked", "requests"),
    [
        ({}, "d1", "exported", "", 1, 1),
        ({"sender_name": ""}, "d1", "failed_export", "rejected", 0, 1),
        ({"sender_name": "[Seller name]"}, "d1", "failed_export", "rejected", 0, 1),
        ({"currency": "huf"}, "d1", "failed_export", "rejected", 0, 1),
        ({"amount_total": "ten"}, "d1", "failed_export", "rejected", 0, 1),
        ({"amount_total": "NaN"}, "d1", "failed_export", "rejected", 0, 1),
        ({"amount_total": "-8.79"}, "d1", "exported", "", 1, 1),
        ({"date_issue": "2013-03-05"}, "d1", "failed_export", "rejected", 0, 1),
        ({"sender_name": "Maintenance Window Ltd"}, "d1", "exported", "", 1, 3),
        ({"sender_name": "ECHO CHAMBER GmbH"}, "d1", "failed_export", "unconfirmed", 1, 1),
        ({"sender_name": "Lost & Found Logistics"}, "d1", "failed_export", "unconfirmed", 0, 1),
        ({"sender_name": "Slow Food Società Cooperativa"}, "d1", "exported", "", 1, 1),
    ],
)
def test_the_outcome_is_known_before_the_run(changes, external_id, status, reason, booked, requests):
    foretold = expected({**FINE, **changes}, external_id)

    assert (foretold.status, foretold.reason, foretold.booked, foretold.requests) == (status, reason, booked, requests)


def test_about_one_document_in_five_meets_a_fault_of_the_line():
    verdicts = [judge(Facts.of(FINE, f"x{number}")).verdict for number in range(1000)]

    faults = [verdict for verdict in verdicts if verdict != Verdict.BOOK]
    assert 150 < len(faults) < 250
    assert set(faults) == {Verdict.BUSY, Verdict.CUT_BOOKED, Verdict.CUT_UNBOOKED, Verdict.SLOW}


def test_content_is_looked_at_before_the_line():
    assert (
        judge(Facts.of({**FINE, "sender_name": "Maintenance Window Ltd", "currency": ""}, "d1")).verdict
        == Verdict.REFUSE
    )


@given(
    st.dictionaries(st.sampled_from(sorted(FINE)), st.one_of(st.text(), st.none(), st.integers(), st.floats())),
    st.text(),
)
def test_every_document_has_a_verdict_and_always_the_same(fields, external_id):
    facts = Facts.of(fields, external_id)

    assert judge(facts) == judge(Facts.of(dict(fields), external_id))


@given(st.text(), st.text(), st.text(), st.text())
def test_the_body_that_the_erp_reads_is_judged_like_the_fields(supplier, currency, total, date):
    fields = {"sender_name": supplier, "currency": currency, "amount_total": total, "date_issue": date}
    body = {"supplier": {"name": supplier}, "currency": currency, "total": total, "issued_on": date}

    assert judge(Facts.of(fields, "d1")) == judge(Facts.of_body(body, "d1"))
