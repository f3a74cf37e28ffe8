"""Fixtures that every test may use: one organization in scope, its people, and the builders."""

from __future__ import annotations

import pytest

from accounts import scope
from tests import builders


@pytest.fixture
def organization(db):
    """An organization, in scope for the whole test."""
    acme = builders.organization("Acme")
    with scope.to(acme.pk):
        yield acme
