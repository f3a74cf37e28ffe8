"""The nodes of expressions that walk over something: entries, slices, loops and calls."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipelines import operators
from pipelines.errors import Misconfigured
from pipelines.expressions import Run, State, function, member, method
from pipelines.operators import ValueProblem

if TYPE_CHECKING:
    from pipelines.expressiontree import Builder


def is_field(node: ast.expr) -> bool:
    """`field` itself, or `r.field`."""
    if isinstance(node, ast.Name):
        return node.id == "field"
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "field"
        and isinstance(node.value, ast.Name)
        and node.value.id == "r"
    )


def subscript(builder: Builder, node: ast.Subscript, depth: int) -> Run:
    inner = builder.build(node.value, depth)
    if isinstance(node.slice, ast.Slice):
        return builder.told(node, _slice(builder, node.slice, inner, depth))
    if is_field(node.value) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        builder.reads.add(node.slice.value)
    index = builder.build(node.slice, depth)

    def run(state: State) -> Any:
        whole, key = inner(state), index(state)
        if isinstance(whole, Mapping):
            return member(whole, str(key))
        if isinstance(whole, list | tuple | str):
            position = int(operators.number(key, "a position"))
            if not -len(whole) <= position < len(whole):
                message = f"it has {len(whole)} entries, and none at {position}"
                raise ValueProblem(message)
            return whole[position]
        message = f"{operators.kind(whole)} has no entries"
        raise ValueProblem(message, of_document=whole is None)

    return builder.told(node, run)


def _slice(builder: Builder, node: ast.Slice, inner: Run, depth: int) -> Run:
    ends = [None if end is None else builder.build(end, depth) for end in (node.lower, node.upper, node.step)]

    def run(state: State) -> Any:
        whole = inner(state)
        if not isinstance(whole, str | list | tuple):
            message = f"{operators.kind(whole)} has no entries"
            raise ValueProblem(message, of_document=whole is None)
        return whole[slice(*(None if end is None else int(operators.number(end(state))) for end in ends))]

    return run


def loop(builder: Builder, node: ast.GeneratorExp | ast.ListComp, depth: int) -> Run:
    if len(node.generators) != 1 or not isinstance(node.generators[0].target, ast.Name):
        message = f"A loop has one for and one name (column {node.col_offset + 1})."
        raise Misconfigured(message)
    [generator] = node.generators
    target = generator.target.id  # type: ignore[attr-defined]  # a Name, as just seen
    source = builder.build(generator.iter, depth)
    before = builder.nodes
    builder.loops.append(target)
    tests = [builder.build(test, depth) for test in generator.ifs]
    item = builder.build(node.elt, depth)
    builder.loops.pop()
    cost = builder.nodes - before + 1

    def run(state: State) -> list[Any]:
        whole = source(state)
        if not isinstance(whole, list | tuple | Mapping):
            message = f"a loop needs a list, not {operators.kind(whole)}"
            raise ValueProblem(message, of_document=whole is None)
        return list(_passes(state, whole, target, tests, item, cost))

    return builder.told(node, run)


def _passes(state: State, whole: Any, target: str, tests: list[Run], item: Run, cost: int) -> Iterator[Any]:
    outer = state.names
    for value in whole:
        state.spend(cost)
        state.names = ChainMap({target: value}, outer)  # type: ignore[arg-type]  # only ever read
        try:
            if all(test(state) for test in tests):
                yield item(state)
        finally:
            state.names = outer


def call(builder: Builder, node: ast.Call, depth: int) -> Run:
    if any(keyword.arg is None for keyword in node.keywords):
        message = f"Expressions have no stars (column {node.col_offset + 1})."
        raise Misconfigured(message)
    arguments = [builder.build(argument, depth) for argument in node.args]
    named = {keyword.arg: builder.build(keyword.value, depth) for keyword in node.keywords if keyword.arg}
    choose = _callee(builder, node.func, depth)

    def run(state: State) -> Any:
        called, first = choose(state)
        given = [*first, *(argument(state) for argument in arguments)]
        state.spend(sum(len(value) for value in given if isinstance(value, list | tuple)))
        try:
            return called(*given, **{key: value(state) for key, value in named.items()})
        except TypeError:
            message = f"it does not take these {len(given) + len(named)} values"
            raise ValueProblem(message, of_document=False) from None

    return builder.told(node, run)


def _callee(builder: Builder, node: ast.expr, depth: int) -> Callable[[State], tuple[Callable[..., Any], list[Any]]]:
    if isinstance(node, ast.Name):
        chosen = function(node.id)
        return lambda _state: (chosen, [])
    if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
        name = node.attr
        owner = builder.build(node.value, depth)

        def bound(state: State) -> tuple[Callable[..., Any], list[Any]]:
            value = owner(state)
            return method(value, name), [value]

        return bound
    message = f"Only functions and methods by name can be called (column {node.col_offset + 1})."
    raise Misconfigured(message)
