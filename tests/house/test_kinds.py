"""Every stage kind has its four places: a module with the five names, a line in the registry, a test, a docs page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pipelines import stages
from pipelines.contract import StageConfig
from tests.house import tree

NAMES = ("SENDS", "Config", "reads", "writes", "run")
LANGUAGES = ("expressions", "json-templating")
"""Pages beside the kinds': what several of them understand."""


@pytest.fixture(params=stages.KINDS)
def kind(request) -> str:
    return request.param


def page(kind: str) -> str:
    return tree.read(tree.Path(f"docs/stages/{kind}.md"))


def options(schema: Mapping[str, Any]) -> dict[str, set[str]]:
    """By option name, the dotted places where a config's JSON Schema has it (list items count as their list)."""
    found: dict[str, set[str]] = {}

    def visit(node: Mapping[str, Any], place: str, seen: tuple[str, ...]) -> None:
        reference = node.get("$ref", "")
        if reference:
            if reference in seen:
                return
            visit(schema["$defs"][reference.rpartition("/")[2]], place, (*seen, reference))
        for name, child in node.get("properties", {}).items():
            inner = f"{place}.{name}" if place else name
            found.setdefault(name, set()).add(inner)
            visit(child, inner, seen)
        for child in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
            visit(child, place, seen)
        for key in ("items", "additionalProperties"):
            if isinstance(node.get(key), Mapping):
                visit(node[key], place, seen)

    visit(schema, "", ())
    return found


def rows(markdown: str) -> Iterator[str]:
    """The first cells of table rows, where they are in backticks: option names as the page gives them."""
    for line in markdown.splitlines():
        if found := re.match(r"^\|\s*`([^`|]+)`\s*\|", line):
            yield found[1].replace("[]", "").strip()


def test_the_module_has_the_five_names(kind):
    module = stages.get(kind)

    assert [name for name in NAMES if not hasattr(module, name)] == []
    assert isinstance(module.SENDS, bool)
    assert issubclass(module.Config, StageConfig)
    assert list(inspect.signature(module.run).parameters) == ["config", "inbox", "tools"]
    assert list(inspect.signature(module.reads).parameters) == ["config"]
    assert list(inspect.signature(module.writes).parameters) == ["config"]


def test_there_is_a_test(kind):
    tests = [path for path in tree.files() if re.fullmatch(rf"tests/pipelines/(.*/)?test_{kind}(_\w+)?\.py", str(path))]

    assert tests != []


def test_there_is_a_page_that_the_index_links(kind):
    assert page(kind).startswith("# ")
    assert f"stages/{kind}.md" in tree.read(tree.Path("docs/README.md"))


def test_the_pages_tables_are_the_configs_schema(kind):
    known = options(stages.get(kind).Config.model_json_schema())
    places = set().union(*known.values())

    named = list(rows(page(kind)))
    by_name = {name.rpartition(".")[2] for name in named}
    unknown = [name for name in named if not any(place == name or place.endswith(f".{name}") for place in places)]

    assert sorted(set(known) - by_name) == [], "options that the page does not name"
    assert unknown == [], "rows that the config does not know"


def test_the_registry_has_a_line_for_every_module():
    modules = {
        path.stem
        for path in tree.files()
        if path.parent == tree.Path("pipelines/stages") and re.search(r"^SENDS\b", tree.read(path), re.MULTILINE)
    }

    assert modules == set(stages.KINDS)
