"""A tree completed by its schema, values by type, and what a bad schema or document is told."""

from __future__ import annotations

import pytest

from pipelines import schemas, shapes
from pipelines.errors import Rejected

SCHEMA = [
    {
        "category": "section",
        "id": "basic",
        "children": [
            {"category": "datapoint", "id": "document_id", "type": "string", "constraints": {"required": True}},
            {"category": "datapoint", "id": "amount_total", "type": "number", "format": "# ##0,#"},
            {"category": "datapoint", "id": "date_issue", "type": "date"},
            {
                "category": "datapoint",
                "id": "currency",
                "type": "enum",
                "default_value": "EUR",
                "options": [{"value": "EUR", "label": "Euro"}, {"value": "USD", "label": "US dollar"}],
            },
        ],
    },
    {
        "category": "section",
        "id": "tables",
        "children": [
            {
                "category": "multivalue",
                "id": "line_items",
                "children": {
                    "category": "tuple",
                    "id": "item",
                    "children": [
                        {"category": "datapoint", "id": "item_quantity", "type": "number"},
                        {"category": "datapoint", "id": "item_price", "type": "number"},
                        {
                            "category": "datapoint",
                            "id": "item_total",
                            "type": "number",
                            "formula": "field.item_quantity * field.item_price",
                        },
                    ],
                },
            },
            {
                "category": "multivalue",
                "id": "orders",
                "children": {"category": "datapoint", "id": "order", "type": "string"},
            },
        ],
    },
]


def shape(content):
    def of(node):
        if node["category"] == "datapoint":
            inner = node["content"]
            return (node["schema_id"], inner["value"], inner["normalized_value"])
        return (node["schema_id"], [of(child) for child in node["children"]])

    return [of(section) for section in content.sections]


def test_flat_fields_take_the_shape_of_the_schema():
    given = shapes.parse(
        {
            "amount_total": "1 250,40",
            "date_issue": "2.3.2026",
            "document_id": "A-1",
            "line_items": [{"item_price": "2", "note": "kept"}],
            "orders": ["PO1", "PO2"],
            "extra": "kept too",
        }
    )

    complete = schemas.complete(given, SCHEMA)

    assert shape(complete) == [
        (
            "basic",
            [
                ("document_id", "A-1", "A-1"),
                ("amount_total", "1 250,40", "1250.40"),
                ("date_issue", "2.3.2026", "2026-03-02"),
                ("currency", "EUR", "EUR"),
            ],
        ),
        (
            "tables",
            [
                (
                    "line_items",
                    [
                        (
                            "item",
                            [
                                ("item_quantity", "", None),
                                ("item_price", "2", "2"),
                                ("item_total", "", None),
                                ("note", "kept", "kept"),
                            ],
                        )
                    ],
                ),
                ("orders", [("order", "PO1", "PO1"), ("order", "PO2", "PO2")]),
            ],
        ),
        ("header", [("extra", "kept too", "kept too")]),
    ]


def test_completing_twice_changes_nothing_and_every_node_has_its_own_id():
    once = schemas.complete(shapes.parse({"amount_total": "1 250,40", "line_items": [{}, {}]}), SCHEMA)

    assert schemas.complete(once, SCHEMA) == once
    numbers = [node["id"] for node in once.nodes()]
    assert len(set(numbers)) == len(numbers)


def test_completing_leaves_the_given_tree_alone():
    given = shapes.parse({"amount_total": "1 250,40"})
    before = repr(given.sections)

    schemas.complete(given, SCHEMA)

    assert repr(given.sections) == before


def test_a_normalized_value_that_came_with_the_document_stands():
    datapoint = {
        "category": "datapoint",
        "schema_id": "amount_total",
        "content": {"value": "1.250", "normalized_value": "1.25"},
    }
    given = shapes.parse([{"category": "section", "schema_id": "basic", "children": [datapoint]}])

    complete = schemas.complete(given, SCHEMA)

    assert complete.datapoint("amount_total")["content"]["normalized_value"] == "1.25"


def test_a_table_given_as_one_value_is_refused_by_name():
    with pytest.raises(Rejected) as refused:
        schemas.complete(shapes.parse({"line_items": "none"}), SCHEMA)

    assert str(refused.value) == 'field.line_items: "line_items" is a table in the schema, and given as a datapoint.'


def test_a_row_given_as_one_value_is_refused_by_its_place():
    with pytest.raises(Rejected) as refused:
        schemas.complete(shapes.parse({"line_items": ["a"]}), SCHEMA)

    assert refused.value.place == "field.line_items[0]"


def test_a_queue_without_a_schema_takes_the_tree_as_it_is():
    given = shapes.parse({"anything": "goes"})

    assert schemas.complete(given, []) is given


def test_what_the_schema_finds_wrong_with_values():
    given = schemas.complete(
        shapes.parse({"amount_total": "a lot", "date_issue": "03/04/2026", "currency": "GBP"}), SCHEMA
    )

    found = schemas.judge(given, SCHEMA)

    assert [one.node for one in found] == [given.find(one.field)[0]["id"] for one in found]
    assert [(one.field, one.content) for one in found] == [
        ("document_id", "document_id is required and empty."),
        ("amount_total", 'amount_total: "a lot" is no number.'),
        ("date_issue", 'date_issue: "03/04/2026" is no date that has one reading.'),
        ("currency", 'currency: "GBP" is no option of the list.'),
    ]


def test_a_bad_schema_is_told_everything_with_its_place():
    bad = [
        {"category": "section", "id": "a", "children": [{"category": "datapoint", "id": "x", "type": "nmber"}]},
        {"category": "section", "id": "a", "children": {"category": "datapoint"}},
        {"category": "section", "id": "b", "children": [{"category": "multivalue", "id": "t", "children": []}]},
        {"category": "datapoint", "id": "c"},
        {"category": "section", "id": "d", "children": [{"category": "datapoint", "id": "e", "type": "enum"}]},
        {
            "category": "section",
            "id": "f",
            "children": [{"category": "datapoint", "id": "g", "constraints": {"regexp": {"pattern": "("}}}],
        },
    ]

    assert schemas.problems(bad) == [
        "[0].children[0].type: 'nmber' is no type; there are string, number, date, enum, button. Did you mean \"number\"?",
        '[1].id: The id "a" stands twice in the schema.',
        "[1].children: A section has a list of children.",
        "[2].children[0].children: A multivalue has one child, written as an object.",
        "[3].category: This must be section, not 'datapoint'.",
        '[4].children[0].options: An enum has a list of options, each with "value" and "label".',
        "[5].children[0].constraints.regexp: This is no regular expression: missing ) at position 1.",
    ]
    assert schemas.problems({"content": []}) == ["A schema is a list of sections."]
    assert schemas.problems(SCHEMA) == []
