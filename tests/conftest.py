"""Fixtures that every test may use: one organization in scope, its people, the builders, and real databases."""

from __future__ import annotations

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
