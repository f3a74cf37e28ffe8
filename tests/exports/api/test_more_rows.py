"""Members, keys, hints, alert rules, alerts, saved views, breakers and the trail's proof, over the API."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey, Membership
from exports import alertrules
from exports.models import Alert, Breaker, Hint, SavedView
from tests import builders
from tests.exports.api import world as worlds

pytestmark = pytest.mark.usefixtures("world")


def test_members_come_change_and_go(api, organization):
    builders.user("berta")
    anna = builders.user("anna", role="owner", organization=organization)

    made = api.post("members", {"username": "berta", "role": "viewer"})
    member = made.json()["id"]

    assert (made.status_code, made.json()["role"]) == (201, "viewer")
    assert api.patch(f"members/{member}", {"role": "operator"}).json()["role"] == "operator"
    assert [row["username"] for row in api.get("members").json()["results"]][-1:] == ["berta"]
    assert api.delete(f"members/{member}").status_code == 204
    assert not Membership.objects.filter(user__username="berta").exists()
    assert api.post("members", {"username": "nobody", "role": "viewer"}).json()["errors"][0]["place"] == "username"
    last = Membership.objects.get(user=anna)
    assert api.delete(f"members/{last.pk}").status_code == 400
    assert worlds.caller("operator").get("members").status_code == 403


def test_another_organizations_members_are_not_found(api):
    other = builders.organization("Other")
    stranger = Membership.objects.create(user=builders.user("otto"), organization=other, role="owner")

    assert api.get(f"members/{stranger.pk}").status_code == 404
    assert api.delete(f"members/{stranger.pk}").status_code == 404


def test_a_key_is_shown_once_narrowed_and_revoked(api, world):
    body = {"name": "clerk", "role": "operator", "verbs": ["exports.view_document"], "queues": [world.queue.pk]}

    made = api.post("api_keys", body, Idempotency_Key="once")
    again = api.post("api_keys", body, Idempotency_Key="once")

    assert made.status_code == 201, made.content
    assert worlds.Caller(made.json()["key"]).get("me").json()["verbs"] == ["exports.view_document"]
    assert (again.json()["id"], again.json()["key"]) == (made.json()["id"], None)
    assert "key" not in api.get(f"api_keys/{made.json()['id']}").json()
    assert api.post(f"api_keys/{made.json()['id']}/revoke").json()["revoked_at"] is not None
    assert worlds.Caller(made.json()["key"]).get("me").status_code == 401
    assert ApiKey.objects.filter(name="clerk").count() == 1


def test_nobody_gives_a_key_more_than_their_own(api):
    _, plain = keys.create(builders.owner(), "maker", "owner", verbs=["accounts.add_apikey"])

    assert worlds.Caller(plain).post("api_keys", {"name": "x", "role": "viewer"}).status_code == 403
    assert worlds.caller("integrator").post("api_keys", {"name": "x", "role": "viewer"}).status_code == 403


def test_hints_are_kept_in_order(api):
    first = api.post("hints", {"pattern": "supplier", "advice": "Make the supplier"}).json()
    second = api.post("hints", {"reason": "rejected", "advice": "Look"}).json()

    moved = api.post(f"hints/{second['id']}/move", {"to": "up"})

    assert moved.status_code == 200
    assert list(Hint.objects.order_by("position").values_list("pk", flat=True)) == [second["id"], first["id"]]
    assert api.patch(f"hints/{first['id']}", {"advice": ""}).json()["errors"][0]["place"] == "advice"
    assert api.post("hints", {"advice": "For everything"}).json()["errors"][0]["place"] == "pattern"
    assert api.delete(f"hints/{first['id']}").status_code == 204


def test_alert_rules_are_set_and_general_ones_stay(api, world):
    alertrules.ensure()
    general = next(row for row in api.get("alert_rules").json()["results"] if row["kind"] == alertrules.OVERDUE)

    changed = api.patch(f"alert_rules/{general['id']}", {"minutes": 90})
    own = api.post("alert_rules", {"kind": alertrules.OVERDUE, "queue": world.queue.pk, "minutes": 30})

    assert (changed.status_code, changed.json()["minutes"]) == (200, 90)
    assert (own.status_code, own.json()["queue"]) == (201, world.queue.pk)
    assert api.post("alert_rules", {"kind": alertrules.OVERDUE, "queue": world.queue.pk}).status_code == 400
    assert api.delete(f"alert_rules/{general['id']}").status_code == 409
    assert api.delete(f"alert_rules/{own.json()['id']}").status_code == 204


def test_an_alert_is_acknowledged_by_a_robot(api):
    alert = Alert.own(kind="group", key="k", type="failure_group.opened", subject="failure_group:1", title="New cause")
    alert.save()

    shown = api.post(f"alerts/{alert.pk}/acknowledge").json()

    assert shown["acknowledged_at"] is not None
    assert shown["acknowledged_by"] is None
    assert api.get("alerts").json()["results"][0]["title"] == "New cause"


def test_views_are_a_persons_and_shared_ones_are_read_by_robots(api, organization):
    anna = Client()
    anna.force_login(builders.user("anna", role="operator", organization=organization))
    body = {"page": "attempts", "name": "Rejected", "filter": {"state": "failed"}, "shared": True}

    def send(method, path, given):
        return anna.generic(method, f"/api/v1/{path}", json.dumps(given), content_type="application/json")

    made = send("POST", "saved_views", body)
    hidden = send("POST", "saved_views", {**body, "name": "Mine", "shared": False})

    assert (made.status_code, made.json()["filter"], made.json()["owner"]) == (201, {"state": "failed"}, "anna")
    assert [row["name"] for row in api.get("saved_views").json()["results"]] == ["Rejected"]
    assert api.get(f"saved_views/{hidden.json()['id']}").status_code == 404
    assert api.post("saved_views", body).status_code == 409
    assert send("PATCH", f"saved_views/{made.json()['id']}", {"name": "By the ERP"}).json()["name"] == "By the ERP"
    assert anna.delete(f"/api/v1/saved_views/{made.json()['id']}").status_code == 204
    assert SavedView.objects.count() == 1


def test_a_breaker_is_closed_by_hand(api, world):
    now = timezone.now()
    Breaker.own(destination=world.destination, first_at=now, opened_at=now, retry_at=now, attempts=[1]).save()

    assert api.post(f"destinations/{world.destination.pk}/close_breaker", {"why": "It is back"}).status_code == 200
    assert api.post(f"destinations/{world.destination.pk}/close_breaker").status_code == 200
    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_the_trail_is_proved(api):
    from audit import sealing

    sealing.seal_all()

    proof = api.get("audit_events/proof").json()

    assert (proof["whole"], proof["faults"]) == (True, [])
    assert proof["number"] > 0
    assert len(proof["digest"]) == 64
    assert worlds.caller("operator").get("audit_events/proof").status_code == 403
