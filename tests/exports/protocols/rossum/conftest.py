"""One organization, and ways to ask Waybill by Rossum's protocol: Django's client, and a live server for real ones."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.test import Client

from accounts import keys, scope
from accounts.policy import Principal
from demo import processes
from demo.processes import ROOT, Children, free_port
from pipelines import publishing
from pipelines.models import Stage
from tests import builders, desk

API = "/rossum/api/v1"


def key_of(organization, role="operator", name=""):
    """The plain text of a new API key."""
    with scope.to(organization.pk):
        return keys.create(Principal.system("test", organization.pk), name or f"{role}-robot", role)[1]


def caller(organization, role="operator", **options):
    """A client that speaks for a key of this role. An error of ours is an answer of 500."""
    plain = key_of(organization, role, **options)
    return Client(headers={"authorization": f"Bearer {plain}"}, raise_request_exception=False)


@pytest.fixture
def robot(organization):
    return caller(organization)


@pytest.fixture
def key(organization):
    return key_of(organization, "integrator", "the robot")


@pytest.fixture
def other():
    """A second organization, not in scope."""
    return builders.organization("Other")


@pytest.fixture
def within():
    """Runs what follows in another organization's scope."""
    return lambda organization: scope.to(organization.pk)


@pytest.fixture
def base(live_server):
    return f"{live_server.url}{API}"


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The address of a Waybill with several threads, and what robotworld made there."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    env = processes.environment(folder / "waybill", port=port)
    _program(env, "manage.py", "migrate", "--verbosity", "0")
    world = json.loads(_program(env, "-m", "tests.exports.protocols.rossum.robotworld").splitlines()[-1])
    with Children(env=env, logs=folder / "logs") as children:
        processes.web(children, port)
        yield f"http://127.0.0.1:{port}", world


def _program(env, *words):
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def send(robot, method, path, body=None):
    return getattr(robot, method)(f"{API}/{path}", body or {}, content_type="application/json")


def stage(name):
    return Stage.objects.get(name=name)


def hooked():
    """A queue whose published pipeline has two stages: Render, and after it Clean."""
    draft = builders.pipeline(
        {"name": "Render", "kind": "template", "config": desk.TEMPLATE},
        {"name": "Clean", "kind": "purge", "config": {"keys": ["old"]}},
        name="To the ERP",
    )
    made = builders.queue("Invoices", pipeline=draft, schema=builders.schema("document_id"))
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    made.refresh_from_db()
    return made
