"""The expressions of checks and formulas: a small part of Python's grammar, walked by ourselves, never eval.

Lives here: reading the text into a checked tree of closures, and running it. What the operators and functions do is in
`pipelines/operators.py` and `pipelines/functions.py`; the fields with their types are in `pipelines/typedfields.py`.
"""

from __future__ import annotations

import ast
import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from pipelines import operators
from pipelines.errors import Misconfigured, Rejected, StageError
from pipelines.functions import ALL_METHODS, ATTRIBUTES, FUNCTIONS, METHODS
from pipelines.operators import ValueProblem

MAX_LENGTH = 4000
MAX_NESTING = 40
MAX_DEPTH = 100
MAX_NODES = 1500
MAX_STEPS = 200_000
"""Nodes that one evaluation may visit inside loops."""

_TEXTS = re.compile(r"'''.*?'''|\"\"\".*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
_PARSING = threading.Lock()
_ASSIGNS = re.compile(r"(?<![=!<>:])=(?!=)")
_RUN = re.compile(r"(?:(?:[-+~]|\bnot\b|\blambda\b)[\s:(]*){30,}")


class State:
    """One evaluation: the names, those of loops included, and the steps that are left."""

    __slots__ = ("names", "steps")

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self.steps = MAX_STEPS

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            message = f"it takes more than {MAX_STEPS:,} steps; loop over less"
            raise ValueProblem(message, of_document=False)


Run = Callable[[State], Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. `reads` are the schema ids that it reads as field.<id> or r.field.<id>."""

    text: str
    reads: frozenset[str]
    names: frozenset[str]
    """The names that it needs from outside."""
    run: Run = field(repr=False, compare=False)

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value. Raises Rejected where a field's value does not do, Misconfigured where the expression does not;
        nothing else, and within a bounded number of steps."""
        try:
            return self.run(State(names))
        except ValueProblem as problem:
            raise _error(str(problem), of_document=problem.of_document) from None
        except RecursionError:
            message = "It is nested too deeply."
            raise Misconfigured(message) from None


def parse(text: str, *, place: str = "") -> Expression:
    """The expression, read once and kept. Raises Misconfigured with the column."""
    try:
        return _parsed(text)
    except Misconfigured as error:
        raise Misconfigured(error.message, place=place or error.place) from None


def names_for(fields: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    """The names that expressions read: `field.<id>`, and `r.field.<id>` as TxScript samples write it."""
    return {"field": fields, "r": {"field": fields}, **others}


@lru_cache(maxsize=1024)
def _parsed(text: str) -> Expression:
    _look(text)
    try:
        tree = _tree(text.strip())
    except SyntaxError as error:
        said = f"{error.msg} (column {error.offset})" if error.offset else "it ends too early"
        compare = " Two values are compared by ==." if _ASSIGNS.search(_TEXTS.sub("''", text)) else ""
        message = f"It cannot be read: {said}.{compare}"
        raise Misconfigured(message) from None
    except (ValueError, MemoryError, RecursionError) as error:
        message = f"It cannot be read: {error or 'it is nested too deeply'}."
        raise Misconfigured(message) from None
    from pipelines.expressiontree import Builder

    builder = Builder(text.strip())
    run = builder.build(tree.body, 0)
    return Expression(text, frozenset(builder.reads), frozenset(builder.names), run)


def _tree(text: str) -> ast.Expression:
    """CPython counts the depth of all threads' trees in one place and takes a switch between them for a fault
    (SystemError, seen with 3.11.7): one at a time here, and again where something else was parsed meanwhile."""
    for _ in range(5):
        with _PARSING, contextlib.suppress(SystemError):
            return ast.parse(text, mode="eval")
    return ast.parse(text, mode="eval")


def _look(text: str) -> None:
    """Refuse what could hurt the parser itself, before it sees it."""
    if not text.strip():
        message = "The expression is empty."
        raise Misconfigured(message)
    if len(text) > MAX_LENGTH:
        message = f"The expression has {len(text):,} characters; {MAX_LENGTH:,} is the most."
        raise Misconfigured(message)
    bare = _TEXTS.sub("''", text)
    depth = deepest = 0
    for character in bare:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    if deepest > MAX_NESTING or bare.count("**") > 10 or len(re.findall(r"\bif\b", bare)) > 40 or _RUN.search(bare):
        message = f"It is nested too deeply: {MAX_NESTING} levels of brackets are the most."
        raise Misconfigured(message)


def _error(message: str, *, of_document: bool, place: str = "") -> StageError:
    shown = f"{message[:1].upper()}{message[1:]}" + ("" if message.endswith((".", "?")) else ".")
    return Rejected(shown, place=place) if of_document else Misconfigured(shown, place=place)


def member(value: Any, name: str) -> Any:
    """`value.name`: a member of a mapping, or one of the few attributes there are."""
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
        near = get_close_matches(name, [str(key) for key in value], 1)
        message = f'there is no "{name}"{f"; did you mean {near[0]}?" if near else ""}'
        raise ValueProblem(message, of_document=False)
    for types, names in ATTRIBUTES:
        if isinstance(value, types) and name in names:
            return getattr(value, name)
    hint = f"; {name}() is a method, call it" if name in ALL_METHODS else ""
    message = f'{operators.kind(value)} has no "{name}"{hint}'
    raise ValueProblem(message, of_document=value is None)


def method(value: Any, name: str) -> Callable[..., Any]:
    for types, table in METHODS:
        if isinstance(value, types) and name in table:
            return table[name]
    message = f'{operators.kind(value)} has no method "{name}"'
    raise ValueProblem(message, of_document=value is None)


def function(name: str) -> Callable[..., Any]:
    """Raises Misconfigured where expressions have no such function."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    near = get_close_matches(name, list(FUNCTIONS), 1)
    message = f'There is no function "{name}".{f" Did you mean {near[0]}?" if near else ""}'
    raise Misconfigured(message)
