"""One organization with documents that wait for an outside client, and robots that speak Aluma's protocol."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from accounts import keys, scope
from accounts.policy import Principal
from exports import attempts, contents, loop
from exports.models import Attempt, ClientTask, Document
from exports.wire import aluma
from pipelines import publishing
from tests import builders

BASE = "/aluma"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
FILES = [
    {"type": "annotation_content", "format": "csv", "filename_template": "{number}.csv"},
    {"type": "document", "path_to_directory": "scans/2026", "filename_template": "{number}"},
]


def key_of(organization, role="operator", name=""):
    """The plain text of a new API key."""
    with scope.to(organization.pk):
        return keys.create(Principal.system("test", organization.pk), name or f"{role}-robot", role)[1]


def robot_of(plain):
    """Django's client with a key as its bearer; it must do without CSRF tokens, and an error of ours is a 500."""
    return Client(headers={"authorization": f"Bearer {plain}"}, enforce_csrf_checks=True, raise_request_exception=False)


def exported(fields=None, *, files=FILES, original=PDF, name="delivery-0007.pdf", **config):
    """A document whose attempt waits for a client, and its task."""
    draft = builders.pipeline(
        {"name": "hand out", "kind": "client_action", "config": {"files": files, **config}}, name=builders_name()
    )
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    return offered(builders.queue(pipeline=draft), fields, original=original, name=name)


def offered(queue, fields=None, *, original=PDF, name="delivery-0007.pdf"):
    document = builders.document(
        queue, {"number": "0007"} if fields is None else fields, file_name=name, media_type="application/pdf"
    )
    if original is not None:
        row = contents.keep(original, document.organization_id)
        row.save(force_insert=True)
        Document.objects.filter(pk=document.pk).update(original=row)
        document.refresh_from_db()
    attempt = loop.run_now(attempts.start(document, by=builders.owner()).pk)
    return ClientTask.objects.get(attempt=attempt)


def builders_name():
    return f"Goods-in {ClientTask.objects.count() + 1}"


def at(task, act=""):
    address = f"{BASE}/tasks/{aluma.short(task.pk)}"
    return f"{address}/{act}_client_action?action=export" if act else address


WAITING = f"{BASE}/tasks?state=pending:start_client_action&client_action=export"


def ids(reply):
    assert reply.status_code == 200, reply.content
    return [task["id"] for task in reply.json()["tasks"]]


def act(robot, task, name, body=None, **headers):
    if body is None:
        return robot.put(at(task, name), headers=headers)
    return robot.put(at(task, name), json.dumps(body), content_type="application/json", headers=headers)


def after(task) -> Attempt:
    return loop.run_now(task.attempt_id)


@pytest.fixture
def key(organization):
    return key_of(organization, name="the robot")


@pytest.fixture
def robot(key):
    return robot_of(key)


@pytest.fixture
def task(organization):
    return exported()
