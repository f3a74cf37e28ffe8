"""JSON as people type it: the same values as Python's reader, and advice where there are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import jsontext

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.none() | st.integers(0, 4), st.booleans())
def test_whatever_python_writes_is_read(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    assert jsontext.read(text).value == value


@given(st.text(alphabet="{}[]\",:0123456789.-+eEtrufalsn \n\\/*#'x", max_size=30))
def test_what_python_refuses_is_refused_with_a_place(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(jsontext.BadJsonError) as refused:
            jsontext.read(text)
        assert 1 <= refused.value.line <= text.count("\n") + 1
        assert refused.value.column >= 1
        return
    try:
        found = jsontext.read(text).value
    except jsontext.BadJsonError as error:
        found = str(error)
    # The two that Python lets pass: a key that stands twice, a number beyond every float.
    assert found == expected or "stands twice" in found or "too large" in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1, column 1: There is no JSON here. The least is {}."),
        ("{a: 1}", 'line 1, column 2: Keys stand in double quotes in JSON: "a".'),
        ("{'a': 1}", "line 1, column 2: A key stands in straight double quotes in JSON (\"), not in '."),
        ('{"a": “x”}', 'line 1, column 7: Text stands in straight double quotes in JSON ("), not in “.'),
        ('{"a": True}', "line 1, column 7: True is spelt true in JSON."),
        ('{"a": yes}', 'line 1, column 7: yes is not true, false or null; text stands in double quotes: "yes".'),
        ('{"a": 01}', "line 1, column 7: JSON knows no such number (no leading zeros, no units). Should it be text?"),
        ('{"a": 1e999}', "line 1, column 7: This number is too large."),
        ("[1,2", "line 1, column 5: The [ opened on line 1 is never closed."),
        ('{\n"a": {\n', "line 3, column 1: The { opened on line 2 is never closed."),
        ('{"a" 1}', 'line 1, column 6: A colon is missing after "a".'),
        ('{"a": 1 "b": 2}', "line 1, column 9: A comma or } is missing before this."),
        ('{"a":,}', "line 1, column 6: A value for a is missing before ,"),
        (
            "{} x",
            "line 1, column 4: The JSON ends here, but more text follows. Delete it, or look for one bracket too many.",
        ),
        ('{"a": "x', "line 1, column 7: This text is never closed: its second double quote is missing."),
        (
            '{"a": "x\ny"}',
            'line 1, column 9: A text may not run over the end of its line. Close it with ", or write the line break as \\n.',
        ),
        (
            '{"a": "C:\\x"}',
            'line 1, column 10: A backslash begins one of \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX; a plain one is written \\\\.',
        ),
        ("[1, # why\n]", "line 1, column 5: JSON has no comments; delete the one that begins with # here."),
    ],
)
def test_each_slip_is_told_what_to_do(text, told):
    with pytest.raises(jsontext.BadJsonError) as refused:
        jsontext.read(text)

    assert str(refused.value) == told


def test_every_value_has_its_line():
    read = jsontext.read('{\n  "a": [\n    1,\n    {"b c": 2}\n  ]\n}')

    assert read.lines == {"a": 2, "a[0]": 3, "a[1]": 4, 'a[1]["b c"]': 4}


def test_deep_nesting_is_refused_instead_of_overflowing():
    with pytest.raises(jsontext.BadJsonError, match="nested more than 100 levels deep"):
        jsontext.read("[" * 100_000)
