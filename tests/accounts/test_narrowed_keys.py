"""A key may be narrowed below its role: to verbs, and to queues, whatever door it comes by."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts import keys, policy, scope
from accounts.policy import Principal, may
from audit.models import Event
from exports.api.resource import Resource
from exports.models import Attempt, Document, Exchange
from tests import builders
from tests.exports.api import world as worlds


@pytest.fixture
def narrowed(organization):
    """A world whose queue the key may see, another one that it may not, and the robot."""
    seen, hidden = worlds.make(), worlds.make()
    _, plain = keys.create(builders.owner(), "clerk", "operator", queues=[seen.queue.pk])
    return seen, hidden, worlds.Caller(plain)


def test_a_key_of_some_verbs_does_those_and_no_others(organization):
    world = worlds.make()
    _, plain = keys.create(builders.owner(), "reader", "operator", verbs=["exports.view_document"])
    api = worlds.Caller(plain)

    assert api.get(f"documents/{world.document.pk}").status_code == 200
    assert api.get("me").json()["verbs"] == ["exports.view_document"]
    assert api.get("attempts").status_code == 403
    assert api.post(f"documents/{world.document.pk}/send_back", {"why": "x"}).status_code == 403
    world.document.refresh_from_db()
    assert world.document.status == "failed_export"


def test_a_key_of_some_queues_sees_their_documents_and_what_belongs_to_them(narrowed):
    seen, hidden, api = narrowed

    for kind, name in (
        ("documents", "document"), ("attempts", "attempt"), ("stage_runs", "run"), ("exchanges", "exchange"),
        ("artifacts", "artifact"), ("deliveries", "delivery"), ("queues", "queue"), ("triggers", "trigger"),
    ):  # fmt: skip
        listed = api.get(kind)
        assert listed.status_code == 200, kind
        assert [str(row["id"]) for row in listed.json()["results"]] == [str(getattr(seen, name).pk)], kind
        assert api.get(f"{kind}/{getattr(seen, name).pk}").status_code == 200, kind
        assert api.get(f"{kind}/{getattr(hidden, name).pk}").status_code == 404, kind


@pytest.mark.parametrize(
    "path",
    ["failure_groups", "jobs", "pipelines", "destinations", "channels", "event_deliveries", "secrets", "audit_events"],
)
def test_a_key_of_some_queues_is_refused_what_concerns_more_than_those(narrowed, path):
    _, _, api = narrowed

    assert api.get(path).status_code == 403


def test_a_key_of_some_queues_changes_nothing_of_the_others(narrowed):
    seen, hidden, api = narrowed

    assert api.post("documents", {"queue": hidden.queue.pk, "external_id": "x", "fields": {}}).status_code == 400
    assert api.post("documents", {"queue": hidden.queue.name, "external_id": "x", "fields": {}}).status_code == 400
    assert api.post(f"documents/{hidden.document.pk}/send_back", {"why": "x"}).status_code == 404
    assert api.post(f"attempts/{hidden.attempt.pk}/requeue", {"why": "x"}).status_code == 404
    assert api.post("jobs", {"kind": "requeue", "filter": {}, "why": "x"}).status_code == 403
    hidden.document.refresh_from_db()
    assert hidden.document.status == "failed_export"
    assert Document.objects.filter(queue=hidden.queue).count() == 1

    assert api.post("documents", {"queue": seen.queue.name, "external_id": "x", "fields": {}}).status_code == 201
    assert api.post(f"attempts/{seen.attempt.pk}/requeue", {"why": "again"}).status_code == 202


def test_after_the_request_the_scope_is_wide_again(narrowed):
    _, hidden, api = narrowed

    assert api.get("documents").status_code == 200

    assert Document.objects.filter(pk=hidden.document.pk).exists()


def test_a_row_of_another_queue_is_refused_by_the_policy_itself(narrowed):
    seen, hidden, _ = narrowed
    principal = Principal.of_key(keys.ApiKey.objects.get(name="clerk"))

    assert may(principal, "exports.view_document", seen.document)
    assert not may(principal, "exports.view_document", hidden.document)
    assert not may(principal, "pipelines.view_queue", hidden.queue)


def test_a_conditional_update_under_a_narrowed_scope_keeps_its_conditions_outside(narrowed):
    seen, hidden, _ = narrowed
    scope.enter(scope.current(), frozenset({seen.queue.pk}))
    mine = Attempt.objects.filter(pk__in=[seen.attempt.pk, hidden.attempt.pk], state="failed")

    sql = str(mine.query)
    number = mine.update(why="touched")

    assert number == 1
    assert sql.count('"exports_attempt"."state" = failed') == 1
    assert sql.upper().count("JOIN") == 0
    assert Exchange.objects.count() == 1


def test_every_resource_that_such_a_key_may_open_is_narrowed():
    def below(kind):
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    verbs = {
        view: {verb for given in view.verbs.values() for verb in ([given] if isinstance(given, str) else given)}
        for view in below(Resource)
        if "verbs" in vars(view)
    }

    open_wide = [
        view.__name__
        for view, needed in verbs.items()
        if needed & policy.OF_QUEUES and not scope.way_to_queue(view.model)
    ]

    assert open_wide == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"verbs": []}, "at least one verb"),
        ({"queues": []}, "at least one queue"),
        ({"verbs": ["pipelines.publish_pipeline"]}, "does not include pipelines.publish_pipeline"),
        ({"verbs": ["exports.add_job"], "queues": [1]}, "cannot have exports.add_job"),
    ],
)
def test_what_makes_no_sense_is_refused(organization, given, told):
    with pytest.raises(ValidationError, match=told):
        keys.create(builders.owner(), "clerk", "operator", **given)

    assert not keys.ApiKey.objects.exists()


def test_the_trail_says_what_a_key_was_narrowed_to(narrowed):
    seen, _, _ = narrowed

    detail = Event.objects.filter(verb="apikey.add").latest("id").detail

    assert detail["queues"] == [seen.queue.pk]
    assert "verbs" not in detail


def test_the_form_makes_a_narrowed_key_and_its_page_shows_it(organization):
    queue = builders.queue("AP invoices")
    client = Client()
    client.force_login(builders.user(role="owner", organization=organization))

    form = client.get(reverse("admin:accounts_apikey_add"))
    assert "AP invoices" in form.content.decode()
    made = client.post(
        reverse("admin:accounts_apikey_add"),
        {"name": "clerk", "role": "operator", "queues": [queue.pk], "verbs": ["exports.view_document"]},
    )

    key = keys.ApiKey.objects.get(name="clerk")
    assert made.status_code == 200
    assert (key.queues, key.verbs) == ([queue.pk], ["exports.view_document"])
    page = client.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()
    assert "AP invoices" in page
    assert "exports.view_document" in page
