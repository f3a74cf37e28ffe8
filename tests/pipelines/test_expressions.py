"""Expressions: what they give, how they read fields, and that they agree with Python where both speak."""

from __future__ import annotations

import contextlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import expressions
from pipelines.errors import Misconfigured, Rejected
from pipelines.operators import text_of
from pipelines.shapes import from_flat
from pipelines.typedfields import Fields
from tests.pipelines.boxes import day, number, section, table

CONTENT = from_flat(
    {
        "code": "422",
        "total": "1250.40",
        "tax": "",
        "issued": "2026-03-02",
        "due": "2026-04-01",
        "bad_total": "12 EUR",
        "bad_day": "soon",
        "name": " Acme Ltd ",
        "empty": "",
        "line_items": [{"qty": "1", "sku": "a"}, {"qty": "2.5", "sku": "b"}, {"qty": "", "sku": "c"}],
        "notes": ["n1", "n2"],
    }
)
SCHEMA = section(
    number("total"), number("tax"), number("bad_total"), number("never_seen"), day("issued"), day("due"), day("bad_day"),
    {"category": "datapoint", "id": "priority", "type": "enum", "enum_value_type": "number"},
    table("line_items", number("qty"), {"category": "datapoint", "id": "sku", "type": "string"}),
)  # fmt: skip


def value(text: str, **names):
    return expressions.parse(text).evaluate(expressions.names_for(Fields(CONTENT, SCHEMA), **names))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r.field.code != '201'", True),
        ("r.field.code == '422'", True),
        ("field['code']", "422"),
        ("field.code >= 400", True),
        ("field.code == 422", True),
        ("field.code in (200, 201)", False),
        ("field.code in ['422', '500']", True),
        ("'2' in field.code", True),
        ("field.code.startswith('4') and len(field.code) == 3", True),
        ("field.total", Decimal("1250.40")),
        ("field.total == '1250.4'", True),
        ("field.total * 2", Decimal("2500.80")),
        ("0.1 + 0.2 == 0.3", True),
        ("field.tax", None),
        ("field.tax == ''", True),
        ("field.tax is None", True),
        ("is_empty(field.tax) and is_empty(field.empty) and is_empty(field.never_seen)", True),
        ("default_to(field.tax, 0) + 1", 1),
        ("field.priority", None),
        ("(field.due - field.issued).days", 30),
        ("field.issued + days(30) == field.due", True),
        ("field.issued < '2026-03-03'", True),
        ("field.issued.year", 2026),
        ("sum(field.qty)", Decimal("3.5")),
        ("sum(field.qty.all_values)", Decimal("3.5")),
        ("[row.sku for row in field.line_items if is_set(row.qty) and row.qty > 1]", ["b"]),
        ("all(is_set(row.sku) for row in field.line_items)", True),
        ("field.line_items[-1].sku", "c"),
        ("len(field.line_items)", 3),
        ("max(field.qty)", Decimal("2.5")),
        ("min([3, 1, 2]) + max(1, 2)", 3),
        ("max([], default=7)", 7),
        ("field.notes", ["n1", "n2"]),
        ("join('+', field.notes)", "n1+n2"),
        ("field.name.strip().upper()", "ACME LTD"),
        ("'a,b'.split(',')[1]", "b"),
        ("'x' if field.empty else 'y'", "y"),
        ("not field.empty", True),
        ("1 < 2 < 3", True),
        ("7 // 2 + 7 % 4 - -1", 7),
        ("2 ** 10", 1024),
        ("10 / 4", Decimal("2.5")),
        ("round(2.345, 2)", Decimal("2.34")),
        ("round(2.5)", 2),
        ("int('42') + int(3.9)", 45),
        ("f'{field.code}: {field.total}'", "422: 1250.40"),
        ("{'422': 'bad'}[field.code]", "bad"),
        ("{'200': 'ok'}.get(field.code, 'other')", "other"),
        ("field.name[1:5]", "Acme"),
        ("sorted([3, 1, 2])", [1, 2, 3]),
        ("payload.document.id", 7),
    ],
)
def test_an_expression_has_its_value(text, expected):
    assert value(text, payload={"document": {"id": 7}}) == expected


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("field.bad_total > 1", Rejected, 'field.bad_total: "12 EUR" is not a number'),
        ("field.bad_day", Rejected, 'field.bad_day: "soon" is not a date'),
        ("int(field.empty)", Rejected, "It is empty, and a whole number is needed, in int(field.empty)."),
        ("field.tax > 1", Rejected, "It is empty, and a number is needed, in field.tax > 1."),
        ("field.name > 1", Rejected, '" Acme Ltd " is not a number, in field.name > 1.'),
        ("1 / 0", Rejected, "divides by zero"),
        ("field.line_items[9].sku", Rejected, "It has 3 entries, and none at 9"),
        ("field.totl", Misconfigured, "did you mean total?"),
        ("field.line_items[0].sko", Misconfigured, "did you mean sku?"),
        ("total > 1", Misconfigured, "fields are written field.total"),
        ("field.code.uper()", Misconfigured, 'Text has no method "uper"'),
        ("field.code.upper", Misconfigured, "upper() is a method, call it"),
        ("lenn(field.code)", Misconfigured, 'There is no function "lenn". Did you mean len?'),
        ("", Misconfigured, "The expression is empty"),
        ("a b", Misconfigured, "It cannot be read: invalid syntax"),
        ("field.code = 1", Misconfigured, "It cannot be read"),
        ("lambda: 1", Misconfigured, "(column 1)"),
        ("b'x'", Misconfigured, "no such value"),
        ("len()", Misconfigured, "does not take these 0 values"),
    ],
)
def test_what_does_not_work_is_said_in_words(text, error, words):
    with pytest.raises(error) as refused:
        value(text)

    assert words in str(refused.value)


