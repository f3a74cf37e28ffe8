"""Changing annotations by the protocol: the table of moves, each by its verb, and messages, metadata and fields."""

from __future__ import annotations

import pytest

from accounts.policy import Principal
from audit.models import Event
from exports import attempts, documents
from exports.models import Attempt, Document
from exports.protocols.rossum import moves
from exports.states import State, Status
from tests import builders, desk
from tests.exports.protocols.rossum.conftest import API, caller

STANDING = [status for status in Status if status not in {Status.REVIEWING, Status.PURGED, Status.EXPORTING}]


@pytest.fixture
def queue(organization):
    return builders.queue("Invoices", schema=builders.schema("number"), pipeline=desk.pipeline())


@pytest.fixture
def owner(organization):
    return caller(organization, "owner", name="erp-robot")


def patch(robot, document, body):
    return robot.patch(f"{API}/annotations/{document.pk}", body, content_type="application/json")


def standing(document):
    return Document.objects.get(pk=document.pk).status


def at(queue, status):
    """A document as it stands in this status, with the attempt that brought it there."""
    document = builders.document(queue, status=status)
    if status in {Status.EXPORTED, Status.FAILED_EXPORT}:
        desk.attempt(
            document,
            "succeeded" if status == Status.EXPORTED else "failed",
            "" if status == Status.EXPORTED else "rejected",
        )
    return document


@pytest.mark.parametrize("source", STANDING)
def test_every_pair_of_statuses_is_a_move_or_a_refusal(owner, queue, source):
    for target in Status:
        document = at(queue, source)

        reply = patch(owner, document, {"status": target})

        if target == source:
            assert (reply.status_code, reply.json()["status"], standing(document)) == (200, source, source)
        elif target in moves.ALLOWED.get(source, ()):
            assert (reply.status_code, reply.json()["status"], standing(document)) == (200, target, target), (
                reply.json()
            )
        else:
            assert reply.status_code == 400
            assert reply.json() == {"status": [f"Transition from {source} to {target} is not allowed."]}
            assert standing(document) == source


def test_a_failed_export_shows_the_robots_message_and_goes_back_to_review(owner, queue):
    document = builders.document(queue)
    told = [{"type": "error", "content": "Supplier is blocked in ERP", "id": "all"}]

    reply = patch(owner, document, {"status": "failed_export", "messages": told})

    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.reason, attempt.message) == (State.FAILED, "rejected", "Supplier is blocked in ERP")
    assert attempt.requested_by == "key:erp-robot"
    assert reply.json()["messages"] == told
    assert reply.json()["export_failed_at"] is not None
    assert patch(owner, document, {"status": "to_review"}).json()["status"] == "to_review"


def test_every_message_of_a_failure_is_kept_with_its_field(owner, queue):
    document = builders.document(queue)
    told = [
        {"type": "error", "content": "No such supplier", "id": 2},
        {"type": "warning", "content": "Late", "id": "all"},
    ]

    patch(owner, document, {"status": "failed_export", "messages": told})

    assert Document.objects.get().messages == told
    assert Attempt.objects.get().message == "No such supplier"


def test_the_robots_request_is_kept_without_its_key(owner, queue):
    document = builders.document(queue)

    patch(owner, document, {"status": "failed_export", "messages": [{"error": "No"}]})

    (exchange,) = Attempt.objects.get().exchanges.all()
    assert exchange.url == f"http://testserver{API}/annotations/{document.pk}"
    assert exchange.method == "PATCH"
    assert not any("wb_" in value for _, value in exchange.request_headers)


def test_sending_the_same_again_changes_nothing(owner, queue):
    document = builders.document(queue)
    body = {"status": "failed_export", "messages": [{"error": "No"}]}

    first, second = patch(owner, document, body), patch(owner, document, body)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert Attempt.objects.count() == 1
    assert Event.objects.filter(verb="document.fail_export").count() == 1


def test_exporting_starts_the_queues_pipeline_once(owner, queue):
    document = builders.document(queue)

    for _ in range(3):
        assert patch(owner, document, {"status": "exporting"}).json()["status"] == "exporting"

    assert [(a.state, a.trigger, a.requested_by) for a in Attempt.objects.all()] == [
        ("queued", "robot", "key:erp-robot")
    ]


def test_a_replay_after_a_quick_end_exports_nothing_twice(owner, queue):
    document = builders.document(queue)
    patch(owner, document, {"status": "exporting"})
    Attempt.objects.update(state=State.SUCCEEDED)
    Document.objects.update(status=Status.EXPORTED)

    reply = patch(owner, document, {"status": "exporting"})

    assert (reply.status_code, reply.json()["status"]) == (200, "exported")
    assert Attempt.objects.count() == 1


