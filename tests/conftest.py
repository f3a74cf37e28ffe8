"""Fixtures that every test may use: one organization in scope, its people, the builders, and real databases."""

from __future__ import annotations

import sys

import pytest

from accounts import scope
from tests import builders

pytest_plugins = ["tests.house.no_skips", "tests.servers.postgres", "tests.servers.redis", "tests.flushing"]


@pytest.fixture
def organization(db):
    """An organization, in scope for the whole test."""
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        yield acme


@pytest.fixture(autouse=True)
def fresh_definitions():
    """Revisions never change and are parsed once a process; but a test's rollback gives their ids away again."""
    yield
    if cases := sys.modules.get("exports.cases"):
        cases.definition_of.cache_clear()
    if grouping := sys.modules.get("exports.grouping"):
        grouping.places_of.cache_clear()
