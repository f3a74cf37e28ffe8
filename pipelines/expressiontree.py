"""From Python's syntax tree to closures: each node of the few that expressions know, refused by name where unknown."""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pipelines import operators
from pipelines.errors import Misconfigured
from pipelines.expressions import MAX_DEPTH, MAX_NODES, Run, State, member
from pipelines.expressionwalks import call, is_field, loop, subscript
from pipelines.operators import ValueProblem

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operators.add,
    ast.Sub: operators.subtract,
    ast.Mult: operators.multiply,
    ast.Div: operators.divide,
    ast.FloorDiv: operators.floor_divide,
    ast.Mod: operators.modulo,
    ast.Pow: operators.power,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operators.equal,
    ast.NotEq: lambda left, right: not operators.equal(left, right),
    ast.Is: operators.equal,
    ast.IsNot: lambda left, right: not operators.equal(left, right),
    ast.Lt: lambda left, right: operators.order(left, right) < 0,
    ast.LtE: lambda left, right: operators.order(left, right) <= 0,
    ast.Gt: lambda left, right: operators.order(left, right) > 0,
    ast.GtE: lambda left, right: operators.order(left, right) >= 0,
    ast.In: operators.contains,
    ast.NotIn: lambda left, right: not operators.contains(left, right),
}
_REFUSED = {
    ast.Lambda: "functions of your own (lambda)",
    ast.NamedExpr: "assignments (:=)",
    ast.Starred: "stars (*)",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.Set: "sets; write a list",
    ast.SetComp: "sets; write a list",
    ast.DictComp: "objects made in a loop",
}


