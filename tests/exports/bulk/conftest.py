"""A queue whose exports fail, until somebody mends its pipeline."""

from __future__ import annotations

import pytest

from pipelines import publishing
from tests import builders
from tests.exports.kinds import kinds as kinds  # a fixture


@pytest.fixture
def queue(organization, kinds):
    """A queue whose exports fail; `mend` lets them through."""
    draft = builders.pipeline({"name": "send", "kind": "act_and_send", "config": {"do": "reject"}})
    publishing.publish(draft, by=builders.owner())
    return builders.queue(pipeline=draft)
