"""What differs between two attempts' bodies: exact for trees, bounded for whatever a sender thinks of."""

from __future__ import annotations

import json
import time
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.differences import bodies, lines, trees
from exports.differences.changes import applied

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4)
ITEMS = st.fixed_dictionaries({"id": st.integers(0, 6)}, optional={"amount": SCALARS, "name": st.text(max_size=2)})
TREES = st.recursive(
    SCALARS | st.lists(ITEMS, max_size=6),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=30,
)


def same(one, other) -> bool:
    """1, 1.0 and true are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@given(TREES)
@settings(max_examples=100, deadline=None)
def test_equal_trees_differ_in_nothing(tree):
    again = json.loads(json.dumps(tree))

    assert trees.compare(tree, again).changes == []


@given(TREES, TREES)
@settings(max_examples=400, deadline=None)
def test_the_changes_made_in_one_tree_give_the_other(before, after):
    changes = trees.compare(before, after).changes

    assert same(applied(before, changes), after)
    assert bool(changes) is not same(before, after)


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
@settings(max_examples=200, deadline=None)
def test_what_a_text_difference_shows_is_in_the_texts(before, after):
    made = lines.compare("\n".join(before), "\n".join(after))

    told = {kind: ["".join(text for text, _ in line.spans) for line in made.lines if line.kind == kind]
            for kind in ("same", "removed", "added")}  # fmt: skip
    old, new = "\n".join(before).split("\n"), "\n".join(after).split("\n")
    assert (made.lines == []) is (old == new)
    assert made.more == 0
    assert len(old) - len(told["removed"]) == len(new) - len(told["added"])
    for line in made.lines:
        text = "".join(text for text, _ in line.spans)
        if line.before is not None:
            assert old[line.before - 1] == text
        if line.after is not None:
            assert new[line.after - 1] == text


def compared(before, after, **more):
    return bodies.compare(json.dumps(before).encode(), json.dumps(after).encode(), **more)


def told(difference) -> list[tuple[str, str, str, str]]:
    return [(row.kind, row.place, row.before, row.after) for row in difference.rows]


def test_an_invoices_lines_are_matched_by_their_number():
    before = {"supplier": "4711", "lines": [{"number": 1, "net": "10.00"}, {"number": 2, "net": "5.00"}]}
    after = {"supplier": "4712", "lines": [{"number": 2, "net": "5.00"}, {"number": 1, "net": "11.00"}, {"number": 3}]}

    difference = compared(before, after)

    assert told(difference) == [
        ("changed", "supplier", '"4711"', '"4712"'),
        ("moved", "lines[number=2]", "place 2", "place 1"),
        ("changed", "lines[number=1].net", '"10.00"', '"11.00"'),
        ("added", "lines[number=3]", "", '{"number": 3}'),
    ]


def test_a_number_is_not_the_text_of_it_and_null_is_not_nothing():
    difference = compared({"a": 1, "b": None, "c": 1.10}, {"a": "1", "c": 1.2})

    assert told(difference) == [
        ("removed", "b", "null", ""),
        ("changed", "a", "1", '"1"'),
        ("changed", "c", "1.1", "1.2"),
    ]


def test_numbers_keep_every_digit():
    difference = bodies.compare(b'{"n": 12345678901234567890.10}', b'{"n": 12345678901234567890.11}')

    assert told(difference) == [("changed", "n", "12345678901234567890.10", "12345678901234567890.11")]


def test_xml_is_compared_by_element_and_attribute():
    before = b'<?xml version="1.0"?><Invoice xmlns="urn:x"><Line no="1"><Net cur="EUR">10</Net></Line></Invoice>'
    after = b'<Invoice xmlns="urn:x">\n <Line no="1"><Net cur="USD">12</Net></Line>\n <Note/></Invoice>'

    difference = bodies.compare(before, after)

    assert difference.how == "XML"
    assert told(difference) == [
        ("changed", "/Invoice/Line[1]/Net[1]/@cur", '"EUR"', '"USD"'),
        ("changed", "/Invoice/Line[1]/Net[1]/text()", '"10"', '"12"'),
        ("added", "/Invoice/Note[1]", "", "<Note></Note>"),
    ]


def test_other_spaces_in_the_same_json_are_told_as_no_change():
    difference = bodies.compare(b'{"a": 1, "b": 2}', b'{"b":2,"a":1}')

    assert difference.is_empty
    assert difference.note == "Only spaces, line breaks or the order of names differ."


def test_a_changed_line_of_text_marks_the_words_that_differ():
    difference = bodies.compare(b"number;amount\nINV-1;10.00\nend", b"number;amount\nINV-1;11.00\nend")

    assert difference.text is not None
    changed = {line.kind: [text for text, differs in line.spans if differs] for line in difference.text.lines}
    assert (changed["removed"], changed["added"]) == (["10"], ["11"])


def test_what_only_says_when_it_was_sent_is_set_aside():
    sent = datetime(2026, 3, 2, 9, 10, tzinfo=UTC), datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    before = {"requestId": "a1", "booked": "2026-03-02T09:10:02Z", "due": "2026-04-01T00:00:00Z", "total": 1}
    after = {"requestId": "b2", "booked": "2026-03-03T08:00:01+00:00", "due": "2026-05-01T00:00:00Z", "total": 1}

    difference = compared(before, after, sent=sent)

    assert [row.place for row in difference.rows] == ["due"]
    assert sorted(row.place for row in difference.aside) == ["booked", "requestId"]


def test_headers_are_compared_by_name_and_those_of_one_sending_set_aside():
    before = [["Content-Type", "application/json"], ["Date", "Mon"], ["X-Mode", "test"], ["Idempotency-Key", "a"]]
    after = [["content-type", "application/xml"], ["date", "Tue"], ["X-Extra", "1"], ["Idempotency-Key", "b"]]

    difference = bodies.headers(before, after)

    assert told(difference) == [
        ("changed", "content-type", "application/json", "application/xml"),
        ("added", "X-Extra", "", "1"),
        ("removed", "X-Mode", "test", ""),
    ]
    assert [row.place for row in difference.aside] == ["date", "Idempotency-Key"]


def test_two_members_of_one_name_are_not_taken_for_one():
    difference = bodies.compare(b'{"a": 1, "a": 2}', b'{"a": 2}')

    assert difference.how == "text"
    assert not difference.is_empty


def test_a_body_that_is_cut_off_is_never_compared_as_a_tree():
    difference = bodies.compare(b'{"a": 1}', b'{"a": 2}', cut=True)

    assert (difference.how, difference.note) == ("text", "Only the beginning of each is compared.")


def _huge_list(seed: int) -> bytes:
    return json.dumps([{"v": (index * seed) % 977, "t": "x" * 4} for index in range(40_000)]).encode()


HOSTILE = {
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, b"[" * 99_999 + b"]" * 99_999),
    "deep objects": (b'{"a":' * 900 + b"1" + b"}" * 900, b'{"a":' * 900 + b"2" + b"}" * 900),
    "deep elements": (b"<a>" * 200 + b"1" + b"</a>" * 200, b"<a>" * 200 + b"2" + b"</a>" * 200),
    "a list of other order": (_huge_list(7), _huge_list(13)),
    "all lines the same but one more": (b"a\n" * 100_000, b"a\n" * 100_001),
    "two lines in another rhythm": (b"a\nb\n" * 50_000, b"b\na\na\n" * 33_000),
    "no line in common": (
        "\n".join(f"old {index}" for index in range(100_000)).encode(),
        "\n".join(f"new {index}" for index in range(100_000)).encode(),
    ),
    "many short gaps": (
        "\n".join(f"{index}\n" + "x\n" * 40 for index in range(20_00)).encode(),
        "\n".join(f"{index}\n" + "x\ny\n" * 20 for index in range(20_00)).encode(),
    ),
    "one line of a megabyte": (b"ab " * 350_000, b"ba " * 350_000),
    "entities": (
        b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    ),
    "bytes that are no text": (b"\x00\xff" * 400_000, b"\xff\x00" * 400_000),
    "a digit bomb": (b"[1" + b"0" * 100_000 + b"]", b"[2" + b"0" * 100_000 + b"]"),
    "exponents": (b"[1e999999999]", b"[1e999999998]"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_compared_in_bounded_time_and_memory(name):
    before, after = HOSTILE[name]

    begun = time.process_time()
    difference = bodies.compare(before, after)
    took = time.process_time() - begun

    assert not difference.is_empty
    assert len(difference.rows) <= bodies.SHOWN
    assert len(difference.text.lines if difference.text else []) <= lines.MOST + 2 * lines.AROUND + 2
    assert took < 6, took


def test_memory_grows_with_the_bodies_and_not_with_their_square():
    def peak(items: int) -> int:
        sides = [json.dumps([{"v": (index * seed) % 977} for index in range(items)]).encode() for seed in (7, 13)]
        tracemalloc.start()
        bodies.compare(*sides)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(8_000) < 6 * peak(2_000)


def test_an_entity_is_never_read_from_a_file():
    shown = repr(bodies.compare(*HOSTILE["entities"]))

    assert "root:" not in shown