class Builder:
    """One expression's build: what it reads, and how large it has become."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.reads: set[str] = set()
        self.names: set[str] = set()
        self.loops: list[str] = []
        self.nodes = 0

    def build(self, node: ast.expr, depth: int) -> Run:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            message = "It is too long or nested too deeply. Split it into several."
            raise Misconfigured(message)
        make = _BUILD.get(type(node))
        if make is None:
            what = _REFUSED.get(type(node), f"this ({type(node).__name__})")
            message = f"Expressions have no {what} (column {node.col_offset + 1})."
            raise Misconfigured(message)
        return make(self, node, depth + 1)

    def told(self, node: ast.expr, run: Run) -> Run:
        """`run`, whose problem is told with the piece of the expression where it arose, the innermost piece once."""
        piece = operators.short(ast.get_source_segment(self.text, node) or "")

        def told(state: State) -> Any:
            try:
                return run(state)
            except ValueProblem as problem:
                if not getattr(problem, "told", False):
                    said = ValueProblem(f"{problem}, in {piece}", of_document=problem.of_document)
                    said.told = True  # type: ignore[attr-defined]  # a mark for the pieces around
                    raise said from None
                raise
            except (TypeError, LookupError, ValueError, OverflowError, ArithmeticError) as error:
                said = ValueProblem(f"{error}, in {piece}", of_document=isinstance(error, LookupError))
                said.told = True  # type: ignore[attr-defined]  # likewise
                raise said from None

        return told

    def constant(self, node: ast.Constant, _depth: int) -> Run:
        value: Any = node.value
        if isinstance(value, float):
            value = Decimal(ast.get_source_segment(self.text, node) or repr(value)) if value != float("inf") else None
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > operators.MAX_BITS:
            value = None
        if not isinstance(value, str | int | Decimal | None) or (value is None and node.value is not None):
            message = f"Expressions have no such value (column {node.col_offset + 1})."
            raise Misconfigured(message)
        return lambda _state: value

    def name(self, node: ast.Name, _depth: int) -> Run:
        name = node.id
        if name.startswith("__"):
            message = f'There is no name "{name}".'
            raise Misconfigured(message)
        if name not in self.loops:
            self.names.add(name)

        def run(state: State) -> Any:
            try:
                return state.names[name]
            except KeyError:
                message = f'there is no "{name}"; fields are written field.{name}'
                raise ValueProblem(message, of_document=False) from None

        return self.told(node, run)

    def attribute(self, node: ast.Attribute, depth: int) -> Run:
        name = node.attr
        if name.startswith("_"):
            message = f'There is no "{name}": names that begin with _ are not for expressions.'
            raise Misconfigured(message)
        if is_field(node.value):
            self.reads.add(name)
        inner = self.build(node.value, depth)
        return self.told(node, lambda state: member(inner(state), name))

    def boolean(self, node: ast.BoolOp, depth: int) -> Run:
        parts = [self.build(value, depth) for value in node.values]
        stops_at = isinstance(node.op, ast.Or)

        def run(state: State) -> Any:
            value: Any = None
            for part in parts:
                value = part(state)
                if bool(value) is stops_at:
                    break
            return value

        return run

    def unary(self, node: ast.UnaryOp, depth: int) -> Run:
        inner = self.build(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda state: not inner(state)
        if isinstance(node.op, ast.USub):
            return self.told(node, lambda state: -operators.number(inner(state)))
        if isinstance(node.op, ast.UAdd):
            return self.told(node, lambda state: operators.number(inner(state)))
        message = f"Expressions have no ~ (column {node.col_offset + 1})."
        raise Misconfigured(message)

    def binary(self, node: ast.BinOp, depth: int) -> Run:
        operate = _BINARY.get(type(node.op))
        if operate is None:
            message = f"Expressions have + - * / // % and **, not this (column {node.col_offset + 1})."
            raise Misconfigured(message)
        left, right = self.build(node.left, depth), self.build(node.right, depth)
        return self.told(node, lambda state: operate(left(state), right(state)))

    def compare(self, node: ast.Compare, depth: int) -> Run:
        first = self.build(node.left, depth)
        rest = [
            (_COMPARE[type(op)], self.build(value, depth)) for op, value in zip(node.ops, node.comparators, strict=True)
        ]

        def run(state: State) -> bool:
            left = first(state)
            for holds, value in rest:
                right = value(state)
                if isinstance(right, list | tuple):
                    state.spend(len(right))
                if not holds(left, right):
                    return False
                left = right
            return True

        return self.told(node, run)

    def choice(self, node: ast.IfExp, depth: int) -> Run:
        test, yes, no = (self.build(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda state: yes(state) if test(state) else no(state)

    def listed(self, node: ast.List | ast.Tuple, depth: int) -> Run:
        items = [self.build(item, depth) for item in node.elts]
        return lambda state: [item(state) for item in items]

    def mapping(self, node: ast.Dict, depth: int) -> Run:
        if any(key is None for key in node.keys):
            message = f"Expressions have no stars (column {node.col_offset + 1})."
            raise Misconfigured(message)
        pairs = [
            (self.build(key, depth), self.build(value, depth))
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        ]
        return lambda state: {operators.text_of(key(state)): value(state) for key, value in pairs}

    def joined(self, node: ast.JoinedStr, depth: int) -> Run:
        parts = [self.build(value, depth) for value in node.values]
        return self.told(node, lambda state: operators.sized("".join(operators.text_of(part(state)) for part in parts)))

    def formatted(self, node: ast.FormattedValue, depth: int) -> Run:
        if node.format_spec is not None or node.conversion != -1:
            message = "Texts in expressions take {value} alone, without a format after it."
            raise Misconfigured(message)
        return self.build(node.value, depth)


_BUILD: dict[type[ast.expr], Callable[[Builder, Any, int], Run]] = {
    ast.Constant: Builder.constant,
    ast.Name: Builder.name,
    ast.Attribute: Builder.attribute,
    ast.Subscript: subscript,
    ast.BoolOp: Builder.boolean,
    ast.UnaryOp: Builder.unary,
    ast.BinOp: Builder.binary,
    ast.Compare: Builder.compare,
    ast.IfExp: Builder.choice,
    ast.List: Builder.listed,
    ast.Tuple: Builder.listed,
    ast.Dict: Builder.mapping,
    ast.JoinedStr: Builder.joined,
    ast.FormattedValue: Builder.formatted,
    ast.GeneratorExp: loop,
    ast.ListComp: loop,
    ast.Call: call,
}
