"""Fields that are worked out from others, in the order in which they need each other."""

from __future__ import annotations

from pipelines import formulas, schemas, shapes
from tests.pipelines.test_schemas import SCHEMA


def formula_schema(**formulas_by_id):
    plain = [{"category": "datapoint", "id": name, "type": "number"} for name in ("net", "tax")]
    made = [
        {"category": "datapoint", "id": name, "type": "number", "formula": text}
        for name, text in formulas_by_id.items()
    ]
    return [{"category": "section", "id": "s", "children": [*plain, *made]}]


def test_formulas_are_worked_out_in_the_order_they_need():
    schema = formula_schema(double="field.total * 2", total="field.net + field.tax")
    given = schemas.complete(shapes.parse({"net": "10,50", "tax": "2"}), schema)

    content, warnings = formulas.recompute(given, schema)

    assert (content.text("total"), content.text("double")) == ("12.50", "25.00")
    assert warnings == []
    assert given.text("total") == ""


def test_a_formula_in_a_table_sees_its_row_and_the_header():
    given = schemas.complete(
        shapes.parse(
            {"line_items": [{"item_quantity": "2", "item_price": "1.50"}, {"item_quantity": "3", "item_price": "2"}]}
        ),
        SCHEMA,
    )

    content, _ = formulas.recompute(given, SCHEMA)

    assert [row["item_total"] for row in content.values["line_items"]] == ["3.00", "6"]


def test_a_formula_without_a_value_warns_by_name_and_is_empty():
    schema = formula_schema(total="field.net / field.tax")
    given = schemas.complete(shapes.parse({"net": "1", "tax": "0", "total": "old"}), schema)

    content, warnings = formulas.recompute(given, schema)

    assert content.text("total") == ""
    assert len(warnings) == 1
    assert warnings[0].startswith('The formula of "total" has no value: ')


def test_an_overridden_formula_stays():
    schema = formula_schema(total="field.net + field.tax")
    given = schemas.complete(shapes.parse({"net": "1", "tax": "2", "total": "99"}), schema)
    given.datapoint("total")["no_recalculation"] = True

    content, _ = formulas.recompute(given, schema)

    assert content.text("total") == "99"


def test_bad_formulas_are_refused_when_the_schema_is_saved():
    schema = formula_schema(a="field.b + 1", b="field.a + 1", c="field.nett", d="field.net +")

    problems = schemas.problems(schema)

    assert problems[0] == 'c.formula: The schema has no field "nett". Did you mean "net"?'
    assert problems[1].startswith("d.formula: ")
    assert problems[2] == "a.formula: These formulas need each other in a circle: a, b."