def test_an_expression_knows_what_it_reads():
    parsed = expressions.parse("r.field.a + field.b > sum(field['c']) and other.d")

    assert (parsed.reads, parsed.names) == ({"a", "b", "c"}, {"r", "field", "other"})


def test_a_place_is_told_with_the_error():
    with pytest.raises(Misconfigured) as refused:
        expressions.parse("a b", place="checks[2].condition")

    assert refused.value.place == "checks[2].condition"


def test_it_is_read_once():
    assert expressions.parse("field.code == '201'") is expressions.parse("field.code == '201'")


def test_a_bad_value_hurts_only_who_asks_for_it():
    assert value("field.code != '201' or field.bad_total > 1") is True


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, ""), (True, "true"), (201, "201"), (Decimal("1250.40"), "1250.40"), (Decimal("1E+2"), "100"),
        (date(2026, 3, 2), "2026-03-02"), (timedelta(days=3), "3"), ("x", "x"), (["a", 1], "a, 1"),
    ],
)  # fmt: skip
def test_a_value_as_a_fields_text(given, text):
    assert text_of(given) == text


def test_one_evaluation_is_fast():
    parsed = expressions.parse("r.field.code != '201' and is_set(field.total)")
    names = expressions.names_for(Fields(CONTENT, SCHEMA))
    parsed.evaluate(names)
    begun = time.perf_counter()

    for _ in range(200):
        parsed.evaluate(names)

    assert (time.perf_counter() - begun) / 200 < 0.001  # measured: 0.000015


NUMBERS = st.integers(-(10**6), 10**6)
ARITHMETIC = st.recursive(
    NUMBERS.map(lambda n: f"({n})") | st.sampled_from(["x", "y"]),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=8,
)
COMPARISON = st.tuples(ARITHMETIC, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), ARITHMETIC).map(" ".join)
LOGIC = st.recursive(
    COMPARISON,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda text: f"(not {text})")
        | st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})")
    ),
    max_leaves=6,
)


@given(ARITHMETIC | LOGIC, NUMBERS, NUMBERS)
def test_whole_numbers_are_reckoned_as_python_does(text, x, y):
    assert expressions.parse(text).evaluate({"x": x, "y": y}) == eval(text, {"x": x, "y": y})


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=8))
def test_sums_are_exact(numbers):
    rows = from_flat({"line_items": [{"amount": str(one)} for one in numbers]})
    fields = Fields(rows, section(table("line_items", number("amount"))))

    if numbers:
        assert expressions.parse("sum(field.amount)").evaluate(expressions.names_for(fields)) == sum(numbers)
    assert expressions.parse("sum(r.amount for r in field.line_items)").evaluate(expressions.names_for(fields)) == sum(
        numbers
    )


@given(st.text(max_size=30) | st.text(alphabet="()[]{}'\"\\.,:+-*/ afield01\n", max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    with contextlib.suppress(Misconfigured):
        assert expressions.parse(text).text == text


def test_many_threads_may_read_expressions_at_once():
    texts = [" + ".join(f"field.a{number}.b(c, d={step})" for step in range(20)) for number in range(1500)]
    switching = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            trees = list(threads.map(expressions._tree, texts))
    finally:
        sys.setswitchinterval(switching)

    assert len(trees) == 1500
