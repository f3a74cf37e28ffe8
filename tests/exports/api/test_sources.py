"""Sources and claims over the API: made, changed, tested, polled, paused; tried again and let go."""

from __future__ import annotations

import pytest

from exports.models import Claim, SourceState
from exports.states import ClaimState
from pipelines.models import Source
from tests import builders
from tests.exports.api import world as worlds
from tests.servers import rossum as servers

pytestmark = pytest.mark.usefixtures("organization")

CONFIG = {"base_url": "https://acme.rossum.app/api/v1", "queues": [205], "username": "waybill"}


@pytest.fixture
def api():
    return worlds.caller("integrator")


def made(**values):
    row = Source.own(
        **{"name": "Confirmed tab", "kind": "rossum", "queue": builders.queue(), "config": CONFIG, **values}
    )
    row.save()
    return row


def test_a_source_is_made_read_changed_and_deleted(api):
    queue = builders.queue()
    reply = api.post("sources", {"name": "Confirmed tab", "kind": "rossum", "queue": queue.pk, "config": CONFIG})
    given = reply.json()

    assert (reply.status_code, given["config"], given["arrives"], given["errors"]) == (201, CONFIG, "export", 0)
    assert given["next_at"] is not None
    changed = api.patch(f"sources/{given['id']}", {"every_seconds": 60})
    assert (changed.status_code, changed.json()["every_seconds"]) == (200, 60)
    assert api.get("sources?kind=rossum").json()["results"][0]["id"] == given["id"]
    assert api.delete(f"sources/{given['id']}").status_code == 204
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"config": {"queues": [1]}}, "config"),
        ({"config": {**CONFIG, "unknown": 1}}, "config"),
        ({"every_seconds": 0}, "every_seconds"),
        ({"every_seconds": 400}, "slowest_seconds"),
        ({"queue": 999_999}, "queue"),
    ],
)
def test_what_is_wrong_is_named(api, given, place):
    body = {"name": "Confirmed tab", "kind": "rossum", "queue": builders.queue().pk, "config": CONFIG, **given}
    reply = api.post("sources", body)

    assert reply.status_code == 400
    assert place in {error["place"].partition(".")[0] for error in reply.json()["errors"]}
    assert not Source.objects.exists()


def test_the_test_tells_what_it_saw_and_no_secret(api):
    there = builders.destination(allowed_networks=["127.0.0.1/32"])
    with servers.running() as account:
        row = made(config={**CONFIG, "base_url": account.url}, destination=there)
        reply = api.post(f"sources/{row.pk}/test", {})

    assert reply.status_code == 200
    assert reply.json()["ok"] is False
    assert reply.json()["reason"] == "misconfigured"
    assert "rossum_password" in reply.json()["message"]


def test_polling_pausing_and_resuming(api):
    row = made()

    paused = api.post(f"sources/{row.pk}/pause", {"why": "They move house."})
    refused = api.post(f"sources/{row.pk}/poll", {})
    resumed = api.post(f"sources/{row.pk}/resume", {})
    polled = api.post(f"sources/{row.pk}/poll", {})

    assert [one.status_code for one in (paused, refused, resumed, polled)] == [200, 409, 200, 200]
    assert (paused.json()["paused_why"], resumed.json()["paused_at"]) == ("They move house.", None)
    assert SourceState.objects.filter(source=row).exists()


def test_claims_are_listed_tried_again_and_let_go(api):
    row = made()
    waits = Claim.own(source=row, key="a-1", state=ClaimState.TO_REPORT, outcome="failed", tries=3, error="403")
    waits.save()
    Claim.own(source=row, key="a-2", state=ClaimState.REPORTED, outcome="exported").save()

    listed = api.get(f"claims?source={row.pk}&state=to_report").json()["results"]
    again = api.post(f"claims/{waits.pk}/try_again", {})
    silent = api.post(f"claims/{waits.pk}/let_go", {"why": ""})
    gone = api.post(f"claims/{waits.pk}/let_go", {"why": "I telephoned."})
    in_use = api.delete(f"sources/{row.pk}")

    assert [one["key"] for one in listed] == ["a-1"]
    assert (again.status_code, again.json()["tries"]) == (200, 0)
    assert (silent.status_code, gone.json()["state"]) == (409, "released")
    assert in_use.status_code == 204


def test_a_source_that_somebody_waits_for_is_not_deleted(api):
    row = made()
    Claim.own(source=row, key="a-1", state=ClaimState.RUNNING).save()

    assert api.delete(f"sources/{row.pk}").json()["code"] == "in_use"


def test_a_viewer_reads_and_moves_nothing():
    viewer, row = worlds.caller("viewer"), made()
    claim = Claim.own(source=row, key="a-1", state=ClaimState.BLOCKED)
    claim.save()

    assert viewer.get(f"sources/{row.pk}").status_code == 200
    for path in (f"sources/{row.pk}/test", f"sources/{row.pk}/poll", f"claims/{claim.pk}/let_go"):
        assert viewer.post(path, {"why": "x"}).status_code == 403
