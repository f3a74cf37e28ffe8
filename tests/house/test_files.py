"""A file is one sitting, opens with what lives in it, and is named for it; nothing of one machine stands in any."""

from __future__ import annotations

import ast
import re

import pytest

from config.version import VERSION
from tests.house import tree

MOST_LINES = 300
GENERATED = re.compile(r"migrations/|\.lock$|\.json$|^LICENSE$|LICENSES\.txt$|\.min\.|^static/editor/editor\.")
THEIRS = ("templates/unfold/",)
"""Named by the package whose templates they replace."""
NAMELESS = {
    "util", "utils", "helper", "helpers", "service", "services", "manager", "managers", "common", "misc", "data", "info",
}  # fmt: skip
OF_ONE_MACHINE = {
    "a folder of one machine": r"(?<![\w.])/(?:work|root|Users)/\w",
    "a package registry's address": r"(?:pypi\.org|pythonhosted|registry\.(?:npmjs|yarnpkg)|npmmirror|/opt/pypi|crates\.io)",
    "a private key": r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE" + r" KEY-----\n[A-Za-z0-9+/=]{40}",
}
RULES_THEMSELVES = {"tests/house/test_files.py", ".gitignore"}


def test_no_file_is_longer_than_one_sitting():
    lengths = {str(path): tree.read(path).count("\n") for path in tree.texts() if not GENERATED.search(str(path))}

    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_no_file_is_nameless():
    ours = [path for path in tree.files() if not str(path).startswith(THEIRS)]

    named = [str(path) for path in ours if NAMELESS & {part.removesuffix(path.suffix) for part in path.parts}]

    assert named == []


def test_every_source_file_says_what_lives_in_it():
    silent = []
    for path in tree.sources(*tree.ROOMS, "demo", "benchmarks", "tests"):
        module = tree.tree(path)
        if module.body and not ast.get_docstring(module):
            silent.append(str(path))

    assert silent == []


@pytest.mark.parametrize("what", OF_ONE_MACHINE)
def test_no_file_names(what):
    pattern = re.compile(OF_ONE_MACHINE[what])
    found = [
        f"{path}:{number}"
        for path in tree.texts()
        if str(path) not in RULES_THEMSELVES
        for number, line in enumerate(tree.read(path).splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_the_version_is_the_changelogs_newest():
    headings = re.findall(r"^## (.*)$", tree.read(tree.Path("CHANGELOG.md")), re.MULTILINE)

    assert all(re.fullmatch(r"\d+\.\d+\.\d+ – \d{4}-\d\d-\d\d", heading) for heading in headings), headings
    assert headings[0].split()[0] == VERSION
    assert headings == sorted(
        headings, key=lambda heading: [int(n) for n in heading.split()[0].split(".")], reverse=True
    )
