"""Every kind of source has its four places: a module with the names, a line in the registry, a test, a docs page."""

from __future__ import annotations

import inspect
import re

import pytest

from exports import sources
from exports.sources.contract import Outcome, SourceConfig
from pipelines import sourcing
from tests.house import tree
from tests.house.test_kinds import options, rows

NAMES = ("POLLS", "RATE", "REPORTS", "Config", "check", "poll", "fetch", "report")
PARAMETERS = {
    "check": ["config", "pull"], "poll": ["pull"], "fetch": ["pull", "claim"], "report": ["pull", "claims"],
}  # fmt: skip
HOLDS_A_SECRET = re.compile(r"password|token|secret|key", re.IGNORECASE)


@pytest.fixture(params=sourcing.KINDS)
def kind(request) -> str:
    return request.param


def page(kind: str) -> str:
    return tree.read(tree.Path(f"docs/sources/{kind}.md"))


def test_the_module_has_the_names(kind):
    module = sources.get(kind)

    assert [name for name in NAMES if not hasattr(module, name)] == []
    assert issubclass(module.Config, SourceConfig)
    assert {*module.REPORTS} <= {*Outcome}
    assert {name: list(inspect.signature(getattr(module, name)).parameters) for name in PARAMETERS} == PARAMETERS


def test_its_config_is_closed_and_names_secrets_only(kind):
    config = sources.get(kind).Config

    assert config.model_config["extra"] == "forbid"
    assert config.model_config["frozen"]
    told = config.model_json_schema()["properties"]
    holding = [name for name in told if HOLDS_A_SECRET.search(name)]
    assert [name for name in holding if "secret" not in told[name].get("description", "")] == []


def test_there_is_a_test(kind):
    tests = [path for path in tree.files() if re.fullmatch(rf"tests/exports/sources/test_{kind}(_\w+)?\.py", str(path))]

    assert tests != []


def test_there_is_a_page_that_both_indexes_link(kind):
    assert page(kind).startswith("# ")
    assert f"sources/{kind}.md" in tree.read(tree.Path("docs/README.md"))
    assert f"({kind}.md)" in tree.read(tree.Path("docs/sources/README.md"))


def test_the_pages_tables_are_the_configs_schema(kind):
    known = options(sources.get(kind).Config.model_json_schema())
    places = set().union(*known.values())

    named = list(rows(page(kind).partition("## Options")[2].partition("\n## ")[0]))
    by_name = {name.rpartition(".")[2] for name in named}
    unknown = [name for name in named if not any(place == name or place.endswith(f".{name}") for place in places)]

    assert sorted(set(known) - by_name) == [], "options that the page does not name"
    assert unknown == [], "rows that the config does not know"


def test_the_registry_has_a_line_for_every_module():
    room = tree.Path("exports/sources")
    modules = {
        path.parent.name if path.name == "__init__.py" else path.stem
        for path in tree.files()
        if path.parent == room or (path.parent.parent == room and path.name == "__init__.py")
        if re.search(r"^(POLLS\b|from .* import .*\bPOLLS\b)", tree.read(path), re.MULTILINE)
    }

    assert modules == set(sourcing.KINDS)
