"""Subscriptions: what happens to a document is pushed through a pipeline, in order, by its event."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from accounts import scope
from audit.models import Event
from exports import contents, documents, doorbell, loop, pushes, transitions
from exports.loop import Drain
from exports.models import Artifact, Attempt, Document, Push
from exports.states import State, Status
from pipelines import configuration, publishing
from pipelines.models import Subscription
from tests import builders
from tests.exports.api import world as worlds

RENDERED = {
    "export_configs": [
        {"export_reference_key": "payload", "json_template": {"number": "@{number}"}, "file_name": "a.json"}
    ]
}


def through(*stages, name="Warehouse"):
    draft = builders.pipeline(*stages)
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    return builders.queue(name, pipeline=draft, use_confirmed_state=False)


def subscription(*events, into=None, **values):
    row = Subscription.own(
        name="Master data",
        events=list(events),
        into=into or through({"name": "Render", "kind": "template", "config": RENDERED}),
        **values,
    )
    return configuration.save(row, by=builders.owner())


def correct(document, number):
    return documents.correct(document, by=builders.owner(), fields={"number": number})


pytestmark = pytest.mark.usefixtures("organization")


def test_an_event_notes_its_push_in_its_own_transaction(organization, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring", lambda: rung.append(connection.in_atomic_block))
    row = subscription("document.corrected")
    document = builders.document(builders.queue("Invoices"))

    version = correct(document, "2")

    push = Push.objects.get()
    assert (push.subscription, push.document, push.fields, push.type) == (row, document, version, "document.corrected")
    assert (push.made, push.begun_at) == (None, None)
    assert push.happened_at == Event.objects.get(verb="document.correct").at
    assert rung == [True]


def test_what_is_rolled_back_pushes_nothing(organization):
    subscription("document.corrected")
    document = builders.document(builders.queue("Invoices"))

    with transaction.atomic():
        correct(document, "2")
        transaction.set_rollback(True)

    assert not Push.objects.exists()


def test_a_push_is_a_document_of_its_own_with_an_attempt_like_any_other(organization):
    row = subscription("document.corrected", with_original=True)
    document = worlds.document_of(
        builders.queue("Invoices"), status=Status.TO_REVIEW, file_name="a.pdf", media_type="application/pdf",
        original=worlds.kept(b"%PDF-1.7"),
    )  # fmt: skip
    correct(document, "7")

    assert pushes.begin() == 1

    push = Push.objects.get()
    made = push.made
    assert (made.queue, made.external_id, made.status) == (row.into, f"push-{push.pk}", Status.EXPORTING)
    assert made.fields.content == document.versions.first().content
    assert made.original.sha256 == document.original.sha256
    assert made.metadata["pushed"] == {
        "event": "document.corrected", "happened_at": push.happened_at.isoformat(), "document": document.pk,
        "external_id": document.external_id, "queue": "Invoices", "version": 2,
    }  # fmt: skip
    attempt = made.attempts.get()
    assert (attempt.state, attempt.requested_by) == (State.QUEUED, "waybill:subscription Master data")
    document.refresh_from_db()
    assert document.status == Status.TO_REVIEW
    assert not document.attempts.exists()
    assert pushes.begin() == 0


def test_the_data_are_those_of_the_event_and_not_of_the_moment_of_the_push(organization):
    subscription("document.corrected")
    document = builders.document(builders.queue("Invoices"))
    correct(document, "first")
    correct(document, "second")

    pushes.begin()

    made = Push.objects.order_by("pk").first().made
    assert "first" in str(made.fields.content)
    assert "second" not in str(made.fields.content)


def test_of_one_document_the_next_waits_until_the_one_before_has_ended(organization):
    subscription("document.corrected")
    queue = builders.queue("Invoices")
    document, other = builders.document(queue), builders.document(queue)
    for number in ("1a", "1b", "1c"):
        correct(document, number)
    correct(other, "2a")

    assert pushes.begin() == 2
    assert pushes.begin() == 0
    begun = Push.objects.exclude(begun_at=None).order_by("pk")
    assert [(push.document_id, push.fields.number) for push in begun] == [(document.pk, 2), (other.pk, 2)]

    Document.objects.filter(pk=begun[0].made_id).update(status=Status.FAILED_EXPORT)
    assert pushes.begin() == 1
    Document.objects.filter(status=Status.EXPORTING).update(status=Status.EXPORTED)
    assert pushes.begin() == 1
    assert [push.fields.number for push in Push.objects.filter(document=document).order_by("begun_at")] == [2, 3, 4]


def test_the_other_side_gets_what_was_rendered_in_the_order_of_the_events(organization):
    subscription("document.corrected")
    queue = builders.queue("Invoices")
    first, second = builders.document(queue), builders.document(queue)
    for number in range(3):
        correct(first, f"first {number}")
        correct(second, f"second {number}")

    while pushes.begin():
        for attempt in Attempt.objects.filter(state=State.QUEUED).order_by("-pk"):  # as workers may: in any order
            assert loop.run_now(attempt.pk).state == State.SUCCEEDED

    rendered = [
        json.loads(contents.blob(artifact.content).open().read())["number"]
        for artifact in Artifact.objects.order_by("attempt__finished_at", "pk")
    ]
    assert [number for number in rendered if "first" in number] == ["first 0", "first 1", "first 2"]
    assert [number for number in rendered if "second" in number] == ["second 0", "second 1", "second 2"]
    assert len(rendered) == 6


def test_begun_twice_it_is_the_same_document(organization):
    subscription("document.corrected")
    correct(builders.document(builders.queue("Invoices")), "2")
    pushes.begin()
    made = Push.objects.get().made
    Push.objects.update(begun_at=None, made=None)  # as a worker that died before it noted what it made

    pushes.begin()

    assert Push.objects.get().made == made
    assert Attempt.objects.count() == 1


def test_pushes_never_push(organization):
    subscription("document.*")
    pushed = Subscription.own(
        name="Second",
        events=["document.*"],
        into=through({"name": "b", "kind": "template", "config": RENDERED}, name="Second"),
    )
    configuration.save(pushed, by=builders.owner())
    documents.receive(
        builders.queue("Invoices", use_confirmed_state=True),
        by=builders.owner(),
        external_id="a",
        fields={"number": "1"},
    )
    before = Push.objects.count()

    while pushes.begin():
        for document in Document.objects.filter(status=Status.EXPORTING):
            end = (document.pk, document.organization_id, Status.EXPORTED, {})
            with transaction.atomic():
                transitions.follow([end])

    assert before == 2
    assert Push.objects.count() == 2
    assert Document.objects.filter(external_id__startswith="push-").count() == 2


def test_what_the_worker_ends_is_pushed_too(organization):
    subscription("document.exported", "document.export_failed")
    queue = builders.queue("Invoices")
    good, bad = (builders.document(queue, status=Status.EXPORTING) for _ in range(2))

    with transaction.atomic():
        transitions.follow(
            [
                (good.pk, good.organization_id, Status.EXPORTED, {}),
                (bad.pk, bad.organization_id, Status.FAILED_EXPORT, {}),
            ]
        )

    assert [(push.document_id, push.type) for push in Push.objects.order_by("pk")] == [
        (good.pk, "document.exported"),
        (bad.pk, "document.export_failed"),
    ]


@pytest.mark.parametrize(
    "values",
    [{"active": False}, {"queues": "other"}, {"events": ["document.exported"]}],
    ids=["off", "another queue", "another event"],
)
def test_what_is_not_subscribed_to_is_not_pushed(organization, values):
    other = builders.queue("Other")
    given = {"events": ["document.corrected"], **values}
    if "queues" in given:
        given["queues"] = [other.pk]
    events = given.pop("events")
    subscription(*events, **given)

    correct(builders.document(builders.queue("Invoices")), "2")

    assert not Push.objects.exists()


def test_another_organizations_subscription_hears_nothing(organization):
    other = builders.organization("Other")
    with scope.to(other.pk):
        subscription("document.*")

    correct(builders.document(builders.queue("Invoices")), "2")

    assert not Push.unscoped.exists()


def test_a_push_that_cannot_begin_says_why_and_holds_up_no_other(organization):
    row = subscription("document.corrected")
    queue = builders.queue("Invoices")
    correct(builders.document(queue), "2")
    row.into.pipeline.published = None
    row.into.pipeline.save()

    pushes.begin()

    push = Push.objects.get()
    assert push.made is None
    assert "published" in push.refused
    assert push.begun_at is not None
    assert not Document.objects.filter(external_id__startswith="push-").exists()


def test_the_loop_begins_pushes_before_it_claims_so_that_one_look_does_both(organization, monkeypatch):
    order = []
    monkeypatch.setattr(pushes, "begin", lambda: order.append("push"))
    monkeypatch.setattr(Drain, "_take_more", lambda self: order.append("claim") or doorbell.stopping.set())
    monkeypatch.setattr(Drain, "_tend", lambda self: order.append("sweep"))
    monkeypatch.setattr(Drain, "_quarantine", lambda self: None)
    drain = Drain()
    monkeypatch.setattr(drain.post, "open", lambda: None)
    monkeypatch.setattr(drain.poller, "open", lambda: None)
    monkeypatch.setattr(drain.heart, "start", lambda: None)
    monkeypatch.setattr(drain, "_hand_back", lambda: None)

    try:
        drain.run(5)
    finally:
        doorbell.stopping.clear()
        drain.pool.shutdown()

    assert order == ["sweep", "push", "claim"]
