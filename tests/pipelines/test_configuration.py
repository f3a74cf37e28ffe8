"""Saving and deleting queues, schemas, triggers and destinations: the one verb behind the admin and the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import scope
from accounts.policy import GRANTS, Principal
from audit.models import Event
from pipelines import configuration, publishing, triggering, vault
from pipelines.models import Destination, Queue, Schema, Stage, Trigger
from pipelines.refusals import InUse, Refused
from tests import builders


def told():
    return [(event.verb, event.detail.get("changed")) for event in Event.objects.order_by("id")]


@pytest.mark.parametrize("model", [Queue, Schema, Destination])
def test_a_row_is_added_changed_and_deleted_with_an_event_each(organization, model):
    noun = model._meta.model_name
    row = configuration.save(model.own(name="First"), by=builders.owner())
    row.name = "Second"

    configuration.save(row, by=builders.owner())
    configuration.save(row, by=builders.owner())
    configuration.delete(row, by=builders.owner())

    assert [verb for verb, _ in told()] == [f"{noun}.add", f"{noun}.change", f"{noun}.delete"]
    assert told()[1][1] == ["name"]
    assert not model.objects.exists()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (lambda: Queue.own(name=" "), "name: Give the queue a name."),
        (lambda: Queue.own(name="Q", metadata=[]), "metadata: This is a JSON object, {} for none."),
        (lambda: Schema.own(name="S", content={}), "content: A schema is a list of sections."),
        (lambda: Trigger.own(name="T", on="never"), "on: Choose one of confirmed, schedule."),
        (
            lambda: Trigger.own(name="T", every_minutes=0),
            "every_minutes: At least 1 minute. To stop a trigger, make it inactive.",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_column(organization, row, message):
    with pytest.raises(Refused) as refused:
        configuration.save(row(), by=builders.owner())

    assert refused.value.message == message
    assert told() == []


def test_a_name_is_taken_once(organization):
    builders.queue("Invoices")

    with pytest.raises(Refused, match='There is already a queue named "Invoices"'):
        configuration.save(Queue.own(name="Invoices"), by=builders.owner())

    assert Queue.objects.count() == 1


def test_an_operator_changes_no_configuration(organization):
    operator = Principal("user:olga", organization.pk, GRANTS["operator"])
    queue = builders.queue()

    for verb in (configuration.save, configuration.delete):
        with pytest.raises(PermissionDenied):
            verb(queue, by=operator)

    assert told() == []


def test_nobody_changes_what_is_of_another_organization(organization):
    queue = builders.queue()
    stranger = Principal.system("test", builders.organization("Other").pk)

    for verb in (configuration.save, configuration.delete):
        with pytest.raises(PermissionDenied):
            verb(queue, by=stranger)


def test_a_queue_that_documents_came_through_stays(organization):
    queue = builders.queue("Invoices")
    builders.document(queue)
    builders.document(queue)

    with pytest.raises(InUse, match='"Invoices" cannot be deleted. It is needed by 2 documents.'):
        configuration.delete(queue, by=builders.owner())

    assert Queue.objects.exists()


def test_a_queue_that_a_stage_is_only_for_stays_or_the_stage_would_be_for_all(organization):
    queue = builders.queue("Invoices")
    builders.pipeline({"name": "Send", "kind": "rest_api"})
    Stage.objects.get().queues.add(queue)

    with pytest.raises(InUse, match="needed by 1 stage"):
        configuration.delete(queue, by=builders.owner())

    assert Stage.objects.get().queues.get() == queue


def test_a_destination_that_a_published_revision_sends_to_stays(organization):
    erp = builders.destination("ERP")
    draft = builders.pipeline(
        {"name": "Clean", "kind": "purge", "config": {"keys": ["x"]}, "destination": erp}, name="Out"
    )
    publishing.publish(draft, by=builders.owner())
    Stage.objects.update(destination=None)

    with pytest.raises(InUse, match="needed by Out r1, which is published"):
        configuration.delete(erp, by=builders.owner())


def test_what_is_only_a_rows_own_goes_with_it_and_the_trail_says_so(organization):
    erp, queue = builders.destination("ERP"), builders.queue("Invoices")
    vault.put("token", "s3cr3t", by=builders.owner(), destination=erp)
    configuration.save(Trigger.own(name="Nightly", queue=queue), by=builders.owner())

    configuration.delete(erp, by=builders.owner())
    configuration.delete(queue, by=builders.owner())

    assert Event.objects.get(verb="destination.delete").detail == {"name": "ERP", "with": ["secret token"]}
    assert Event.objects.get(verb="queue.delete").detail == {"name": "Invoices", "with": ["trigger Nightly"]}
    assert not Trigger.objects.exists()


def test_saving_a_form_leaves_alone_what_verbs_moved_meanwhile(organization):
    erp = builders.destination("ERP")
    Destination.objects.update(paused_at=timezone.now(), paused_why="maintenance")
    erp.rate = 5

    configuration.save(erp, by=builders.owner())

    erp.refresh_from_db()
    assert (erp.rate, erp.paused_why) == (5, "maintenance")


def test_a_schedule_made_closer_does_not_wait_out_the_longer_one(organization):
    later = timezone.now() + timedelta(hours=20)
    trigger = Trigger.own(name="T", queue=builders.queue(), every_minutes=1440, next_at=later)
    trigger.save()
    trigger.every_minutes = 10

    configuration.save(trigger, by=builders.owner())

    trigger.refresh_from_db()
    assert timedelta(minutes=9) < trigger.next_at - timezone.now() <= timedelta(minutes=10)
    assert told() == [("trigger.change", ["every_minutes"])]


@pytest.fixture
def desk(organization):
    browser = Client()
    browser.force_login(builders.user("ida", role="integrator", organization=organization))
    return browser


def test_the_desk_saves_and_deletes_by_the_same_verb(desk, organization):
    queue = builders.queue("Invoices")
    given = {"name": "Nightly", "queue": queue.pk, "on": triggering.SCHEDULE, "every_minutes": 1440, "active": "on"}

    desk.post(reverse("admin:pipelines_trigger_add"), given)
    with scope.to(organization.pk):
        trigger = Trigger.objects.get()
    desk.post(reverse("admin:pipelines_trigger_change", args=[trigger.pk]), {**given, "every_minutes": 60})
    asked = desk.get(reverse("admin:pipelines_trigger_delete", args=[trigger.pk]))
    desk.post(reverse("admin:pipelines_trigger_delete", args=[trigger.pk]), {"post": "yes"})

    assert "Nightly" in asked.content.decode()
    assert [(event.verb, event.actor) for event in Event.objects.order_by("id")] == [
        ("trigger.add", "user:ida"), ("trigger.change", "user:ida"), ("trigger.delete", "user:ida"),
    ]  # fmt: skip


def test_the_desk_says_beside_the_field_what_cannot_be(desk):
    html = desk.post(reverse("admin:pipelines_schema_add"), {"name": "S", "content": '{"a": 1}'}).content.decode()

    assert "A schema is a list of sections." in html
    assert not Event.objects.exists()


def test_the_desk_says_what_needs_a_row_and_deletes_nothing(desk):
    queue = builders.queue("Invoices")
    builders.document(queue)
    address = reverse("admin:pipelines_queue_delete", args=[queue.pk])

    asked = desk.get(address).content.decode()
    forced = desk.post(address, {"post": "yes"})

    assert "1 document" in asked
    assert forced.status_code in {200, 302, 403}
    assert Queue.objects.get() == queue
    assert not Event.objects.exists()
