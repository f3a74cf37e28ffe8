"""Two organizations: nothing of one is found, read or changed by the other, whichever route is tried."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core import serializers

from accounts import scope
from accounts.scope import Scoped
from audit.models import Event
from exports.api.urls import urlpatterns
from exports.bulk import working
from tests import builders
from tests.exports.api import world as worlds

BODIES = {
    "create": {
        "document": {"queue": 0, "external_id": "x"},
        "stage": {"name": "X", "kind": "purge"},
        "job": {"attempts": [0], "why": "x"},
    },
    "correct": {"operations": [{"op": "replace", "schema_id": "amount_total", "value": {"content": {"value": "1"}}}]},
    "requeue": {"why": "x"},
    "redeliver": {"since": "2026-03-02T09:10:00Z"},
    "settle": {"delivered": False, "why": "x"},
    "keep": {"value": "x"},
    "ignore": {"attempt": {"why": "x"}},
    "delivered_elsewhere": {"reference": "x", "why": "x"},
    "assign": {"document": {"assignee": None}},
}
NONE = SimpleNamespace(pk=2**40)
"""Of kinds that the world has no row of: tests/exports/api/test_more_rows.py and tests/exports/test_subscriptions.py do."""
EMPTY_HERE = {"hints", "alert_rules", "alerts", "saved_views", "members", "subscriptions", "pushes"}
"""Lists that the world has no row of."""
PER_NOUN = {"create", "ignore", "assign"}


def routes():
    """(method, name of the route, action, view class) of every resource."""
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if view is not None:
            for method, action in pattern.callback.actions.items():
                if method != "head":
                    yield method.upper(), str(pattern.pattern), action, view


def path_of(pattern, theirs):
    """The pattern with the other organization's ids."""
    view = next(view for _, found, _, view in routes() if found == pattern)
    subject = {
        "document": theirs.document, "queue": theirs.queue, "schema": theirs.schema, "pipeline": theirs.pipeline,
        "stage": theirs.stage, "revision": theirs.revision, "destination": theirs.destination,
        "attempt": theirs.attempt, "stage_run": theirs.run, "exchange": theirs.exchange, "artifact": theirs.artifact,
        "delivery": theirs.delivery, "job": theirs.job, "event": theirs.event, "secret": theirs.secret,
        "trigger": theirs.trigger, "channel": theirs.channel, "event_delivery": theirs.event_delivery,
        "failure_group": theirs.failure_group, "me": None, "source": theirs.source, "claim": theirs.claim,
        **dict.fromkeys(("hint", "alert_rule", "alert", "saved_view", "member", "api_key", "subscription", "push"), NONE),
    }[view.noun]  # fmt: skip
    path = pattern.strip("^").removesuffix("$").removesuffix("\\Z")
    path = path.replace("(?P<pipeline>[0-9]{1,18})", str(theirs.pipeline.pk))
    path = path.replace("(?P<number>[0-9]{1,9})", "1").replace("(?P<name>[^/]{1,100})", "erp_token")
    if subject is not None:
        path = path.replace(f"(?P<pk>{view.lookup_value_regex})", str(subject.pk))
    assert "(" not in path, path
    return path


@pytest.fixture
def two(db):
    """Our caller, and the world of another organization."""
    ours, other = builders.organization("Ours"), builders.organization("Other")
    with scope.to(other.pk):
        theirs = worlds.make()
        theirs.event = Event.objects.filter(organization_id=other.pk).first()
    with scope.to(ours.pk):
        worlds.make()
        return worlds.caller("owner"), theirs


def snapshot(organization_id):
    """Every row of an organization, as text."""
    return {
        model._meta.label: serializers.serialize(
            "json", model.unscoped.filter(organization_id=organization_id).order_by("pk")
        )
        for model in apps.get_models()
        if issubclass(model, Scoped)
    }


