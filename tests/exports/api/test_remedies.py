"""What is done about a failure over the API besides sending it again."""

from __future__ import annotations

from audit.models import Event
from exports.models import Attempt, Document
from exports.states import Reason, State, Status
from tests import builders
from tests.exports.api import world as worlds


def test_a_failure_is_ignored_with_a_comment_and_taken_up_again(api, world):
    path = f"attempts/{world.attempt.pk}"

    without = api.post(f"{path}/ignore", {})
    ignored = api.post(f"{path}/ignore", {"why": "a test invoice"})
    heeded = api.post(f"{path}/heed", {})
    again = api.post(f"{path}/heed", {})

    assert (without.status_code, without.json()["errors"][0]["place"]) == (400, "why")
    assert (ignored.status_code, ignored.json()["resolution"]) == (200, "ignored")
    assert (heeded.json()["resolution"], again.status_code) == ("", 200)
    assert Attempt.objects.get(pk=world.attempt.pk).state == State.FAILED


def test_what_was_delivered_elsewhere_is_exported_and_keeps_its_reference(api, world):
    reply = api.post(
        f"attempts/{world.attempt.pk}/delivered_elsewhere", {"reference": "ERP-815", "why": "entered by hand"}
    )
    again = api.post(f"attempts/{world.attempt.pk}/delivered_elsewhere", {"reference": "ERP-816", "why": "again"})

    shown = reply.json()
    assert (reply.status_code, shown["state"], shown["resolution"], shown["reference"]) == (
        200, "failed", "delivered", "ERP-815"
    )  # fmt: skip
    assert Document.objects.get(pk=world.document.pk).status == Status.EXPORTED
    assert (again.status_code, again.json()["code"]) == (409, "refused")
    assert Attempt.objects.get(pk=world.attempt.pk).reference == "ERP-815"


def test_delivered_elsewhere_needs_a_reference(api, world):
    reply = api.post(f"attempts/{world.attempt.pk}/delivered_elsewhere", {"why": "by hand"})

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, "reference")


def test_asking_needs_a_probe(api, world):
    Attempt.objects.filter(pk=world.attempt.pk).update(reason=Reason.UNCONFIRMED)

    reply = api.post(f"attempts/{world.attempt.pk}/ask")

    assert (reply.status_code, reply.json()["code"]) == (409, "refused")
    assert "names no probe" in reply.json()["detail"]


def test_a_document_is_given_to_a_member_and_to_nobody(api, world):
    anna = builders.user("anna", role="operator", organization=world.document.organization)
    builders.user("stranger", role="operator", organization=builders.organization())

    given = api.post(f"documents/{world.document.pk}/assign", {"assignee": "anna"})
    refused = [api.post(f"documents/{world.document.pk}/assign", {"assignee": who}) for who in ("stranger", "nobody")]
    taken = api.post(f"documents/{world.document.pk}/assign", {"assignee": None})

    assert (given.status_code, given.json()["assignee"]) == (200, "anna")
    assert [(reply.status_code, reply.json()["detail"]) for reply in refused] == [
        (409, "stranger is not a member of this organization."), (409, "nobody is not a member of this organization.")
    ]  # fmt: skip
    assert taken.json()["assignee"] is None
    told = Event.objects.filter(verb="document.assign").order_by("id").values_list("detail", flat=True)
    assert list(told) == [{"to": anna.username}, {"to": None}]


def test_a_viewer_may_none_of_it(world):
    viewer = worlds.caller("viewer")
    asked = {
        f"attempts/{world.attempt.pk}/ignore": {"why": "x"},
        f"attempts/{world.attempt.pk}/heed": {},
        f"attempts/{world.attempt.pk}/delivered_elsewhere": {"reference": "x", "why": "x"},
        f"attempts/{world.attempt.pk}/ask": {},
        f"documents/{world.document.pk}/assign": {"assignee": None},
    }

    assert {path: viewer.post(path, body).status_code for path, body in asked.items()} == dict.fromkeys(asked, 403)