def test_what_nobody_knows_the_end_of_is_not_sent_again(owner, queue):
    document = at(queue, Status.CONFIRMED)
    desk.attempt(document, "failed", "unconfirmed")

    reply = patch(owner, document, {"status": "exporting"})

    assert reply.status_code == 409
    assert "Look at the other side first" in reply.json()["detail"]
    assert standing(document) == Status.FAILED_EXPORT


def test_without_a_published_pipeline_exporting_says_so(owner, organization):
    document = builders.document(builders.queue("Bare"))

    reply = patch(owner, document, {"status": "exporting"})

    assert reply.status_code == 409
    assert 'The queue "Bare" has no pipeline' in reply.json()["detail"]
    assert standing(document) == Status.CONFIRMED


def test_what_is_exporting_belongs_to_its_attempt(owner, queue):
    document = builders.document(queue)
    attempts.start(document, by=builders.owner())

    for target in ("exported", "failed_export", "to_review", "deleted"):
        assert patch(owner, document, {"status": target}).status_code == 400
    assert standing(document) == Status.EXPORTING


def test_what_somebody_reviews_is_theirs(owner, queue, organization):
    anna = Principal.of_user(builders.user("anna", organization=organization), organization.pk)
    document = builders.document(queue, status="to_review")
    documents.start_review(document, by=anna)

    reply = patch(owner, document, {"status": "postponed"})

    assert reply.status_code == 409
    assert "anna has been reviewing it" in reply.json()["detail"]
    assert standing(document) == Status.REVIEWING


def test_metadata_and_messages_change_without_a_move_and_leave_one_event(owner, queue):
    document = builders.document(queue, metadata={"a": 1})
    body = {"metadata": {"batch": "B7"}, "messages": [{"type": "info", "content": "Seen"}]}

    reply = patch(owner, document, body)
    patch(owner, document, body)

    assert (reply.json()["metadata"], reply.json()["status"]) == ({"batch": "B7"}, "confirmed")
    assert reply.json()["messages"] == [{"type": "info", "content": "Seen", "id": "all"}]
    (event,) = Event.objects.filter(verb="document.annotate")
    assert (event.actor, event.detail) == ("key:erp-robot", {"changed": ["messages", "metadata"]})


def test_put_with_the_whole_annotation_changes_what_differs(owner, queue):
    document = builders.document(queue)
    whole = owner.get(f"{API}/annotations/{document.pk}").json()

    same = owner.put(f"{API}/annotations/{document.pk}", whole, content_type="application/json")
    moved = owner.put(
        f"{API}/annotations/{document.pk}", {**whole, "status": "postponed"}, content_type="application/json"
    )

    assert (same.status_code, same.json()) == (200, whole)
    assert moved.json()["status"] == "postponed"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"status": "done"}, "status"), ({"status": 7}, "status"), ({"metadata": "x"}, "metadata"),
        ({"metadata": {"a": "x" * 5000}}, "metadata"), ({"messages": "No"}, "messages"), ({"queue": 999999}, "queue"),
        ({"schema": "https://x/v1/schemas/999999"}, "schema"), ({"document": {}}, "document"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name_and_nothing_is_done(owner, queue, body, name):
    document = builders.document(queue)

    reply = patch(owner, document, {"status": "postponed", **body})

    assert (reply.status_code, list(reply.json())) == (400, [name])
    assert standing(document) == Status.CONFIRMED
    assert not Event.objects.filter(subject=f"document:{document.pk}").exists()


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_only_look_changes_nothing(organization, queue, role):
    document = builders.document(queue)

    reply = patch(caller(organization, role), document, {"status": "to_review"})

    assert reply.status_code == 403
    assert standing(document) == Status.CONFIRMED


def test_deleting_asks_for_its_own_permission(organization, queue):
    document = builders.document(queue)

    assert patch(caller(organization, "operator"), document, {"status": "deleted"}).status_code == 403
    assert standing(document) == Status.CONFIRMED


def test_another_organizations_annotation_is_not_there(queue, other):
    document = builders.document(queue)
    stranger = caller(other, "owner")

    assert patch(stranger, document, {"status": "to_review"}).status_code == 404
    for path in ("start", "confirm", "cancel", "postpone", "delete", "reject", "approve", "content/operations"):
        assert (
            stranger.post(f"{API}/annotations/{document.pk}/{path}", {}, content_type="application/json").status_code
            == 404
        )
    assert (
        stranger.patch(
            f"{API}/annotations/{document.pk}/content", {"content": []}, content_type="application/json"
        ).status_code
        == 404
    )
    assert standing(document) == Status.CONFIRMED
