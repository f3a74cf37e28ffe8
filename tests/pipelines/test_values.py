"""Numbers and dates as people write them, read without guessing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import values


@pytest.mark.parametrize(
    ("text", "pattern", "plain"),
    [
        ("1 250,40", "", "1250.40"),
        ("1,250.40", "", "1250.40"),
        ("1.250,40 EUR", "", "1250.40"),
        ("1'250.40", "", "1250.40"),
        ("1,250", "", "1250"),
        ("1.250", "", "1.250"),
        ("1.250", "#.##0,#", "1250"),
        ("1,250", "# ##0,#", "1.250"),
        ("1.250.000", "", "1250000"),
        ("(12.50)", "", "-12.50"),
        ("−12", "", "-12"),
        ("12-", "", "-12"),
        ("12,-", "", "12"),
        ("$-5", "", "-5"),
        ("-0", "", "0"),
        ("007", "", "7"),
        (",5", "", "0.5"),
        ("", "", None),
        ("-", "", None),
        ("1e5", "", None),
        ("1,2,3", "", None),
        ("1.250,4.0", "", None),
        ("10%", "", None),
        ("٣", "", None),
    ],
)
def test_numbers_as_people_write_them(text, pattern, plain):
    assert values.number(text, pattern) == plain


@pytest.mark.parametrize(
    ("text", "pattern", "iso"),
    [
        ("2026-03-02", "", "2026-03-02"),
        ("2026-03-02T10:00:00Z", "", "2026-03-02"),
        ("2.3.2026", "", "2026-03-02"),
        ("20260302", "", "2026-03-02"),
        ("March 2nd, 2026", "", "2026-03-02"),
        ("2-Mar-2026", "", "2026-03-02"),
        ("13/04/2026", "", "2026-04-13"),
        ("03/04/2026", "", None),
        ("03/04/2026", "D/M/YYYY", "2026-04-03"),
        ("03/04/2026", "M/D/YYYY", "2026-03-04"),
        ("3 Mar 26", "D MMM YY", "2026-03-03"),
        ("31.2.2026", "", None),
        ("soon", "", None),
    ],
)
def test_dates_as_people_write_them(text, pattern, iso):
    assert values.iso_date(text, pattern) == iso


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_every_plain_number_is_itself(number):
    assert float(values.number(f"{number:.2f}")) == float(f"{number:.2f}")


@given(
    st.integers(0, 10**12),
    st.integers(0, 99),
    st.sampled_from([(" ", ","), (",", "."), (".", ","), ("'", "."), ("\u202f", ",")]),
)
def test_every_grouping_is_read(whole, cents, marks):
    group, decimal = marks

    text = f"{whole:,}".replace(",", group) + f"{decimal}{cents:02}"

    assert values.number(text) == f"{whole}.{cents:02}"


@given(st.text(max_size=30))
def test_no_text_breaks_the_readers(text):
    number, day = values.number(text), values.iso_date(text)

    assert number is None or float(number) == float(number)
    assert day is None or len(day) == 10


@given(st.dates())
def test_every_iso_date_is_itself(day):
    assert values.iso_date(day.isoformat()) == day.isoformat()
