"""Messages of one cause have one signature, whatever values stand in them; two causes never share one."""

from __future__ import annotations

import itertools
import string
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exports.signatures import MASK, MOST, mask, pieces, signature
from tests.exports.failure_corpus import CAUSES


def of(message: str) -> str:
    return signature(7, "Send", "rejected", 422, mask(message))


@pytest.mark.parametrize("variants", CAUSES, ids=lambda variants: variants[0][:40])
def test_one_cause_has_one_signature(variants):
    assert {mask(variant) for variant in variants} == {mask(variants[0])}


def test_two_causes_never_share_a_signature():
    by_signature: dict[str, str] = {}
    shared = []
    for variants in CAUSES:
        first = by_signature.setdefault(of(variants[0]), variants[0])
        if first != variants[0]:
            shared.append((first, variants[0]))

    assert len(CAUSES) >= 100
    assert shared == []


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("Invoice INV-2026/004711 of 02.03.2026 over 1 234,56 € was refused", "Invoice ‹value› of ‹date› over ‹value› was refused"),
        ("items[3].amount: must be positive; items[14].amount: must be positive", "items[*].amount: must be positive"),
        ("/Invoice/cac:InvoiceLine[2]/cbc:ID: missing", "/Invoice/cac:InvoiceLine[*]/cbc:ID: missing"),
        ("#/items/3/amount: 'abc' is not of type 'number'", "#/items/*/amount: ‹text› is not of type 'number'"),
        ("lines.12.tax.code is required", "lines.*.tax.code is required"),
        ('{"errors":[{"path":"items[3].amount","message":"was -12"}]}', '{"errors":[{"path":"items[*].amount","message":"was ‹value›"}]}'),
        ("Der Lieferant „Müller & Söhne“ ist «gesperrt»", "Der Lieferant ‹text› ist ‹text›"),
        ('There is no secret "erp_token".', 'There is no secret "erp_token".'),
        ("'amount_totl' is undefined", "'amount_totl' is undefined"),
        ("POST https://erp.example/api/v1/invoices/4711?x=1 failed", "POST https://‹address›/api/v1/invoices/‹value› failed"),
        ("sftp://files.example/in/acme/42.csv: Failure", "sftp://‹address›: Failure"),
        ("Lines 1, 2, 3 and 14 are wrong", "Lines ‹value› are wrong"),
        ("anna@acme.example at 10.0.0.12:8080 at 09:10:00 UTC", "‹address› at ‹address› at ‹date›"),
        ("  two\n\n words\t here ", "two words here"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_varies_is_masked_and_what_names_the_cause_stays(message, pattern):
    assert mask(message) == pattern


@pytest.mark.parametrize(
    "code",
    [
        "ORA-00942", "AADSTS50011", "F5 263", "error 4012", "HTTP 401", "status 422", "BR-CO-10", "PEPPOL-EN16931-R004",
        "TLSv1.2", "UTF-8", "SHA-256", "HRESULT 0x80040154", "422 Unprocessable Content", "Errno 111", "(RW 609)",
        "INVALID_KEY_OR_REF", "CERTIFICATE_VERIFY_FAILED", "SQLSTATE 42P01", "ISO 8601", "error code: 17",
    ],
)  # fmt: skip
def test_codes_and_names_of_standards_are_no_values(code):
    assert mask(f"The store said {code} today") == f"The store said {code} today"


def test_the_signature_follows_each_of_its_parts_but_not_the_kind_of_a_mask():
    pattern = "Unknown supplier ‹value›"
    one = signature(1, "Send", "rejected", 422, pattern)

    others = {
        signature(2, "Send", "rejected", 422, pattern), signature(None, "Send", "rejected", 422, pattern),
        signature(1, "Other", "rejected", 422, pattern), signature(1, "Send", "exhausted", 422, pattern),
        signature(1, "Send", "rejected", 404, pattern), signature(1, "Send", "rejected", None, pattern),
        signature(1, "Send", "rejected", 422, "Unknown queue ‹value›"),
    }  # fmt: skip

    assert len(one) == 64
    assert len(others | {one}) == 8
    assert signature(1, "Send", "rejected", 422, "Unknown supplier ‹date›") == one


def test_a_pattern_comes_in_pieces_that_say_what_is_masked():
    assert pieces("No ‹value› of ‹date›") == [("No ", False), ("value", True), (" of ", False), ("date", True)]


WORDS = [
    "invoice",
    "supplier",
    "is",
    "blocked",
    "period",
    "closed",
    "account",
    "unknown",
    "was",
    "refused",
    "lacks",
    "tax",
]
NAMES = st.text(string.ascii_letters + "äöüß &", min_size=1, max_size=20)
VALUES = {
    "number": st.integers(0, 10**12).map(str),
    "amount": st.decimals(0, 10**7, places=2).flatmap(
        lambda amount: st.sampled_from([f"{amount:,.2f}", f"{amount:,.2f} EUR", f"EUR {amount}", f"{amount:,.2f}".replace(",", " ").replace(".", ",")])
    ),
    "uuid": st.uuids().map(str),
    "date": st.dates().flatmap(
        lambda day: st.sampled_from([f"{day:%d.%m.}{day.year:04}", f"{day.year:04}-{day:%m-%d}", f"{day:%m/%d/}{day.year:04}"])
    ),
    "moment": st.datetimes().map(lambda at: f"{at.year:04}{at:-%m-%dT%H:%M:%S}Z"),
    "quoted": st.tuples(st.sampled_from(["''", '""', "„“", "«»", "“”"]), NAMES).map(lambda pair: f"{pair[0][0]}{pair[1]}{pair[0][1]}"),
    "id": st.from_regex(r"\A[A-Z]{2,4}-[0-9]{3,8}\Z"),
    "hex": st.binary(min_size=8, max_size=32).map(bytes.hex).filter(lambda text: any(c.isdigit() for c in text)),
    "email": st.from_regex(r"\A[a-z]{2,9}\.[a-z]{2,9}@[a-z]{3,9}\.(com|example)\Z"),
    "ip": st.ip_addresses(v=4).map(str),
    "file": st.from_regex(r"\A[a-z]{1,9}[_-][0-9]{1,6}\.(pdf|xml|csv|json)\Z"),
    "index": st.integers(0, 999).map(lambda index: f"items[{index}].amount"),
}  # fmt: skip


@st.composite
def templates(draw):
    """Words with places for values: `["invoice", ("date",), …]`. No two places stand side by side."""
    parts = []
    for word in draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=6)):
        parts.append(word)
        if draw(st.booleans()):
            parts.append((draw(st.sampled_from(sorted(VALUES))),))
    return parts


