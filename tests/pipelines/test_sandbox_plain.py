"""Rules that only walk are followed without a child, and give exactly what a child gives."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import sandbox
from pipelines.errors import Misconfigured
from pipelines.sandbox import plain

NAMES = ["id", "data", "a-b", "ü", "", "items", "@type", "status_code"]


@pytest.fixture(scope="module")
def pool():
    made = sandbox.Pool(size=1)
    yield made
    made.close()


def by_a_child(pool, rules, source, form):
    """More than is read here: blanks after the JSON change nothing but who reads it."""
    return pool.extract(rules, source + b" " * plain.MOST, format=form)


numbers = st.sampled_from(["0", "-0", "-0.0", "1.50", "1e400", "-1E-7", "12345678901234567890.10", "9" * 60, "1.0"])
scalars = st.one_of(
    numbers, st.sampled_from(["null", "true", "false"]), st.text(max_size=9).map(json.dumps),
    st.text(max_size=9).map(lambda text: json.dumps(text, ensure_ascii=False)), st.just('"\\ud800 \\ud83d\\ude9a"'),
)  # fmt: skip
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=4).map(
            lambda members: "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}"
        ),
    ),
    max_leaves=12,
)
first = st.one_of(st.sampled_from(NAMES).map(json.dumps), st.sampled_from(["id", "data", "items", "@", "[0]", "(id)"]))
step = st.one_of(
    st.sampled_from(NAMES).map(lambda name: "." + json.dumps(name)),
    st.sampled_from([".id", ".data", ".items", "[0]", "[1]", "[-1]", "[99999999999999999999]"]),
)
paths = st.builds(lambda start, steps: start + "".join(steps), first, st.lists(step, max_size=4))


@settings(max_examples=300, deadline=None)  # the first one starts the child
@given(source=documents, asked=st.lists(paths, min_size=1, max_size=3))
def test_a_walk_gives_what_a_child_gives(pool, source, asked):
    rules = [{"path": path} for path in asked]

    found = plain.extract(rules, source.encode(errors="surrogatepass"), "json")

    if found is not None:
        child = by_a_child(pool, rules, source.encode(errors="surrogatepass"), "json")
        assert [(type(value), repr(value)) for value in found] == [(type(value), repr(value)) for value in child]


@settings(deadline=None)
@given(status=scalars, pairs=st.lists(st.tuples(st.sampled_from(["Location", "set-cookie", "X"]), scalars), max_size=4))
def test_headers_give_what_a_child_gives(pool, status, pairs):
    raw = ", ".join(f"[{json.dumps(name)}, {value}]" for name, value in pairs)
    source = f'{{"status_code": {status}, "headers": {{"x": 1.50}}, "raw": [{raw}]}}'.encode(errors="surrogatepass")
    rules = [{"path": path} for path in ("status_code", "location", "Set-Cookie", "x", "none")]

    found = plain.extract(rules, source, "headers")

    assert found is not None
    assert repr(found) == repr(by_a_child(pool, rules, source, "headers"))


@pytest.mark.parametrize(
    ("path", "source", "value"),
    [
        ("id", b'{"id": 7}', 7),
        ("data[0].number", b'{"data": [{"number": 1250.40}]}', Decimal("1250.40")),
        ("data[5].number", b'{"data": []}', None),
        ("data.id", b'{"data": "text"}', None),
        ('"a b"', b'\xef\xbb\xbf{"a b": true}', True),
        ("@", b'"whole"', "whole"),
    ],
)
def test_a_walk_needs_no_child(path, source, value):
    assert plain.extract([{"path": path}], source, "json") == [value]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("data", b'{"data": [1]}'),
        ("@", b"{}"),
        ("id", b'{"id": 1}' + b" " * plain.MOST),
        ("id", b"[" * 5000),
        ("id", b"<html>"),
        ("id", b'{"id": NaN}'),
        ("id", b"1" * 5000),
        ("length(@)", b'"abc"'),
        ("data[*]", b"{}"),
        ("data[?id]", b"{}"),
        ("a || b", b"{}"),
        ("a.", b"{}"),
        ("a" * 300, b"{}"),
    ],
)
def test_everything_else_is_left_to_a_child(path, source):
    assert plain.extract([{"path": path}], source, "json") is None


@pytest.mark.parametrize("form", ["xml", "regex"])
def test_other_formats_are_left_to_a_child(form):
    assert plain.extract([{"path": "a"}], b"<a/>", form) is None


def test_one_rule_that_calls_takes_the_others_with_it(pool):
    rules = [{"path": "id"}, {"path": "length(id)"}]

    assert plain.extract(rules, b'{"id": "abc"}', "json") is None
    assert pool.extract(rules, b'{"id": "abc"}', format="json") == ["abc", 3]


def test_what_cannot_be_followed_is_told_by_the_child(pool):
    with pytest.raises(Misconfigured, match="The path a"):
        pool.extract([{"path": "a."}], b"{}", format="json")