DETAIL = sorted(
    {(method, pattern, action, view.noun) for method, pattern, action, view in routes() if "(?P<" in pattern}
)
LISTED = sorted({pattern for method, pattern, action, _ in routes() if action == "list" and "(?P<" not in pattern})


def test_the_routes_are_all_walked():
    assert len(DETAIL) >= 45
    assert len(LISTED) == 28


@pytest.mark.parametrize(("method", "pattern", "action", "noun"), DETAIL)
def test_what_belongs_to_another_organization_is_not_found(two, method, pattern, action, noun):
    caller, theirs = two
    before = snapshot(theirs.queue.organization_id)
    body = BODIES.get(action, {})
    body = body.get(noun, {}) if action in PER_NOUN else body

    if action == "keep":  # a name is no id: a secret of that name is set at home
        body = {**body, "destination": theirs.destination.pk}
    given = None if method in {"GET", "DELETE"} else body
    path = path_of(pattern, theirs)
    reply = caller.send(
        method,
        path + (f"?destination={theirs.destination.pk}" if noun == "secret" and method == "DELETE" else ""),
        given,
    )

    assert reply.status_code == (400 if action == "keep" else 404), reply.content
    assert snapshot(theirs.queue.organization_id) == before


@pytest.mark.parametrize("pattern", LISTED)
def test_a_list_shows_nothing_of_another_organization(two, pattern):
    caller, theirs = two
    foreign = {
        str(row.pk) for row in (
            theirs.document, theirs.attempt, theirs.run, theirs.exchange, theirs.artifact, theirs.delivery,
        )
    }  # fmt: skip

    name = pattern.strip("^$").removesuffix("\\Z")
    results = caller.get(name).json()["results"]

    assert results or name in EMPTY_HERE
    uuids = {row["id"] for row in results if isinstance(row.get("id"), str)}
    assert not uuids & foreign
    assert theirs.document.external_id not in json.dumps(results)
    assert theirs.queue.name not in json.dumps(results)


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("documents", lambda t: {"queue": t.queue.pk, "external_id": "x"}, "queue"),
        ("documents", lambda t: {"queue": t.queue.name, "external_id": "x"}, "queue"),
        ("queues", lambda t: {"name": "Q", "schema": t.schema.pk}, "schema"),
        ("queues", lambda t: {"name": "Q", "pipeline": t.pipeline.pk}, "pipeline"),
    ],
)
def test_a_row_of_another_organization_cannot_be_named(two, path, body, place):
    caller, theirs = two

    reply = caller.post(path, body(theirs))

    assert (reply.status_code, reply.json()["errors"][0]["place"]) == (400, place)


def test_a_stage_cannot_use_anothers_destination_or_queue(two):
    caller, theirs = two
    pipeline = caller.post("pipelines", {"name": "Mine"}).json()["id"]
    stage = {"name": "S", "kind": "purge", "destination": theirs.destination.pk, "queues": [theirs.queue.pk]}

    reply = caller.post(f"pipelines/{pipeline}/stages", stage)

    assert {error["place"].split("[")[0] for error in reply.json()["errors"]} == {"destination", "queues"}


def test_a_job_does_not_touch_anothers_attempts(two):
    caller, theirs = two
    theirs.job.delete()
    before = snapshot(theirs.queue.organization_id)

    reply = caller.post("jobs", {"attempts": [theirs.attempt.pk], "why": "x"})
    while working.advance(1):
        pass

    assert caller.get(f"jobs/{reply.json()['id']}").json()["report"]["total"] == 0
    assert snapshot(theirs.queue.organization_id) == before


@pytest.mark.parametrize(
    "filtered", ["attempts?document={t.document.pk}", "exchanges?run={t.run.pk}", "documents?queue={t.queue.pk}"]
)
def test_filters_by_anothers_ids_find_nothing(two, filtered):
    caller, theirs = two

    assert caller.get(filtered.format(t=theirs)).json()["results"] == []
