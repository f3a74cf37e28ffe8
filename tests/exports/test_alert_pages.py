"""Alerts and their rules in the admin: acknowledged by a button and never by a link; a destination's breaker closed."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.policy import Principal
from audit.models import Event
from exports import alerts
from exports.models import Alert, AlertRule, Breaker
from tests import builders
from tests.exports.test_alerts import group, look, queue  # noqa: F401  # queue is a fixture


def signed_in(organization, role):
    client = Client()
    client.force_login(builders.user(f"a {role}", role=role, organization=organization))
    return client


def test_a_link_acknowledges_nothing_and_a_button_does(queue, organization):
    group()
    look()
    alert = Alert.objects.get()
    client = signed_in(organization, "operator")
    button = reverse("admin:exports_alert_acknowledge", args=[alert.pk])

    shown = client.get(reverse("admin:exports_alert_change", args=[alert.pk])).content.decode()
    by_link = client.get(button).status_code
    unseen = Alert.objects.get().acknowledged_at
    client.post(button)
    client.post(button)

    assert f'action="{button}"' in shown
    assert "autofocus" in shown
    assert (by_link, unseen) == (405, None)
    assert Alert.objects.get().acknowledged_by.username == "a operator"
    assert Event.objects.filter(verb="alert.acknowledge").count() == 1
    assert "a operator" in client.get(reverse("admin:exports_alert_changelist")).content.decode()


def test_a_viewer_reads_alerts_and_acknowledges_none(queue, organization):
    group()
    look()
    alert = Alert.objects.get()
    client = signed_in(organization, "viewer")

    page = client.get(reverse("admin:exports_alert_change", args=[alert.pk])).content.decode()
    refused = client.post(reverse("admin:exports_alert_acknowledge", args=[alert.pk])).status_code
    viewer = Principal.of_user(builders.user(role="viewer", organization=organization), organization.pk)

    assert "Your role does not acknowledge alerts." in page
    assert refused == 403
    with pytest.raises(PermissionDenied):
        alerts.acknowledge(alert, by=viewer, user=builders.user())


def test_rules_are_set_on_their_pages(queue, organization):
    client = signed_in(organization, "integrator")
    rule = AlertRule.objects.get(kind="silence")
    page = reverse("admin:exports_alertrule_change", args=[rule.pk])

    listed = client.get(reverse("admin:exports_alertrule_changelist")).content.decode()
    shown = client.get(page).content.decode()
    wrong = client.post(page, {"active": "on", "minutes": "90", "least": "3", "zone": "Nowhere"}).content.decode()
    client.post(page, {"active": "on", "minutes": "90", "least": "3", "zone": "Europe/Vienna"})
    added = client.post(
        reverse("admin:exports_alertrule_add"),
        {"kind": "overdue", "active": "on", "queue": queue.pk, "minutes": "30", "least": "5", "zone": "UTC"},
    )

    rule.refresh_from_db()
    assert "Exports stop coming" in listed
    assert "Nights and weekends" in shown
    assert "This is no time zone" in wrong
    assert (rule.minutes, rule.least, rule.zone) == (90, 3, "Europe/Vienna")
    assert added.status_code == 302
    assert AlertRule.objects.get(kind="overdue", queue=queue).minutes == 30
    assert Event.objects.filter(verb="alert_rule.change").count() == 1


def test_a_destinations_page_shows_how_it_does_and_closes_its_breaker(queue, organization):
    there = builders.destination("ERP")
    now = timezone.now()
    Breaker.own(destination=there, why="Status 503.", first_at=now, opened_at=now, retry_at=now, attempts=[1]).save()
    client = signed_in(organization, "operator")
    page = reverse("admin:pipelines_destination_change", args=[there.pk])
    close = reverse("admin:exports_breaker_close", args=[there.pk])

    shown = client.get(page).content.decode()
    by_link = client.get(close).status_code
    after = client.post(close, {"why": "they called"}, follow=True).content.decode()

    assert "Breaker open" in shown
    assert "Status 503." in shown
    assert f'action="{close}"' in shown
    assert by_link == 405
    assert not Breaker.objects.exists()
    assert f'action="{close}"' not in after
    assert Event.objects.get(verb="destination.close_breaker").why == "they called"
