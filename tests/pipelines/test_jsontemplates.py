"""JSON templating: placeholders, the five operators, casts, and what is told before and while filling."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import jsontemplates
from pipelines.errors import Misconfigured, Rejected
from pipelines.shapes import from_flat

FIELDS = from_flat(
    {
        "document_id": "A/1 & co",
        "amount": "12.50",
        "count": "3",
        "paid": "Yes",
        "date_issue": "2026-03-02",
        "moment": "2026-03-02T10:00:00+02:00",
        "currency": "eur",
        "empty": "",
        "line_items": [{"qty": "1", "text": "first"}, {"qty": "2", "text": ""}, {"qty": "3"}],
        "notes": ["n1", "n2"],
    }
)


def value(schema_id: str, value_type: str | None = None) -> dict:
    options = {"schema_id": schema_id, **({"value_type": value_type} if value_type else {})}
    return {"$DATAPOINT_VALUE$": options}


def each(mapping, schema_id="line_item", **options) -> dict:
    return {"$FOR_EACH_SCHEMA_ID$": {"schema_id": schema_id, "mapping": mapping, **options}}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("@{document_id}", "A/1 & co"),
        ("@{ document_id }.json", "A/1 & co.json"),
        ("@{missing}|@{empty}", "|"),
        ({"a": ["@{count}", 1, None, True]}, {"a": ["3", 1, None, True]}),
        (value("count"), "3"),
        (value("count", "string"), "3"),
        (value("count", "integer"), 3),
        (value("amount", "float"), 12.5),
        (value("count", "float"), 3.0),
        (value("empty", "integer"), None),
        (value("empty", "float"), None),
        (value("empty", "boolean"), False),
        (value("empty", "iso_datetime"), None),
        (value("paid", "boolean"), True),
        (value("currency", "boolean"), False),
        (value("date_issue", "iso_datetime"), "2026-03-02T00:00:00Z"),
        (value("moment", "iso_datetime"), "2026-03-02T08:00:00Z"),
        ({"$DATAPOINT_MAPPING$": {"schema_id": "currency", "mapping": {"eur": {"c": "@{count}"}}}}, {"c": "3"}),
        ({"$DATAPOINT_MAPPING$": {"schema_id": "currency", "mapping": {"usd": 1}}}, None),
        ({"$DATAPOINT_MAPPING$": {"schema_id": "currency", "mapping": {}, "fallback_mapping": "@{currency}"}}, "eur"),
        (each({"q": "@{qty}", "d": "@{document_id}"}), [{"q": q, "d": "A/1 & co"} for q in "123"]),
        (each("@{text}"), ["first", "", ""]),
        (each("@{schema_loop.index}/@{schema_loop.index0}"), ["1/0", "2/1", "3/2"]),
        (each("@{qty}", "line_items"), ["1", "2", "3"]),
        (each("@{note}", "note"), ["n1", "n2"]),
        (each("x", "nothing"), []),
        (each("x", "nothing", fallback_mapping=["@{count}"]), ["3"]),
        (each(each("@{qty}")), [["1"], ["2"], ["3"]]),
        ({"a": {"$IF_DATAPOINT_VALUE$": {"schema_id": "currency", "value": "eur", "mapping": 1}}}, {"a": 1}),
        ({"a": {"$IF_DATAPOINT_VALUE$": {"schema_id": "currency", "value": "usd", "mapping": 1}}, "b": 2}, {"b": 2}),
        ({"a": {"$IF_DATAPOINT_VALUE": {"schema_id": "count", "value": 3, "fallback_mapping": "yes"}}}, {"a": "yes"}),
        ({"a": {"$IF_SCHEMA_ID$": {"schema_id": "currency", "mapping": "@{currency}"}}}, {"a": "eur"}),
        ({"a": {"$IF_SCHEMA_ID$": {"schema_id": "empty", "mapping": 1}}}, {}),
        ({"a": {"$IF_SCHEMA_ID$": {"schema_id": "missing", "mapping": 1, "fallback_mapping": None}}}, {"a": None}),
        ({"a": {"$IF_SCHEMA_ID$": {"schema_id": "line_items", "mapping": each("@{qty}")}}}, {"a": ["1", "2", "3"]}),
        ([1, {"$IF_SCHEMA_ID$": {"schema_id": "empty", "mapping": 1}}, 2], [1, 2]),
        ({"$IF_SCHEMA_ID$": {"schema_id": "empty", "mapping": 1}}, {}),
        (each({"$IF_SCHEMA_ID$": {"schema_id": "text", "mapping": "@{text}"}}), ["first"]),
        ({"$ref": "plain", "$price": 1}, {"$ref": "plain", "$price": 1}),
    ],
    ids=lambda value: json.dumps(value)[:70],
)  # fmt: skip
def test_a_template_is_filled(template, filled):
    before = json.dumps(template)

    assert jsontemplates.fill(template, FIELDS) == filled
    assert json.dumps(template) == before


@pytest.mark.parametrize(
    ("schema_id", "value_type", "words"),
    [
        ("currency", "integer", '"eur" is not a whole number'),
        ("amount", "integer", '"12.50" is not a whole number'),
        ("currency", "float", '"eur" is not a number'),
        ("currency", "iso_datetime", '"eur" is not a date'),
    ],
)
def test_a_value_that_cannot_be_cast_names_its_field(schema_id, value_type, words):
    with pytest.raises(Rejected) as refused:
        jsontemplates.fill(value(schema_id, value_type), FIELDS)

    assert refused.value.place == f"field.{schema_id}"
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("@{qty}", "field.qty"),
        ("@{line_items}", "field.line_items"),
        ({"$IF_DATAPOINT_VALUE$": {"schema_id": "missing", "value": "", "mapping": 1}}, "field.missing"),
        ({"$IF_DATAPOINT_VALUE$": {"schema_id": "qty", "value": "", "mapping": 1}}, "field.qty"),
        ({"$FOR_EACH$": {"schema_id": "x", "mapping": 1}}, "$FOR_EACH$"),
        ({"$DATAPOINT_VALUE$": "count"}, "$DATAPOINT_VALUE$"),
    ],
)
def test_a_template_that_cannot_work_names_its_place(template, place):
    with pytest.raises(Misconfigured) as refused:
        jsontemplates.fill(template, FIELDS)

    assert refused.value.place == place


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ({"a": {"$FOR_EACH_SCHEMA_IDS$": {}}}, "Did you mean $FOR_EACH_SCHEMA_ID$?"),
        ({"a": [{"$DATAPOINT_VALUE$": {}}]}, 'a[0].$DATAPOINT_VALUE$: The option "schema_id" is missing.'),
        ({"$DATAPOINT_VALUE$": {"schema_id": "a", "value_typ": "float"}}, "Did you mean value_type?"),
        ({"$DATAPOINT_VALUE$": {"schema_id": "a", "value_type": "flaot"}}, "Did you mean float?"),
        ({"$DATAPOINT_MAPPING$": {"schema_id": "a", "mapping": "x"}}, "mapping is an object"),
        ({"$IF_SCHEMA_ID$": {"schema_id": "a", "mapping": 1}, "b": 2}, "an operator stands alone"),
        ({"$IF_DATAPOINT_VALUE$": {"schema_id": "a", "value": "x"}}, 'in "mapping"'),
        ({"$IF_SCHEMA_ID$": {"schema_id": 7, "mapping": 1}}, "schema_id is text"),
    ],
)
def test_what_is_wrong_whatever_the_document_is_told_beforehand(template, problem):
    assert any(problem in line for line in jsontemplates.problems(template))


def test_a_right_template_has_no_problems():
    assert jsontemplates.problems({"rows": each({"q": value("qty", "integer")}), "@": "@{document_id}"}) == []


def test_what_a_template_reads_is_listed():
    template = {
        "a": "@{document_id}-@{count}",
        "rows": each({"q": "@{qty}", "n": "@{schema_loop.index}"}),
        "m": {"$DATAPOINT_MAPPING$": {"schema_id": "currency", "mapping": {"eur": "@{amount}"}}},
    }

    assert jsontemplates.placeholders(template) == {"document_id", "count", "line_item", "qty", "currency", "amount"}
    assert jsontemplates.unknown("@{documnt_id}", {"document_id"}) == [
        '@{documnt_id} is no field of the schema. Did you mean "document_id"?'
    ]


def test_loops_inside_loops_end():
    rows = from_flat({"line_items": [{"qty": str(n)} for n in range(800)]})

    with pytest.raises(Misconfigured, match="loops inside loops"):
        jsontemplates.fill(each(["@{qty}"] * 300), rows)


def test_a_template_nested_without_end_is_refused():
    template: object = "x"
    for _ in range(200):
        template = [template]

    with pytest.raises(Misconfigured, match="nested"):
        jsontemplates.fill(template, FIELDS)
    assert "nested" in jsontemplates.problems(template)[0]


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://erp.example/i/@{document_id}", "https://erp.example/i/A%2F1%20%26%20co"),
        ("https://erp.example/i?no=@{document_id}&c=@{count}", "https://erp.example/i?no=A%2F1%20%26%20co&c=3"),
        ("@{address}", "https://erp.example/a?b=c&d=e"),
        ("@{address}/@{document_id}", "https://erp.example/a?b=c&d=e/A%2F1%20%26%20co"),
        ("https://@{host}/x", "https://erp.example:8443/x"),
        ("https://@{evil}/x", "https://user%40evil.example%2F/x"),
        ("https://erp.example/@{dots}/x", "https://erp.example/..%2F..%2Fadmin/x"),
        ("https://erp.example/ä", "https://erp.example/ä"),
    ],
)
def test_a_url_takes_values_as_parts_and_an_address_as_it_is(url, filled):
    fields = from_flat(
        {
            "document_id": "A/1 & co",
            "count": "3",
            "address": "https://erp.example/a?b=c&d=e",
            "host": "erp.example:8443",
            "evil": "user@evil.example/",
            "dots": "../../admin",
        }
    )

    assert jsontemplates.fill_url(url, fields) == filled


def test_other_names_come_before_fields():
    assert jsontemplates.fill("@{document.id}", FIELDS, extra={"document.id": "7"}) == "7"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text().filter(lambda text: "@{" not in text),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="abc$_é", max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_what_names_no_field_stays_as_it_is(template):
    assert jsontemplates.fill(template, FIELDS) == template
    assert jsontemplates.placeholders(template) == set()


@given(
    st.dictionaries(st.text(alphabet="abcdef_", min_size=1, max_size=6), st.text(max_size=20), max_size=6), st.data()
)
def test_every_placeholder_becomes_its_fields_text(values, data):
    parts = data.draw(
        st.lists(
            st.sampled_from([*values, "zz"]) | st.text(alphabet="xyz {}@", max_size=4).map(lambda t: (t,)), max_size=8
        )
    )
    template = "".join(part[0] if isinstance(part, tuple) else f"@{{{part}}}" for part in parts)
    plain = "".join(part[0] if isinstance(part, tuple) else values.get(part, "") for part in parts)
    if any(isinstance(part, tuple) and set(part[0]) & set("{}@") for part in parts):
        return  # loose braces may join into another placeholder

    assert jsontemplates.fill(template, from_flat(values)) == plain


@given(st.lists(st.tuples(st.text(max_size=9), st.integers(-(10**9), 10**9)), max_size=12))
def test_a_loop_is_a_list_comprehension(rows):
    fields = from_flat({"line_items": [{"name": name, "n": str(n)} for name, n in rows]})
    template = each({"name": "@{name}", "n": value("n", "integer"), "i": "@{schema_loop.index}"})

    expected = [{"name": name, "n": n, "i": str(i)} for i, (name, n) in enumerate(rows, 1)]
    assert jsontemplates.fill(template, fields) == expected
