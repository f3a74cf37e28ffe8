"""One organization with one row of every kind, and its owner's robot."""

from __future__ import annotations

import pytest

from tests.exports.api import world as worlds


@pytest.fixture
def world(organization):
    return worlds.make()


@pytest.fixture
def api(organization):
    return worlds.caller("owner")
