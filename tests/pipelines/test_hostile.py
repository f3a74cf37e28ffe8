"""Templates, paths and expressions that mean harm: each is stopped within its limit, says where, and the next call works."""

from __future__ import annotations

import time

import pytest

from pipelines import expressions, paths, sandbox
from pipelines.errors import Misconfigured, StageError
from pipelines.shapes import from_flat
from pipelines.typedfields import Fields

SECONDS = 0.5


@pytest.fixture(scope="module")
def pool():
    made = sandbox.Pool(size=1, seconds=SECONDS, memory_bytes=96 * 1024 * 1024, output_bytes=1024 * 1024)
    yield made
    made.close()


TIME, MEMORY, OUTPUT = "0.5 seconds", "96 MB", "1,048,576"

TEMPLATES = {
    "a text times a lot": ("one\n{{ 'a' * 200000000 }}", 2, OUTPUT),
    "a lot times a text": ("{{ 200000000 * 'a' }}", 1, OUTPUT),
    "a list times a lot": ("{{ [1] * 200000000 }}", 1, OUTPUT),
    "a text times a lot in a condition": ("\n\n{% if 'a' * 200000000 == 'b' %}{% endif %}", 3, OUTPUT),
    "a text times a lot in a default": ("{% macro m(x='a' * 200000000) %}{{ x }}{% endmacro %}\n{{ m() }}", 1, OUTPUT),
    "nested loops": ("x\n\n{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", 3, TIME),
    "loops five deep": ("{% for a in range(99) %}" * 5 + "\n{{ 1 }}" + "{% endfor %}" * 5, 0, ""),
    "output in a block": ("{% block b %}{% for a in range(99999) %}\n{{ 'abcdefghijklmnop' }}{% endfor %}{% endblock %}", 2, OUTPUT),
    "a huge range": ("{{ range(1000000000)|length }}", 1, "100,000 steps"),
    "a range beyond every number": ("\n{{ range(10 ** 40)|list }}", 2, "100,000 steps"),
    "a power": ("{{ 9 ** (9 ** 9) }}", 1, "digits"),
    "a tower of products": ("{% set ns = namespace(n=7) %}{% for i in range(99) %}\n{% set ns.n = ns.n * ns.n %}{% endfor %}", 2, "digits"),
    "doubling by +": ("{% set ns = namespace(s='abcdefgh') %}\n{% for i in range(60) %}\n{% set ns.s = ns.s + ns.s %}{% endfor %}", 3, MEMORY),
    "doubling by ~": ("{% set ns = namespace(s='abcdefgh') %}\n\n{% for i in range(60) %}\n{% set ns.s = ns.s ~ ns.s %}{% endfor %}", 4, MEMORY),
    "doubling a list": ("{% set ns = namespace(s=[1, 2]) %}{% for i in range(60) %}\n{% set ns.s = ns.s + ns.s %}{% endfor %}", 2, ""),
    "doubling by join": ("{% set ns = namespace(s='abcdefgh') %}{% for i in range(60) %}\n{% set ns.s = [ns.s, ns.s]|join(ns.s) %}{% endfor %}", 2, ""),
    "doubling by replace": ("{% set ns = namespace(s='aa') %}{% for i in range(60) %}\n{% set ns.s = ns.s|replace('a', 'aaaa') %}{% endfor %}", 2, OUTPUT),
    "output without end": ("{% for a in range(99999) %}\n{{ 'abcdefghijklmnop' }}{% endfor %}", 2, OUTPUT),
    "output of wide letters": ("{% for a in range(9999) %}\n{{ '🧾' * 100 }}{% endfor %}", 0, OUTPUT),
    "a width in %": ("{{ '%1000000000s' % 'a' }}", 1, OUTPUT),
    "a width as a star": ("{{ '%*d' % (1000000000, 1) }}", 1, OUTPUT),
    "a precision": ("{{ '%.1000000000f' % 1.0 }}", 1, OUTPUT),
    "a width in the format filter": ("{{ '%1000000000s'|format('a') }}", 1, OUTPUT),
    "a width in format()": ("{{ '{:>1000000000}'.format('a') }}", 1, OUTPUT),
    "a width that is a value": ("{{ '{:>{w}}'.format('a', w=1000000000) }}", 1, OUTPUT),
    "a width in format_map()": ("{{ '{a:>1000000000}'.format_map({'a': 1}) }}", 1, OUTPUT),
    "ljust": ("{{ 'a'.ljust(1000000000) }}", 1, OUTPUT),
    "zfill": ("{{ 'a'.zfill(1000000000) }}", 1, OUTPUT),
    "center as a method": ("{{ 'a'.center(1000000000) }}", 1, OUTPUT),
    "center as a filter": ("{{ 'a'|center(1000000000) }}", 1, OUTPUT),
    "center through map": ("{{ ['a']|map('center', 1000000000)|list }}", 1, OUTPUT),
    "expandtabs": ("{{ '\t'.expandtabs(1000000000) }}", 1, OUTPUT),
    "indent": ("{{ 'a'|indent(1000000000, true) }}", 1, OUTPUT),
    "bytes of a number": ("{{ (1).to_bytes(1000000000, 'big') }}", 1, OUTPUT),
    "round": ("{{ 1.5|round(1000000000, 'floor') }}", 1, "300"),
    "batch": ("{{ [1]|batch(1000000000, 'x')|list }}", 1, "100,000"),
    "a macro that calls itself": ("{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", 2, "too deeply"),
    "a macro that calls itself twice": ("{% macro m(n) %}{% if n %}\n{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}", 0, TIME),  # caught on either line
    "brackets without end": ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", 0, "too deeply"),
    "filters without end": ("{{ 1" + "|int" * 20000 + " }}", 0, ""),
    "lists without end": ("{{ " + "[" * 400 + "]" * 400 + " }}", 0, ""),
    "ifs without end": ("{% if 1 %}" * 2000 + "{% endif %}" * 2000, 0, ""),
    "a template too long": ("a" * 300_000, 0, "262,144"),
    "the class of a text": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", 1, "unsafe"),
    "globals of a function": ("\n{{ cycler.__init__.__globals__.os.popen('id').read() }}", 2, "unsafe"),
    "globals through a filter": ("{{ (cycler|attr('__init__')).x }}", 1, ""),
    "the class through format": ("{{ '{0.__class__.__mro__}'.format(1) }}", 1, "unsafe"),
    "the frame of a generator": ("{{ ([1]|map('int')).gi_frame.f_globals.x }}", 1, "unsafe"),
    "changing a list": ("{{ field.rows.append(1) }}", 1, "unsafe"),
    "many loops of a slow filter": ("{% for i in range(99999) %}\n{{ ('a b ' * 9000)|wordwrap(2)|title|wordcount }}{% endfor %}", 2, ""),
    "a generator without end": ("{{ cycler('a')|list }}", 1, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_hostile_template_is_stopped_where_it_stands(pool, name):
    template, line, says = TEMPLATES[name]
    begun = time.monotonic()

    with pytest.raises(Misconfigured) as stopped:
        pool.render(template, {"field": {"rows": [1]}})

    assert time.monotonic() - begun < 12 * SECONDS  # a loaded machine may take five times as long, and start a child
    if line:
        assert stopped.value.place == f"line {line}"
    assert says in stopped.value.message
    assert pool.render("{{ field.x }}", {"field": {"x": "still here"}}) == "still here"


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">%s]><l>&z;</l>""" % b"".join(
    b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 10) for letter in range(ord("b"), ord("z") + 1)
)
ATTRIBUTE_LAUGHS = LAUGHS.replace(b"<l>&z;</l>", b'<l x="&z;"/>')
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
NET = b'<?xml version="1.0"?><!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY %% p SYSTEM "http://127.0.0.1:9/p">]><r/>'
MANY = b"<r>" + b"<a/>" * 20000 + b"</r>"

PATHS = {
    "billion laughs": ("xml", LAUGHS, "string(/)"),
    "billion laughs in an attribute": ("xml", ATTRIBUTE_LAUGHS, "string(/l/@x)"),
    "a file as an entity": ("xml", OUTSIDE, "string(/)"),
    "a DTD over the network": ("xml", NET, "string(/)"),
    "XPath in XPath": ("xml", MANY, "count(//*[count(//*[count(//*) > 0]) > 0])"),
    "a function that reads files": ("xml", b"<r/>", "document('file:///etc/passwd')"),
    "a regular expression that goes back": ("regex", b"a" * 5000 + b"!", r"^(a|a?)+$"),
    "a sort of sorts": ("json", b"[" + b"1," * 200_000 + b"1]", "sort(map(&length(to_array([0])), [*].{a: @}[*].a))"),
    "JSON nested without end": ("json", b"[" * 1_000_000, "@"),
    "a number without end": ("json", b"[" + b"9" * 100_000 + b"]", "@"),
    "headers that are none": ("headers", b"[" * 100_000, "location"),
}


@pytest.mark.parametrize("name", PATHS)
def test_a_hostile_source_or_path_is_stopped(pool, name):
    form, source, path = PATHS[name]
    begun = time.monotonic()

    with pytest.raises(StageError) as stopped:
        pool.extract([{"path": path}], source, format=form)

    assert stopped.value.message
    assert time.monotonic() - begun < 12 * SECONDS
    assert pool.extract([{"path": "a"}], b'{"a": "still here"}', format="json") == ["still here"]


def test_no_file_is_read_through_an_entity(pool):
    with pytest.raises(sandbox.Unreadable, match="declares entities"):
        pool.extract([{"path": "string(/)"}], OUTSIDE, format="xml")


def test_the_rule_that_took_too_long_is_named(pool):
    slow = {"path": "count(//*[count(//*[count(//*) > 0]) > 0])"}

    with pytest.raises(Misconfigured) as stopped:
        pool.extract([{"path": "count(//a)"}, slow], MANY, format="xml")

    assert stopped.value.place == "rule 2"
    assert TIME in stopped.value.message


BAD_PATHS = {
    "JMESPath nested without end": ("json", "[" * 1900),
    "JMESPath too long": ("json", "a." * 2000 + "a"),
    "JMESPath of dots": ("json", "a..b"),
    "XPath nested without end": ("xml", "(" * 1900),
    "XPath predicates without end": ("xml", "a" + "[a" * 900 + "]" * 900),
    "XPath with a prefix nobody named": ("xml", "//nobody:a"),
    "regular expression left open": ("regex", "(" * 1900),
    "regular expression of groups": ("regex", "(a{1000}){1000"),
}


@pytest.mark.parametrize("name", BAD_PATHS)
def test_a_hostile_path_is_refused_when_it_is_saved(name):
    form, path = BAD_PATHS[name]
    begun = time.monotonic()

    wrong = paths.problem(form, path)

    assert time.monotonic() - begun < 5
    if name != "regular expression of groups":  # a brace left open is a plain brace there
        assert wrong


FIELDS = Fields(from_flat({"code": "422", "long": "a" * 1500, "rows": [{"n": str(n)} for n in range(2000)]}))

EXPRESSIONS = [
    "__import__('os').system('id')",
    "().__class__.__bases__[0].__subclasses__()",
    "field.code.__class__",
    "r.__init__",
    "open('/etc/passwd')",
    "eval('1')",
    "exec('1')",
    "getattr(field, '_types')",
    "[].append",
    "lambda: 1",
    "(x := 1)",
    "f'{field.code!r:>1000000000}'",
    "'a' * 200000000",
    "9 ** 9 ** 9",
    "2 ** 100000",
    "10 ** 3000 * 10 ** 3000",
    "1 / 3 ** -100000",
    "join('x', [field.long] * 100000)",
    "[a for a in field.rows for b in field.rows]",
    "sum(sum(b.n for b in field.rows) for a in field.rows)",
    "[[[c for c in field.rows] for b in field.rows] for a in field.rows]",
    "replace(replace(replace(field.long, 'a', field.long), 'a', field.long), 'a', field.long)",
    "field.code.ljust(1000000000)",
    "(" * 3000 + "1" + ")" * 3000,
    "-" * 3999 + "1",
    "not " * 999 + "1",
    "+".join(["1"] * 1900),
    "1" + "**1" * 900,
    "1 if 1 else " * 300 + "1",
    "field" + ".a" * 1900,
    "field" + "[0]" * 1300,
    "[" * 200 + "]" * 200,
    "9" * 3999,
    "0x" + "f" * 3990,
    "1e999999999",
    "1e999 * 1e999",
    "x" * 5000,
    "'" + "\\" * 3998,
    "\x00",
    "a\\\nb",
    "{**field}",
    "max(*field.rows)",
    "`code`",
    "await field",
    "yield",
    "field.code; field.code",
    "import os",
    "round(1, 10 ** 9)",
    "date('2026-01-01') + days(10 ** 9)",
    "int(field.long)",
    "''.join(str(n) for n in field.rows)[10 ** 100]",
    "{'a': 1}.b",
    "is_empty()",
    "len(1, 2, 3)",
    "field['__class__']",
]


@pytest.mark.parametrize("text", EXPRESSIONS, ids=lambda text: text[:40].encode("unicode_escape").decode())
def test_a_hostile_expression_is_refused_or_stopped(text):
    begun = time.monotonic()

    with pytest.raises(StageError) as refused:
        expressions.parse(text).evaluate(expressions.names_for(FIELDS))

    assert time.monotonic() - begun < 15, "it is stopped, not waited for"
    assert "Traceback" not in refused.value.message
    assert len(refused.value.message) < 400
