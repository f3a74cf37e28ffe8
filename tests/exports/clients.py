"""Attempts that wait for an outside client, and clients that take their tasks: for the tests of exports/clienttasks.py."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts import scope
from accounts.policy import GRANTS, Principal
from audit.models import Event
from exports import loop
from exports.clienttasks import Client
from exports.models import Attempt, ClientTask, StageRun
from exports.states import State
from tests import builders

FILES = [{"type": "annotation_content", "format": "csv", "filename_template": "{number}.csv"}]


def robot(name="robot", organization_id=None):
    return Principal(f"key:{name}", organization_id or scope.current(), GRANTS["operator"])


def client(name="robot", holder="token:1"):
    return Client(robot(name), holder)


def offered(**config) -> ClientTask:
    attempt = builders.attempt({"name": "hand out", "kind": "client_action", "config": {"files": FILES, **config}})
    attempt = loop.run_now(attempt.pk)
    assert attempt.state == State.PARKED
    return ClientTask.objects.get(attempt=attempt)


def after(task) -> Attempt:
    """The attempt once a worker has looked at it."""
    return loop.run_now(task.attempt_id)


def mark(task):
    return StageRun.objects.get(pk=task.run_id).marked_at


def later(**delta):
    return timezone.now() + timedelta(**delta)


def verbs(task):
    events = Event.objects.filter(subject=f"attempt:{task.attempt_id}", verb__endswith="_task").order_by("pk")
    return [(event.verb.removeprefix("attempt."), event.actor) for event in events]
