"""What a message says, what it leaves out, and what a quiet channel is spared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import scope
from exports import documents
from exports.events import announcing, fanout
from exports.models import EventDelivery, FailureGroup
from tests import builders
from tests.exports.events import world
from tests.exports.events.world import happen


def test_a_failed_export_says_whose_and_why_and_where_to_look(organization, settings):
    settings.PUBLIC_URL = "https://waybill.example"
    world.channel("https://a.example", "document.export_failed")
    destination = builders.destination("ERP")
    attempt = builders.attempt(
        {"name": "Send", "kind": "purge", "config": {"keys": ["x"]}},
        name="To the ERP",
    )
    document = attempt.document
    type(attempt).objects.filter(pk=attempt.pk).update(
        state="failed",
        reason="rejected",
        stage="Send",
        message="Supplier 4711 is unknown",
        http_status=422,
        lane=f"{organization.pk}/{destination.pk}",
    )
    happen("document.fail_export", f"document:{document.pk}", status="failed_export")

    world.tell()

    payload = EventDelivery.objects.get().payload
    data = payload["data"]
    assert payload["type"] == "document.export_failed"
    assert data["title"] == f"The export of {document.external_id} failed"
    assert data["message"] == "Supplier 4711 is unknown"
    assert data["document"] == {
        "id": document.pk,
        "external_id": document.external_id,
        "file_name": "",
        "status": "exporting",
    }
    assert data["attempt"] == {
        "id": attempt.pk,
        "number": 1,
        "state": "failed",
        "reason": "rejected",
        "stage": "Send",
        "http_status": 422,
        "trigger": attempt.trigger,
    }
    assert data["queue"] == {"id": document.queue_id, "name": document.queue.name}
    assert data["pipeline"] == {"id": attempt.revision.pipeline_id, "name": "To the ERP", "revision": 1}
    assert data["destination"] == {"id": destination.pk, "name": "ERP"}
    assert data["url"] == f"https://waybill.example/admin/exports/document/{document.pk}/change/"
    assert "fields" not in data


def test_an_attempt_that_nobody_knows_the_end_of_has_a_type_of_its_own(organization):
    world.channel("https://a.example", "attempt.*")
    attempt = builders.attempt({"name": "Send", "kind": "purge", "config": {"keys": ["x"]}})

    happen("attempt.fail", f"attempt:{attempt.pk}", reason="unconfirmed")
    happen("attempt.fail", f"attempt:{attempt.pk}", reason="rejected")
    world.tell()

    assert world.types() == ["attempt.unconfirmed", "attempt.failed"]


def test_a_new_cause_of_failures_says_what_it_is_and_where_it_is_acknowledged(organization):
    world.channel("https://a.example", "failure_group.*", quiet_minutes=15)
    erp = builders.destination("ERP")
    group = FailureGroup.own(
        signature="0" * 64, destination=erp, stage="Create", reason="rejected", code=422, pattern="Supplier … is unknown",
        sample="Supplier 4711 is unknown", attempts_seen=12,
    )  # fmt: skip
    group.save()
    for verb in ("open", "resolve", "reopen", "open"):
        happen(f"failure_group.{verb}", f"failure_group:{group.pk}")

    world.tell()

    data = EventDelivery.objects.get(type="failure_group.opened").payload["data"]
    assert world.types() == ["failure_group.opened", "failure_group.resolved", "failure_group.reopened"]
    assert data["title"] == "A new cause of failures: Supplier … is unknown"
    assert data["failure_group"]["attempts_seen"] == 12
    assert data["message"] == "Supplier 4711 is unknown"
    assert data["destination"] == {"id": erp.pk, "name": "ERP"}


def test_captured_fields_are_sent_only_where_the_channel_says_so(organization):
    plain = world.channel("https://a.example", "document.confirmed")
    full = world.channel("https://b.example", "document.confirmed", with_fields=True)
    document = builders.document(builders.queue(), {"iban": "DE02 1203 0000", "total": "12.50"}, status="to_review")
    documents.confirm(document, by=builders.owner())

    world.tell()

    of = {row.channel_id: row.payload["data"] for row in EventDelivery.objects.all()}
    assert of[full.pk]["fields"] == {"iban": "DE02 1203 0000", "total": "12.50"}
    assert "DE02" not in str(of[plain.pk])


def test_fields_that_are_too_large_are_left_out_and_said_to_be(organization, monkeypatch):
    monkeypatch.setattr(fanout, "MOST_FIELDS", 20)
    world.channel("https://b.example", "document.confirmed", with_fields=True)
    document = builders.document(builders.queue(), {"note": "x" * 100}, status="to_review")
    documents.confirm(document, by=builders.owner())

    world.tell()

    data = EventDelivery.objects.get().payload["data"]
    assert (data["fields"], data["fields_left_out"]) == (None, "They are too large for a message.")


class TestQuietTime:
    """One message of a type about the same subject in so many minutes."""

    @pytest.fixture
    def channel(self, organization):
        return world.channel("https://a.example", "failure_group.*", quiet_minutes=15)

    def opened(self, number, **payload):
        announcing.announce(
            "failure_group.opened", f"failure_group:{number}", {"title": "Rejected", **payload}, scope.current()
        )

    def test_the_next_message_says_how_many_were_held_back(self, channel):
        for _ in range(4):
            self.opened(1)
        self.opened(2)
        world.tell()
        first = EventDelivery.objects.get(subject="failure_group:1")

        EventDelivery.objects.update(happened_at=timezone.now() - timedelta(minutes=16))
        self.opened(1)
        world.tell()

        newest = EventDelivery.objects.filter(subject="failure_group:1").latest("event_id")
        assert first.held_back == 3
        assert EventDelivery.objects.filter(subject="failure_group:2").count() == 1
        assert newest.pk != first.pk
        assert newest.payload["data"]["held_back"] == 3
        assert "held_back" not in first.payload["data"]

    def test_it_also_holds_from_one_round_to_the_next(self, channel):
        self.opened(1)
        world.tell()
        self.opened(1)
        world.tell()

        assert EventDelivery.objects.get().held_back == 1

    def test_another_type_about_the_same_subject_is_told(self, channel):
        self.opened(1)
        announcing.announce("failure_group.resolved", "failure_group:1", {}, scope.current())

        world.tell()

        assert world.types() == ["failure_group.opened", "failure_group.resolved"]

    def test_a_channel_without_it_is_told_each_time(self, channel):
        loud = world.channel("https://b.example", "failure_group.*")
        for _ in range(3):
            self.opened(1)

        world.tell()

        assert (len(world.types(channel)), len(world.types(loud))) == (1, 3)


def test_what_is_announced_carries_its_payload_and_a_whole_address(organization, settings):
    settings.PUBLIC_URL = "https://waybill.example"
    world.channel("https://a.example", "exports.silent")
    queue = builders.queue("AP")

    announcing.announce(
        "exports.silent",
        f"queue:{queue.pk}",
        {
            "title": "No exports from AP\r\nBcc: x@evil.example",
            "message": "Nothing for 3 h",
            "url": "/admin/exports/",
            "queue": {"id": queue.pk, "name": "AP"},
            "facts": [["Usually", "12 an hour"]],
        },
        organization,
    )
    world.tell()

    data = EventDelivery.objects.get().payload["data"]
    assert data["title"] == "No exports from AP Bcc: x@evil.example"
    assert data["url"] == "https://waybill.example/admin/exports/"
    assert (data["subject"], data["by"]) == (f"queue:{queue.pk}", "waybill:events")


def test_only_types_of_the_catalogue_can_be_announced(organization):
    for type_ in ("document.vanished", "test", ""):
        with pytest.raises(ValueError, match="is no type of event"):
            announcing.announce(type_, "queue:1", {}, organization)


def test_an_address_that_is_not_the_webs_is_no_link(organization):
    world.channel("https://a.example", "exports.silent")
    announcing.announce("exports.silent", "queue:1", {"url": "javascript:alert(1)"}, organization)
    announcing.announce("exports.silent", "queue:2", {"url": "//evil.example/x"}, organization)

    world.tell()

    assert {row.payload["data"]["url"] for row in EventDelivery.objects.all()} == {"http://localhost:8000"}