def filled(draw, template) -> str:
    return " ".join(draw(VALUES[part[0]]) if isinstance(part, tuple) else part for part in template)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_template_has_one_signature_whatever_is_filled_in(data):
    template = data.draw(templates())

    first, second = filled(data.draw, template), filled(data.draw, template)

    assert of(first) == of(second), (mask(first), mask(second))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_other_words_have_another_signature(data):
    one, other = data.draw(templates()), data.draw(templates())
    words = [[part for part in template if isinstance(part, str)] for template in (one, other)]
    assume(words[0] != words[1])

    assert of(filled(data.draw, one)) != of(filled(data.draw, other))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=600))
def test_whatever_is_said_the_pattern_is_short_one_line_and_stable(text):
    pattern = mask(text)

    assert len(pattern) <= MOST
    assert "\n" not in pattern
    assert MASK.sub("‹text›", mask(text)) == MASK.sub("‹text›", pattern)


EVIL = ["a", '"', "1 ", "'a", " 'a", "1.1.", "a.", "a[1]", "/a1", "1:1:", "a-", "aa_", "1'111", 'field "', "a/", "a@", "::", "x://",
        '"path":', "((", "1", "_", "a:", "A ", "‹", "code ", "mon, ", "1 jan ", "~", "#", "=", "a=/", "a~", "„", "\\", "$.a", "é"]  # fmt: skip


@pytest.mark.parametrize("pair", list(itertools.product([*EVIL[:3], "a."], EVIL)), ids=repr)
def test_no_message_takes_long(pair):
    text = (pair[0] * 500 + pair[1] * 4000)[:4000]

    began = time.process_time()
    mask(text)

    assert time.process_time() - began < 1
