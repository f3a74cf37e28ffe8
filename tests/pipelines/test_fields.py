"""The tree of a document's fields: read, made from the flat shape, changed by operations, never in place."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Rejected
from pipelines.fields import MAX_VALUE, Content, Operation
from pipelines.shapes import from_flat, parse

INVOICE = {
    "number": "4711",
    "total": 12.5,
    "paid": False,
    "note": None,
    "line_items": [{"code": "A", "amount": "1"}, {"code": "B", "amount": "2"}],
    "emails": ["a@x", "b@x"],
}


def replace(schema_id, value):
    return Operation.assign(schema_id, value)


def test_the_flat_shape_becomes_a_tree_that_reads_the_same():
    values = from_flat(INVOICE).values

    assert (values["number"], values["total"], values["paid"], values["note"]) == ("4711", "12.5", "false", "")
    assert values["line_items"] == [{"code": "A", "amount": "1"}, {"code": "B", "amount": "2"}]
    assert (values["emails"]["email"], values["emails_values"]) == ("b@x", ["a@x", "b@x"])


def test_the_normalized_value_wins_where_there_is_one():
    tree = parse([{"category": "section", "schema_id": "s", "children": [
        {"category": "datapoint", "schema_id": "a", "content": {"value": "1 250,40", "normalized_value": "1250.40"}},
        {"category": "datapoint", "schema_id": "b", "content": {"value": "kept", "normalized_value": ""}},
        {"category": "datapoint", "schema_id": "c", "content": None},
    ]}])  # fmt: skip

    assert tree.values == {"a": "1250.40", "b": "kept", "c": ""}


def test_an_operation_changes_a_copy_and_leaves_the_tree_as_it_was():
    tree = from_flat(INVOICE)
    before = copy.deepcopy(list(tree.sections))

    changed, warnings = tree.apply([
        replace("number", "4712"),
        Operation("add", schema_id="line_items", value=[{"schema_id": "code", "content": {"value": "C"}}]),
        Operation("remove", id=tree.find("line_item")[0]["id"]),
    ])  # fmt: skip

    assert warnings == []
    assert changed.text("number") == "4712"
    assert [row["code"] for row in changed.values["line_items"]] == ["B", "C"]
    assert list(tree.sections) == before


def test_a_row_is_added_to_an_empty_table_without_touching_the_original():
    tree = from_flat({"line_items": []})

    changed, _ = tree.apply(
        [Operation("add", schema_id="line_items", value=[{"schema_id": "code", "content": {"value": "A"}}])]
    )

    assert changed.values == {"line_items": [{"code": "A"}]}
    assert tree.values == {"line_items": []}


@pytest.mark.parametrize(
    ("operation", "warning"),
    [
        (replace("nowhere", "x"), "replace: the document has no field nowhere"),
        (replace("line_items", "x"), "replace: line_items is a multivalue, only a datapoint has a value"),
        (replace("code", "x"), "replace: the document has no field code"),
        (
            replace("number", "x" * (MAX_VALUE + 1)),
            "replace: the value for number has 1501 characters, 1500 is the most",
        ),
        (Operation("add", schema_id="number", value=[]), "add: number is a datapoint, rows are added to a multivalue"),
        (Operation("remove", id=999), "remove: no row has the id 999"),
    ],
)
def test_an_operation_that_cannot_be_applied_warns_and_the_others_are(operation, warning):
    changed, warnings = from_flat(INVOICE).apply([operation, replace("note", "still here")])

    assert warnings == [warning]
    assert changed.text("note") == "still here"


@pytest.mark.parametrize(
    ("given_fields", "place"),
    [
        ({"a": {"b": "c"}}, "field.a"),
        ({"rows": [{"a": ["x"]}]}, "field.rows[0].a"),
        ("text", "content"),
        ([{"category": "datapoint", "schema_id": "a"}], "content[0]"),
        ([{"category": "section"}], "content[0].schema_id"),
        ([{"category": "section", "schema_id": "s", "children": {"a": 1}}], "content[0].children"),
        (
            [{"category": "section", "schema_id": "s", "children": [{"category": "tuple", "schema_id": "t"}]}],
            "content[0].children[0]",
        ),
    ],
)
def test_a_shape_that_is_none_names_its_place(given_fields, place):
    with pytest.raises(Rejected) as refused:
        parse(given_fields)

    assert refused.value.place == place


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}_h", fullmatch=True), texts, max_size=6), texts)
def test_any_flat_header_reads_back_and_any_assignment_is_seen(header, text):
    tree = from_flat(header)

    assert tree.values == header
    for name in header:
        changed, warnings = tree.apply([replace(name, text)])
        assert warnings == []
        assert changed.values == {**header, name: text}
        assert isinstance(changed, Content)
