"""Extraction in the sandbox: every format finds its values, and says what it cannot read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines import sandbox
from pipelines.errors import Misconfigured


@pytest.fixture(scope="module")
def pool():
    made = sandbox.Pool(size=2, seconds=0.5, memory_bytes=128 * 1024 * 1024, output_bytes=1024 * 1024)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("form", "source", "path", "value"),
    [
        ("json", b'{"a": {"b": 201}}', "a.b", 201),
        ("json", b'{"a": 1250.40}', "a", Decimal("1250.40")),
        ("json", b'{"a": 12345678901234567890.123456789}', "a", Decimal("12345678901234567890.123456789")),
        ("json", b'{"a": [1.50, 2]}', "sum(a)", Decimal("3.5")),
        ("json", b'{"a": {"n": 1.50}}', "a", {"n": Decimal("1.50")}),
        ("json", b"[1]", "@", [1]),
        ("json", b"\xef\xbb\xbf{}", "nothing", None),
        ("xml", b"<a><b>x</b><b>y</b></a>", "//b", ["x", "y"]),
        ("xml", b"<a><b>x</b></a>", "//b", "x"),
        ("xml", b'<a id="7"/>', "/a/@id", "7"),
        ("xml", b"<a><b/><b/></a>", "count(//b)", 2),
        ("xml", b"<a/>", "//b", None),
        ("xml", b"<a/>", "boolean(/a)", True),
        ("headers", b'{"status_code": 201, "headers": {}, "raw": [["Location", "/7"]]}', "location", "/7"),
        ("headers", b'{"status_code": 201, "headers": {}, "raw": []}', "status_code", 201),
        ("headers", b'{"status_code": 201, "headers": {"content_type": "a/b"}}', "Content-Type", "a/b"),
        ("headers", b'{"status_code": 201, "raw": [["Set-Cookie", "a"], ["set-cookie", "b"]]}', "Set-Cookie", "a, b"),
        ("regex", b"id=42;", r"id=(\d+)", "42"),
        ("regex", b"id=42;", r"id=(?P<x>\d)(?P<value>\d)", "2"),
        ("regex", b"id=42;", r"\d+", "42"),
        ("regex", b"id=42;", r"none", None),
    ],
)  # fmt: skip
def test_a_rule_finds_its_value(pool, form, source, path, value):
    assert pool.extract([{"path": path}], source, format=form) == [value]


def test_xml_namespaces_are_named_by_the_rule(pool):
    rule = {"path": "//inv:no", "namespaces": {"inv": "urn:invoice"}}

    assert pool.extract([rule], b'<r xmlns="urn:invoice"><no>7</no></r>', format="xml") == ["7"]


@pytest.mark.parametrize(
    ("form", "source"),
    [("json", b"<html>"), ("json", b'{"a": NaN}'), ("json", b""), ("json", b"[" * 100_000), ("xml", b"{}"), ("headers", b"[]")],
)  # fmt: skip
def test_a_source_of_another_form_is_unreadable(pool, form, source):
    with pytest.raises(sandbox.Unreadable):
        pool.extract([{"path": "a"}], source, format=form)


def test_a_rule_that_cannot_be_followed_names_itself(pool):
    with pytest.raises(Misconfigured) as refused:
        pool.extract([{"path": "a"}, {"path": "sum(a)"}], b'{"a": "x"}', format="json")

    assert refused.value.place == "rule 2"
