"""The trail's verbs: each that the code can record stands in docs/operate/audit.md, and none that it cannot.

Verbs are read from the code: what stands where an event is written, or where a function is called that writes one.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house import tree

PAGE = Path("docs/operate/audit.md")
MODULES = [path for path in tree.sources() if path != Path("audit/trail.py")]
WRITERS = {"trail.record", "trail.event"}
"""Who writes an event; the verb is the first argument."""


def listed() -> set[str]:
    table = tree.read(PAGE).partition("## The verbs")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE)
    return {f"{noun}.{verb}" for noun, verbs in rows for verb in re.findall(r"`(\w+)`", verbs)}


def texts(node: ast.expr | None, names: dict[str, set[str]]) -> set[str]:
    """What an expression may be: a text, one of two texts, a table's values, or a name that was given texts."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp():
            return texts(node.body, names) | texts(node.orelse, names)
        case ast.Name() | ast.Subscript(value=ast.Name()):
            name = node.id if isinstance(node, ast.Name) else node.value.id
            return names.get(name, set())
        case ast.JoinedStr():
            found = {""}
            for part in node.values:
                inner = part.value if isinstance(part, ast.FormattedValue) else part
                found = {before + after for before in found for after in texts(inner, names)}
            return found
    return set()


def assigned(path: Path) -> dict[str, set[str]]:
    """Names of a module that stand for texts: `verb = "a" if new else "b"`, and tables of them."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree.tree(path)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            given = set().union(*(texts(value, {}) for value in values))
            if given:
                found.setdefault(node.targets[0].id, set()).update(given)
    return found


@dataclass(frozen=True)
class Place:
    """A call, and the function around it."""

    call: ast.Call
    called: str
    around: str
    parameters: tuple[str, ...]


@cache
def places(path: Path) -> list[Place]:
    return [
        Place(
            node, ast.unparse(node.func), function.name,
            tuple(one.arg for one in (*function.args.args, *function.args.kwonlyargs)),
        )
        for function in ast.walk(tree.tree(path)) if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function) if isinstance(node, ast.Call)
    ]  # fmt: skip


def recorded() -> set[str]:
    """Every verb that the product can write."""
    found: set[str] = set()
    for path in MODULES:
        for place in places(path):
            if place.called in WRITERS:
                verb = place.call.args[0]
                names = assigned(path)
                taken = [one.id for one in ast.walk(verb) if isinstance(one, ast.Name) and one.id in place.parameters]
                names |= {name: given_to(place, name, path) for name in taken}
                verbs = texts(verb, names)
                assert verbs, f"{path}: this test cannot read {ast.unparse(verb)}"
                found |= verbs
    return found


def given_to(writer: Place, parameter: str, home: Path) -> set[str]:
    """What callers give a function for its parameter: by name or by position, through other functions too."""
    found: set[str] = set()
    position = writer.parameters.index(parameter)
    for path in MODULES:
        wanted = writer.around if path == home else f"{home.stem}.{writer.around}"
        for place in places(path):
            if place.called != wanted:
                continue
            named = [word.value for word in place.call.keywords if word.arg == parameter]
            given = (named or place.call.args[position : position + 1] or [None])[0]
            if isinstance(given, ast.Name) and given.id in place.parameters:
                found |= given_to(place, given.id, path)
            else:
                found |= texts(given, assigned(path))
    return found


def test_the_page_lists_every_verb_that_the_code_records():
    written, on_the_page = recorded(), listed()

    assert sorted(written - on_the_page) == []
    assert sorted(on_the_page - written) == []


def test_a_verb_is_a_noun_and_an_infinitive():
    unlike = [verb for verb in listed() if not re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", verb)]
    past = [verb for verb in listed() if verb.endswith("ed") and not verb.endswith("eed")]

    assert (unlike, past) == ([], [])
