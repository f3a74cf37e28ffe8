"""A task or schedule is named by its path in a text; every such path leads to a function. One module rings the bell."""

from __future__ import annotations

import ast
import re
from pydoc import locate

from tests.house import tree

TASK = re.compile(r"(?:exports|pipelines|accounts|audit)\.tasks\.\w+")


def test_every_task_path_resolves():
    named = {
        node.value
        for path in tree.sources()
        for node in ast.walk(tree.tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and TASK.fullmatch(node.value)
    }

    assert named, "nobody names a task: the doorbell is silent"
    assert [name for name in named if not callable(locate(name))] == []


def test_tasks_take_ids_and_hold_no_rules():
    functions = [
        node
        for node in tree.tree(tree.Path("exports/tasks.py")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    long = [function.name for function in functions if (function.end_lineno or 0) - function.lineno > 25]

    assert functions
    assert long == []
