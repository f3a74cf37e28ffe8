"""A state changes in one module: nowhere else is `state` or `status` of a row assigned or updated."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.house import tree

WORDS = {"state", "status"}
MOVERS = {"exports/transitions.py", "exports/clientmoves.py", "exports/bulk/moves.py", "exports/sources/steps.py"}
"""Attempts and documents; the tasks of outside clients; bulk jobs; claims of sources."""
NOT_A_ROW_THAT_MOVES = {
    "exports/ledger.py": "stage runs, which the attempt's lease guards",
    "exports/tools.py": "an exchange's HTTP status",
    "exports/api/idempotency.py": "the HTTP status of a kept answer",
    "exports/runner.py": "stage runs, which the attempt's lease guards",
}


def changes_of_state(module: ast.AST) -> list[int]:
    """Lines that assign `x.state`, call `.update(state=…)` or name the column for bulk_update."""
    lines = []
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            lines += [target.lineno for target in targets if isinstance(target, ast.Attribute) and target.attr in WORDS]
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = {part.value for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.Constant)}
        keywords = {keyword.arg for keyword in node.keywords}
        unpacked = {
            key.value
            for keyword in node.keywords
            if keyword.arg is None
            for part in ast.walk(keyword.value)
            if isinstance(part, ast.Dict)
            for key in part.keys
            if isinstance(key, ast.Constant)
        }
        if (called == "update" and WORDS & (keywords | unpacked)) or (
            called in {"bulk_update", "setattr"} and WORDS & texts
        ):
            lines.append(node.lineno)
    return lines


def test_no_state_changes_outside_transitions():
    found = {
        str(path): lines
        for path in tree.sources()
        if str(path) not in MOVERS | set(NOT_A_ROW_THAT_MOVES) and (lines := changes_of_state(tree.tree(path)))
    }

    assert found == {}


def test_the_rule_sees_every_way_to_change_a_state():
    ways = (
        "row.state = 'failed'\n"
        "row.status: str = 'x'\n"
        "rows.update(state='failed')\n"
        "rows.update(**{'status': 'exported', **more})\n"
        "rows.bulk_update(some, ['state'])\n"
        "setattr(row, 'state', 'failed')\n"
    )

    assert changes_of_state(ast.parse(ways)) == [1, 2, 3, 4, 5, 6]
    assert changes_of_state(ast.parse("state = 1\nrows.filter(state='failed')\nRow(state='x')")) == []


def test_the_modules_that_the_rule_names_are_there():
    assert [name for name in MOVERS | set(NOT_A_ROW_THAT_MOVES) if not (tree.ROOT / Path(name)).exists()] == []
