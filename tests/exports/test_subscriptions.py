"""Subscriptions: which can be made, by whom, over the API and in the desk."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from accounts.policy import GRANTS, Principal
from exports import pushes
from exports.models import Push
from pipelines import configuration
from pipelines.models import Subscription
from pipelines.refusals import Refused
from tests import builders
from tests.exports.api import world as worlds
from tests.exports.test_pushes import RENDERED, correct, through

pytestmark = pytest.mark.usefixtures("organization")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"events": []}, "events: Name at least one"),
        ({"events": ["document.purged"]}, "events: Not one that can be pushed: document.purged"),
        ({"events": ["job.done"]}, "events: Not one"),
        ({"queues": [0]}, "queues: There is no queue 0"),
        ({"queues": "into"}, "queues: What is pushed is never pushed again"),
        ({"into": "waits"}, "into: What is pushed leaves at once"),
        ({"into": "bare"}, "into: This queue has no published pipeline"),
    ],
)
def test_a_subscription_that_cannot_work_is_refused(organization, values, told):
    into = through({"name": "a", "kind": "template", "config": RENDERED})
    waits = builders.queue("Waits", pipeline=into.pipeline, use_confirmed_state=True)
    bare = builders.queue("Bare", use_confirmed_state=False)
    given = {"events": ["document.corrected"], "into": into, **values}
    given["into"] = (
        {"waits": waits, "bare": bare}.get(given["into"], given["into"])
        if isinstance(given["into"], str)
        else given["into"]
    )
    if given.get("queues") == "into":
        given["queues"] = [into.pk]

    with pytest.raises(Refused, match=told):
        configuration.save(Subscription.own(name="S", **given), by=builders.owner())

    assert not Subscription.objects.exists()


def test_only_who_integrates_subscribes(organization):
    row = Subscription.own(
        name="S", events=["document.corrected"], into=through({"name": "a", "kind": "template", "config": RENDERED})
    )

    with pytest.raises(PermissionDenied):
        configuration.save(row, by=Principal("user:otto", organization.pk, GRANTS["operator"]))

    assert not Subscription.objects.exists()


def test_it_is_set_up_over_the_api_and_its_pushes_are_listed(organization):
    into = through({"name": "Render", "kind": "template", "config": RENDERED})
    api = worlds.caller("integrator")
    made = api.post("subscriptions", {"name": "Warehouse", "events": ["document.corrected"], "into": into.pk})
    document = builders.document(builders.queue("Invoices"))
    correct(document, "2")
    pushes.begin()

    listed = api.get(f"pushes?document={document.pk}").json()["results"]

    assert made.status_code == 201, made.content
    assert [(row["subscription"], row["type"], row["status"]) for row in listed] == [
        (made.json()["id"], "document.corrected", "exporting")
    ]
    assert api.get(f"documents/{listed[0]['made']}").json()["queue"] == into.pk
    assert api.post("subscriptions", {"name": "X", "events": ["nothing"], "into": into.pk}).status_code == 400
    assert (
        worlds.caller("operator")
        .post("subscriptions", {"name": "X", "events": ["document.*"], "into": into.pk})
        .status_code
        == 403
    )


def test_the_desk_has_its_form_and_its_pushes(organization, client):
    into = through({"name": "Render", "kind": "template", "config": RENDERED})
    client.force_login(builders.user(role="integrator", organization=organization))

    added = client.post(
        reverse("admin:pipelines_subscription_add"),
        {"name": "Warehouse", "events": ["document.corrected"], "into": into.pk, "active": "on"},
    )
    correct(builders.document(builders.queue("Invoices")), "2")
    pushes.begin()

    assert added.status_code == 302, added.content.decode()
    assert "Warehouse" in client.get(reverse("admin:pipelines_subscription_changelist")).content.decode()
    page = client.get(reverse("admin:exports_push_changelist")).content.decode()
    assert "document.corrected" in page
    assert f"push-{Push.objects.get().pk}" in page
