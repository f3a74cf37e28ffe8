"""The query language of searches: what is read, and what is refused by its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from exports.wire.rossum import queries
from exports.wire.rossum.parameters import WrongValue
from exports.wire.rossum.queries import Condition, Group


def test_conditions_are_read_with_their_values():
    query = {"$and": [
        {"status": {"$in": ["confirmed"]}}, {"field.sender_name.string": {"$eq": "Acme"}},
        {"field.amount.total.number": {"$gte": "12.5", "$lt": 20}}, {"field.due.date": "2026-03-02"},
        {"queue": {"$eq": "https://a.example/v1/queues/7"}}, {"arrived_at": {"$gt": "2026-03-02T08:00:00Z"}},
    ]}  # fmt: skip

    group, text = queries.read({"query": query})

    (both,) = group.parts
    parts = [part.parts for part in both.parts]
    assert text == ""
    assert parts == [
        [Condition("status", "word", "$in", ["confirmed"])],
        [Condition("", "string", "$eq", "Acme", "sender_name")],
        [
            Condition("", "number", "$gte", Decimal("12.5"), "amount.total"),
            Condition("", "number", "$lt", Decimal(20), "amount.total"),
        ],
        [Condition("", "date", "$eq", date(2026, 3, 2), "due")],
        [Condition("queue", "id", "$eq", 7)],
        [Condition("arrived_at", "moment", "$gt", datetime(2026, 3, 2, 8, tzinfo=UTC))],
    ]


def test_a_text_alone_is_enough():
    assert queries.read({"query_string": {"string": "acme"}}) == (Group(all_of=True, parts=()), "acme")
    assert queries.read({"query": {}, "query_string": None})[0].parts == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "Give a query"), ({"query": []}, "query: This must be an object"), ({"query": {"$and": {}}}, "query.$and"),
        ({"query": {"colour": "red"}}, "query.colour"), ({"query": {"$not": []}}, "query.$not"),
        ({"query": {"status": {"$regex": "x"}}}, "'$regex'"), ({"query": {"id": {"$startsWith": 1}}}, "'$startsWith'"),
        ({"query": {"field.a": 1}}, "query.field.a"), ({"query": {"field..string": 1}}, "query.field..string"),
        ({"query": {"field.a.number": "x"}}, "'x' is no value"), ({"query": {"field.a.number": True}}, "no value"),
        ({"query": {"field.a.number": "9" * 30}}, "no value"), ({"query": {"field.a.date": "soon"}}, "no value"),
        ({"query": {"status": {"$in": "confirmed"}}}, "is a list"), ({"query": {"status": {"$in": ["x"] * 1001}}}, "is a list"),
        ({"query": {"status": {"$emptyOrMissing": "x"}}}, "true or false"), ({"query": {"queue": "x"}}, "no value"),
        ({"query": {"automated": "yes"}}, "no value"), ({"query": {"$or": [{"id": n} for n in range(101)]}}, "At most 100"),
        ({"query_string": 7}, "string"), ({"query_string": {"string": "x" * 201}}, "200"),
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused_by_its_place(body, place):
    with pytest.raises(WrongValue) as told:
        queries.read(body)

    assert place in told.value.message


def test_a_query_that_is_nested_without_end_is_refused():
    deep = {"status": "confirmed"}
    for _ in range(30):
        deep = {"$and": [deep]}

    with pytest.raises(WrongValue, match="levels deep"):
        queries.read({"query": deep})
