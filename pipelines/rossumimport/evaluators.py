"""Translates the code of function hooks where it has the published shape of an export evaluator. Pure; code is parsed
and compared with what is known, and never run.

Known are: `eval` of the condition in the settings, and straight code that reads fields, compares them, and calls
`show_error`, `show_warning` or `show_info`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines import expressions
from pipelines.errors import StageError

SAYS = {"show_error": "error", "show_warning": "warning", "show_info": "info"}
HANDLER = "rossum_hook_request_handler"
MAX_CODE = 200_000
JUDGES = frozenset({"eval", "from_payload", "hook_response", "get", "print", "str", "dict", *SAYS})
"""What code calls that does nothing but judge by the condition in its settings."""
MODULES = frozenset({"rossum_python", "txscript", "typing", "__future__", "datetime"})


class Untranslatable(Exception):
    """The code has another shape. The message says where it leaves the known one."""


@dataclass
class _Walk:
    """What the code has said so far: names that stand for expressions, the checks, in order."""

    names: dict[str, str] = field(default_factory=dict)
    fields: set[str] = field(default_factory=lambda: {"r", "t"})
    """Names of what `from_payload` gave."""
    checks: list[dict[str, Any]] = field(default_factory=list)


def config_of(settings: Mapping[str, Any], code: str) -> dict[str, Any]:
    """The config of an evaluate stage that says the same. Raises Untranslatable."""
    condition = settings.get("condition")
    tree = _parsed(code)
    evals = any(isinstance(one, ast.Call) and _name(one.func) == "eval" for one in ast.walk(tree))
    if isinstance(condition, str) and condition.strip() and (evals or not code.strip()):
        _only_judges(tree)
        _check(condition)
        message = _message_of(settings, tree)
        return {"condition": condition, **({"message": message} if message else {})}
    if not code.strip():
        raise Untranslatable("It has no code and no condition.")
    if evals:
        raise Untranslatable('It runs eval, and its settings have no "condition" to take over.')
    walk = _Walk()
    _block(_handler(tree).body, "", walk)
    if not walk.checks:
        raise Untranslatable("It shows no error, warning or info.")
    return {"checks": walk.checks}


def _parsed(code: str) -> ast.Module:
    if len(code) > MAX_CODE:
        raise Untranslatable(f"Its code has more than {MAX_CODE:,} characters.")
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Untranslatable("Its code is not Python that can be read.") from None


def _only_judges(tree: ast.Module) -> None:
    """Raises Untranslatable where code that evals a condition does something beside that."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _name(node.func)) not in JUDGES:
            raise _elsewhere(node, f'calls "{name[:60]}", which is more than judging by a condition')
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if (module or "").partition(".")[0] not in MODULES:
                raise _elsewhere(node, f"imports {module}, which is more than judging by a condition needs")


def _handler(tree: ast.Module) -> ast.FunctionDef:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == HANDLER:
            return node
    raise Untranslatable(f"It has no function {HANDLER}.")


def _block(body: Sequence[ast.stmt], guard: str, walk: _Walk) -> None:
    """The statements of a block that runs where `guard` holds; always, where it is empty."""
    for node in body:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Import() | ast.ImportFrom():
                continue
            case ast.Return():
                if guard:
                    raise _elsewhere(node, "returns early")
                return
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                _assign(name, value, guard, walk)
            case ast.If():
                _if(node, guard, walk)
            case ast.Expr(value=ast.Call() as call) if _name(call.func) in SAYS:
                walk.checks.append(_said(call, guard, walk))
            case _:
                raise _elsewhere(node, "does more than compare fields and show messages")


def _assign(name: str, value: ast.expr, guard: str, walk: _Walk) -> None:
    if isinstance(value, ast.Call) and _name(value.func) == "from_payload":
        walk.fields.add(name)
        return
    if guard:
        raise _elsewhere(value, f'sets "{name}" under a condition')
    walk.names[name] = f"({_expression(value, walk)})"


def _if(node: ast.If, guard: str, walk: _Walk) -> None:
    condition = _expression(node.test, walk)
    _block(node.body, _both(guard, condition), walk)
    if node.orelse:
        _block(node.orelse, _both(guard, f"not ({condition})"), walk)


def _both(guard: str, condition: str) -> str:
    return f"({guard}) and ({condition})" if guard else condition


def _said(call: ast.Call, guard: str, walk: _Walk) -> dict[str, Any]:
    if not call.args:
        raise _elsewhere(call, "shows a message without a text")
    check = {
        "condition": guard or "True",
        "type": SAYS[str(_name(call.func))],
        "message": _message(call.args[0], walk),
    }
    about = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords if k.arg == "field"), None)
    if about is not None and not (isinstance(about, ast.Constant) and about.value is None):
        check["field"] = _field_of(about, walk)
    _check(check["condition"])
    return check


def _message(node: ast.expr, walk: _Walk) -> str:
    """A text, or a text with fields in it; of a field that is shown the placeholder."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"@{{{_field_of(_inside(part), walk)}}}"
            for part in node.values
        )
    raise _elsewhere(node, "makes its message in a way that is not known here")


def _inside(part: ast.expr) -> ast.expr:
    return part.value if isinstance(part, ast.FormattedValue) else part


def _field_of(node: ast.expr, walk: _Walk) -> str:
    text = _expression(node, walk).strip("()")
    found = re.fullmatch(r"field\.([A-Za-z_]\w*)", text)
    if found is None:
        raise _elsewhere(node, "names a field in a way that is not known here")
    return found[1]


def _expression(node: ast.expr, walk: _Walk) -> str:
    """In our language: `r.field.x` is `field.x`, names stand for what they were set to. Raises Untranslatable."""

    class Names(ast.NodeTransformer):
        def visit_Attribute(self, one: ast.Attribute) -> ast.AST:
            if one.attr == "field" and isinstance(one.value, ast.Name) and one.value.id in walk.fields:
                return ast.copy_location(ast.Name("field", ast.Load()), one)
            return self.generic_visit(one)

        def visit_Name(self, one: ast.Name) -> ast.AST:
            if one.id in walk.names:
                return ast.parse(walk.names[one.id], mode="eval").body
            return one

    text = ast.unparse(Names().visit(ast.parse(ast.unparse(node), mode="eval").body))
    _check(text)
    return text


def _check(text: str) -> None:
    try:
        expressions.parse(text)
    except StageError as error:
        raise Untranslatable(f"Its condition {text[:120]} is not of our language: {error.message}") from error


def _message_of(settings: Mapping[str, Any], tree: ast.Module) -> str:
    """The one text that the code shows when the condition holds, where there is just one."""
    if isinstance(given := settings.get("message"), str):
        return given
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and _name(one.func) == "show_error"]
    shown = [one.args[0] for one in calls if one.args]
    first = shown[0] if len(shown) == 1 else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _elsewhere(node: ast.AST, what: str) -> Untranslatable:
    return Untranslatable(f"Line {getattr(node, 'lineno', 0)} of its code {what}.")
