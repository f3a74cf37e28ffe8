"""One settings file: every variable of the environment is read there and documented; nobody else reads any."""

from __future__ import annotations

import ast
import re

from tests.house import tree

PAGE = tree.Path("docs/operate/settings.md")
READERS = {"text", "flag", "number", "words", "database", "decimal", "path", "folders"}
MAY_READ = {
    "config/env.py": "the readers",
    "config/settings.py": "the settings",
    "exports/crashpoints.py": "a switch of the chaos run, off everywhere else",
    "config/wsgi.py": "names the settings module",
    "accounts/management/commands/create_organization.py": "a password comes in the variable that --password-env names",
    "pipelines/sandbox/process.py": "hands a child the few variables that its interpreter needs",
}


def variables() -> set[str]:
    """The names that config/settings.py and config/env.py hand to a reader."""
    found = set()
    for path in (tree.Path("config/settings.py"), tree.Path("config/env.py")):
        for node in ast.walk(tree.tree(path)):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.args[0].value
                if isinstance(name, str) and re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
                    found.add(name)
    return found


def documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", tree.read(PAGE), re.MULTILINE))


def test_every_variable_that_is_read_is_documented_and_no_other():
    assert variables() == documented()


def test_only_the_settings_read_the_environment():
    found = {}
    for path in tree.sources():
        lines = [
            node.lineno
            for node in ast.walk(tree.tree(path))
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}
        ]
        if lines and str(path) not in MAY_READ:
            found[str(path)] = lines

    assert found == {}
