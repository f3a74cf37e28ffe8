"""Operations and patches of content: read strictly, applied one by one, and what cannot be applied is told."""

from __future__ import annotations

import pytest

from exports.wire.rossum import operations
from exports.wire.rossum.parameters import WrongValue
from pipelines import shapes

SCHEMA = [{"category": "section", "id": "header", "children": [
    {"category": "datapoint", "id": "total", "type": "number"},
    {"category": "datapoint", "id": "number", "type": "string"},
]}]  # fmt: skip


@pytest.fixture
def content():
    return shapes.from_flat({"number": "12", "total": "1 250,40", "lines": [{"qty": "2"}]})


def node(content, schema_id):
    return content.find(schema_id)[0]["id"]


def replace(pk, value, **more):
    return {"op": "replace", "id": pk, "value": {"content": {"value": value, **more}}}


def applied(content, given):
    good, messages = operations.judged(content, SCHEMA, operations.read(given))
    after, warnings = content.apply(good)
    assert warnings == []
    return after, messages


def test_replace_add_and_remove_are_applied(content):
    table, row = node(content, "lines"), content.find("lines")[0]["children"][0]["id"]

    after, messages = applied(content, [
        replace(node(content, "number"), "13"),
        {"op": "add", "id": str(table), "value": [{"schema_id": "qty", "content": {"value": "3"}}]},
        {"op": "remove", "id": row},
    ])  # fmt: skip

    assert messages == []
    assert after.text("number") == "13"
    assert [cell["content"]["value"] for cell in after.find("qty")] == ["3"]


def test_what_cannot_be_applied_is_told_and_the_rest_is_done(content):
    number, table = node(content, "number"), node(content, "lines")

    after, messages = applied(content, [
        replace(999, "x"), replace(number, "y" * 1501), replace(table, "x"), {"op": "remove", "id": number},
        {"op": "add", "id": number, "value": []}, replace(number, "14"),
    ])  # fmt: skip

    assert after.text("number") == "14"
    assert [(one["type"], one["id"]) for one in messages] == [
        ("warning", 999), ("warning", number), ("warning", table), ("warning", number), ("warning", number),
    ]  # fmt: skip
    assert "1501 characters, 1500 is the most" in messages[1]["content"]


def test_a_normalized_value_that_is_not_the_values_leaves_the_node_unchanged(content):
    total = node(content, "total")

    unchanged, messages = applied(content, [replace(total, "2 000,00", normalized_value="3000")])
    changed, none = applied(content, [replace(total, "2 000,00", normalized_value="2000.00")])

    assert unchanged == content
    assert [one["id"] for one in messages] == [total]
    assert (changed.text("total"), none) == ("2000.00", [])


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("x", "list of operations"), ({"op": "remove"}, "list of operations"), ([1], "[0]"), ([{"op": "remove"}], "[0].id"),
        ([{"op": "move", "id": 1}], "[0].op"), ([{"op": "replace", "id": 1}], "[0].value"),
        ([{"op": "replace", "id": 1, "value": "x"}], "[0].value"),
        ([{"op": "replace", "id": 1, "value": {"content": "x"}}], "[0].value.content"),
        ([replace(1, ["x"])], "[0].value.content.value"), ([replace(1, True)], "[0].value.content.value"),
        ([replace(1, "x", page="1")], "[0].value.content.page"), ([replace(1, "x", position=[1, 2])], "position"),
        ([{"op": "replace", "id": 1, "value": {"hidden": "yes"}}], "[0].value.hidden"),
        ([{"op": "add", "id": 1, "value": [{"content": {}}]}], "[0].value[0]"),
        ([{"op": "add", "id": 1, "value": [{"schema_id": "a", "content": [1]}]}], "[0].value[0].content"),
        ([{"op": "add", "id": 1, "value": 7}], "[0].value"), ([{"op": "remove", "id": True}], "[0].id"),
        ([{"op": "remove", "id": 1}] * 2001, "At most 2000"),
    ],
)  # fmt: skip
def test_what_is_no_operation_is_refused_by_its_place(given, place):
    with pytest.raises(WrongValue) as told:
        operations.read(given)

    assert told.value.name == "operations"
    assert place in told.value.message


def test_a_patch_changes_the_nodes_it_names_nested_or_flat(content):
    number, qty = node(content, "number"), node(content, "qty")
    nested = [{"category": "section", "schema_id": "x", "children": [
        {"id": number, "category": "datapoint", "content": {"value": "13"}},
        {"category": "multivalue", "children": [{"category": "tuple", "children": [{"id": qty, "content": {"value": "9"}}]}]},
    ]}]  # fmt: skip
    flat = [{"id": number, "content": {"value": "13"}}, {"id": qty, "content": {"value": "9"}}]

    for given in (nested, flat):
        after, warnings = content.apply(operations.patched(given))
        assert (after.text("number"), after.find("qty")[0]["content"]["value"], warnings) == ("13", "9", [])
        assert after.text("total") == content.text("total")


def test_the_tree_as_it_was_read_changes_nothing(content):
    after, warnings = content.apply(operations.patched(list(content.sections)))

    assert (after, warnings) == (content, [])


@pytest.mark.parametrize(
    "given", ["x", None, [1], [{"content": {"value": "x"}}], [{"children": "x"}], [{"id": 1, "content": "x"}]]
)
def test_what_is_no_patch_is_refused(given):
    with pytest.raises(WrongValue) as told:
        operations.patched(given)

    assert told.value.name == "content"


def test_a_tree_that_is_nested_without_end_is_refused():
    deep = [{"id": 1, "content": {"value": "x"}}]
    for _ in range(50):
        deep = [{"children": deep}]

    with pytest.raises(WrongValue, match="four levels"):
        operations.patched(deep)


def test_many_operations_of_which_one_is_wrong_stay_quick(content):
    many = [replace(node(content, "number"), str(number)) for number in range(1999)]

    after, messages = applied(content, [*many, replace(999, "x")])

    assert (after.text("number"), len(messages)) == ("1998", 1)
