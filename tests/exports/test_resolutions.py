"""What became of a failure: open until its document leaves failed_export, then resolved by where it went."""

from __future__ import annotations

import pytest

from exports import attempts, documents, loop
from exports.models import Attempt
from exports.states import Resolution, State, Status
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


def failed(do: str = "reject") -> Attempt:
    return loop.run_now(builders.attempt({"name": "a", "kind": "act", "config": {"do": do}}).pk)


def test_a_failure_is_open_until_somebody_acts():
    attempt = failed()

    assert (attempt.state, attempt.resolution, attempt.resolved_at) == (State.FAILED, "", None)


def test_one_that_is_sent_again_is_resolved_and_its_repeat_is_open_when_it_fails_too():
    first = failed()

    second = loop.run_now(attempts.requeue(first, by=builders.owner(), why="again").pk)

    first.refresh_from_db()
    assert (first.resolution, first.resolved_at is not None) == (Resolution.SENT_AGAIN, True)
    assert (second.state, second.resolution) == (State.FAILED, "")


@pytest.mark.parametrize(
    ("verb", "resolution"),
    [(documents.send_back, Resolution.SENT_BACK), (documents.delete, Resolution.PUT_ASIDE)],
)
def test_one_whose_document_goes_elsewhere_is_resolved_by_where_it_went(verb, resolution):
    attempt = failed()

    verb(attempt.document, by=builders.owner(), why="not ours")

    attempt.refresh_from_db()
    assert (attempt.state, attempt.resolution) == (State.FAILED, resolution)


def test_one_that_has_arrived_after_all_has_succeeded_and_is_no_failure():
    attempt = failed("unconfirmed")

    attempts.settle(attempt, by=builders.owner(), delivered=True, reference="INV-1", why="seen there")

    attempt.refresh_from_db()
    assert (attempt.state, attempt.document.status) == (State.SUCCEEDED, Status.EXPORTED)
    assert not Attempt.objects.filter(state=State.FAILED, resolution="").exists()


def test_an_end_that_is_no_failure_has_no_resolution():
    attempt = failed("finish")

    assert (attempt.state, attempt.resolution) == (State.SUCCEEDED, "")
