"""Ignoring a failure, saying that it was delivered elsewhere, giving it to somebody."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts.policy import Principal
from audit.models import Event
from exports import attempts, loop, remedies
from exports.models import Attempt
from exports.states import State, Status
from pipelines.refusals import Refused
from tests import builders
from tests.exports.kinds import kinds  # noqa: F401  # a fixture

pytestmark = pytest.mark.usefixtures("organization", "kinds")


@pytest.fixture
def failure(organization) -> Attempt:
    return loop.run_now(builders.attempt({"name": "a", "kind": "act", "config": {"do": "reject"}}).pk)


def test_an_ignored_failure_is_open_no_more_and_can_be_taken_up_again(failure):
    remedies.ignore(failure, by=builders.owner(), why="a test invoice")
    remedies.ignore(failure, by=builders.owner(), why="twice is once")
    failure.refresh_from_db()
    ignored = (failure.state, failure.resolution, failure.document.status)
    remedies.heed(failure, by=builders.owner())

    failure.refresh_from_db()
    assert ignored == (State.FAILED, "ignored", Status.FAILED_EXPORT)
    assert (failure.resolution, failure.resolved_at) == ("", None)
    assert list(
        Event.objects.filter(subject=f"attempt:{failure.pk}", verb__in=["attempt.ignore", "attempt.heed"])
        .order_by("id").values_list("verb", "why")
    ) == [("attempt.ignore", "a test invoice"), ("attempt.heed", "")]  # fmt: skip


def test_an_ignored_failure_that_is_sent_again_is_resolved_as_sent_again(failure):
    remedies.ignore(failure, by=builders.owner(), why="later")

    attempts.requeue(failure, by=builders.owner(), why="now")

    failure.refresh_from_db()
    assert failure.resolution == "sent_again"


def test_what_was_delivered_elsewhere_is_exported_with_its_reference(failure):
    remedies.delivered_elsewhere(failure, by=builders.owner(), reference=" 4711 ", why="typed in by hand")

    failure.refresh_from_db()
    assert (failure.state, failure.resolution, failure.reference) == (State.FAILED, "delivered", "4711")
    assert failure.document.status == Status.EXPORTED
    event = Event.objects.get(verb="attempt.deliver_elsewhere")
    assert (event.why, event.detail) == ("typed in by hand", {"reference": "4711"})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda it, by: remedies.ignore(it, by=by, why=" "), "Say why it is ignored"),
        (lambda it, by: remedies.delivered_elsewhere(it, by=by, reference=" ", why="x"), "Give the other side's"),
        (lambda it, by: remedies.delivered_elsewhere(it, by=by, reference="1", why=""), "Say how it was delivered"),
        (lambda it, by: remedies.delivered_elsewhere(it, by=by, reference="1" * 201, why="x"), "longer than 200"),
    ],
)
def test_what_lacks_something_is_refused_and_changes_nothing(failure, call, said):
    with pytest.raises(Refused, match=said):
        call(failure, builders.owner())

    failure.refresh_from_db()
    assert (failure.resolution, failure.document.status) == ("", Status.FAILED_EXPORT)


def test_what_is_no_open_failure_is_refused(failure):
    again = attempts.requeue(failure, by=builders.owner(), why="again")

    with pytest.raises(Refused, match="this attempt was sent again"):
        remedies.ignore(failure, by=builders.owner(), why="x")
    with pytest.raises(Refused, match="this attempt is queued"):
        remedies.delivered_elsewhere(again, by=builders.owner(), reference="1", why="x")


def test_an_unknown_outcome_is_settled_and_not_called_delivered_elsewhere(organization):
    unknown = loop.run_now(builders.attempt({"name": "a", "kind": "act_and_send", "config": {"do": "unconfirmed"}}).pk)

    with pytest.raises(Refused, match="settle it, once you have looked"):
        remedies.delivered_elsewhere(unknown, by=builders.owner(), reference="1", why="x")

    unknown.refresh_from_db()
    assert (unknown.resolution, unknown.document.status) == ("", Status.FAILED_EXPORT)


def test_a_viewer_may_none_of_it(failure):
    viewer = Principal("user:vera", failure.organization_id, frozenset({"exports.view_attempt"}))

    for call in (
        lambda: remedies.ignore(failure, by=viewer, why="x"),
        lambda: remedies.heed(failure, by=viewer),
        lambda: remedies.delivered_elsewhere(failure, by=viewer, reference="1", why="x"),
        lambda: remedies.assign(failure.document, to=None, by=viewer),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_a_document_is_given_to_a_member_and_taken_back(failure):
    anna = builders.user("anna", organization=failure.organization)

    remedies.assign(failure.document, to=anna, by=builders.owner())
    remedies.assign(failure.document, to=anna, by=builders.owner())
    failure.document.refresh_from_db()
    given = failure.document.assignee
    remedies.assign(failure.document, to=None, by=builders.owner())

    failure.document.refresh_from_db()
    assert (given, failure.document.assignee) == (anna, None)
    assert [event.detail for event in Event.objects.filter(verb="document.assign").order_by("id")] == [
        {"to": "anna"}, {"to": None},
    ]  # fmt: skip


def test_a_stranger_is_given_nothing(failure):
    stranger = builders.user("stan", organization=builders.organization("Other"))

    with pytest.raises(Refused, match="stan is not a member"):
        remedies.assign(failure.document, to=stranger, by=builders.owner())
