"""Templates in the sandbox: what they see of a document, and what they are told when they are wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipelines import sandbox, shapes
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected


@pytest.fixture(scope="module")
def pool():
    made = sandbox.Pool(size=2, seconds=0.5, memory_bytes=128 * 1024 * 1024, output_bytes=1024 * 1024)
    yield made
    made.close()


CONTENT = shapes.from_flat(
    {
        "document_id": "A-1",
        "empty": "",
        "items": "three",
        "line_items": [{"item_qty": "1"}, {"item_qty": "2"}],
        "notes": ["x", "y"],
    }
)


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("{{ field.document_id }}", "A-1"),
        ("{% if field.empty != '' %}no{% else %}empty{% endif %}", "empty"),
        ("{{ field.line_items[1].item_qty }}", "2"),
        ("{% for row in field.line_items %}{{ row.item_qty }}{% if not loop.last %},{% endif %}{% endfor %}", "1,2"),
        ("{% for row in field.nothing %}x{% else %}none{% endfor %}", "none"),
        ("{{ field.notes.note }}", "y"),
        ("{{ field.notes_values|join('+') }}", "x+y"),
        ("{% for note in field.notes %}[{{ note }}]{% endfor %}{{ field.notes|length }}", "[x][y]2"),
        ("{{ field.notes[0] }}", "x"),
        ("{{ field.items }}", "three"),
        ("{{ missing }}|", "|"),
        ("{{ field.missing|default('d', true) }}", "d"),
        ("{{ payload['document']['original_file_name'] }}", "inv.pdf"),
        ("{% if payload['annotation']['automated'] == true %}auto{% endif %}", "auto"),
        ("{{ 'żółw'|b64encode }}", "xbzDs8WCdw=="),
        ("{{ field.document_id|lower|replace('a', 'b') }}", "b-1"),
        ("{{ {'a': [1, 'é']}|tojson }}", '{"a": [1, "\\u00e9"]}'),
        ("{{ '<b>' }}{{ '<b>'|e }}", "<b>&lt;b&gt;"),
        ("one\n", "one"),
        ("{{ '%05d'|format(42) }} {{ '{:>4}'.format('a') }} {{ 7 // 2 }} {{ 2 ** 10 }} {{ 'ab' * 2 }}", "00042    a 3 1024 abab"),
        ("{% macro t(n) %}{% for i in range(n) %}*{% endfor %}{% endmacro %}{{ t(3) }}", "***"),
        ("{% set ns = namespace(n=0) %}{% for r in field.line_items %}{% set ns.n = ns.n + r.item_qty|int %}{% endfor %}{{ ns.n }}", "3"),
    ],
)  # fmt: skip
def test_a_template_sees_its_document(pool, template, output):
    variables = {
        "field": CONTENT.values,
        "payload": {"document": {"original_file_name": "inv.pdf"}, "annotation": {"automated": True}},
    }

    assert pool.render(template, variables) == output


def test_every_stock_filter_and_test_is_there(pool):
    from jinja2.defaults import DEFAULT_FILTERS, DEFAULT_TESTS

    filters = "".join(f"{{% if false %}}{{{{ x|{name} }}}}{{% endif %}}" for name in DEFAULT_FILTERS)
    tests = "".join(f"{{% if false and x is {name} %}}{{% endif %}}" for name in DEFAULT_TESTS if name.isidentifier())

    assert pool.render(filters + tests + "done", {}) == "done"


def test_filters_that_read_more_of_python_still_can_inside_the_limits(pool):
    template = (
        "{{ lipsum(1, false)|length > 10 }} {{ [1]|pprint }} {{ 'a b'|urlencode }} {{ 'http://x.example'|urlize }}"
    )

    assert pool.render(template, {}) == 'True [1] a%20b <a href="http://x.example" rel="noopener">http://x.example</a>'


def test_the_original_file_comes_as_bytes_and_only_where_it_is_mentioned(pool):
    opened = []

    def opener():
        opened.append(1)
        return Blob.of(b"\x00\xff%PDF").open()

    original = Blob("a.pdf", "application/pdf", 6, opener)

    assert pool.render("{{ file.original_file|b64encode }}", {}, original=original) == "AP8lUERG"
    assert pool.render("no file here", {}, original=original) == "no file here"
    assert len(opened) == 1


def test_a_document_without_an_original_says_so(pool):
    assert pool.render("{% if file.original_file %}yes{% else %}no{% endif %}", {}) == "no"

    with pytest.raises(Rejected) as refused:
        pool.render("a\n{{ file.original_file|b64encode }}", {})

    assert refused.value.place == "line 2"
    assert refused.value.message.startswith("The document has no original file.")


def test_the_original_is_no_text(pool):
    with pytest.raises(Misconfigured, match=r"write file\.original_file\|b64encode"):
        pool.render("{{ file.original_file }}", {}, original=Blob.of(b"\xff"))


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("a\nb {% if %}", 2, "Expected an expression"),
        ("a\n\n{{ field.document_id|nope }}", 3, "No filter named 'nope'"),
        ("{{ field.nothing.deeper }}", 1, 'There is no "nothing" here'),
        ("\n{{ field.documnt_id.x }}", 2, "did you mean document_id?"),
        ("{{ absent.x }}", 1, "'absent' is undefined"),
        ("\n\n\n{{ 1 / 0 }}", 4, "divided by zero"),
        ("{% for r in field.line_items %}\n{{ r.item_qty + 1 }}{% endfor %}", 2, "A text and a number meet here"),
        ("x\n{% include 'other' %}", 2, "A template stands alone"),
        ("{% macro m(x) %}\n{{ x.y.z }}\n{% endmacro %}\n{{ m(1) }}", 2, 'A number has no "y"'),
    ],
)
def test_an_error_names_its_line(pool, template, line, message):
    with pytest.raises(Misconfigured) as refused:
        pool.render(template, {"field": CONTENT.values})

    assert refused.value.place == f"line {line}"
    assert message in refused.value.message


def test_values_cross_as_they_are(pool):
    from datetime import date

    variables = {"n": Decimal("1.50"), "d": date(2026, 3, 2), "t": (1, 2), "deep": {"a": {"b": [None, True, 2**70]}}}

    assert (
        pool.render("{{ n }} {{ d }} {{ t|list }} {{ deep.a.b }}", variables)
        == f"1.50 2026-03-02 [1, 2] [None, True, {2**70}]"
    )
    assert pool.render("{{ s }}", {"s": "\ud800"}) == "\ud800"
