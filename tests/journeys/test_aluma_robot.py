"""Robots that export from Aluma, pointed at Waybill: the loop of the vendor's guide against a live web server and a real
worker, on both databases. They race, lose answers, and go on while the worker is killed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin

import pytest
import requests

from demo import processes
from demo.processes import ROOT, Children, free_port
from tests.servers.forgetful import forgetful

PREPARE = """
import json, sys
from accounts import keys, scope
from accounts.policy import Principal
from exports import attempts, contents
from exports.models import Document
from pipelines import publishing
from tests import builders

number = int(sys.argv[1])
acme = builders.organization(sys.argv[2])
with scope.to(acme.pk):
    files = [
        {"type": "custom_format", "export_reference_key": "payload", "filename_template": "{number}.csv"},
        {"type": "document", "path_to_directory": "scans/{supplier}", "filename_template": "{number}"},
    ]
    rendered = {"export_reference_key": "payload", "file_name": "data.csv",
                "file_content_template": "PO,Qty\\n{{ field.number }},3"}
    draft = builders.pipeline(
        {"name": "Render", "kind": "template", "config": {"export_configs": [rendered]}},
        {"name": "Hand out", "kind": "client_action", "config": {"files": files}},
        name="Goods-in",
    )
    publishing.publish(draft, by=builders.owner())
    draft.refresh_from_db()
    queue = builders.queue(pipeline=draft)
    for one in range(number):
        scan = {"file_name": f"delivery-{one}.pdf", "media_type": "application/pdf"}
        document = builders.document(queue, {"number": f"INV-{one}", "supplier": "ACME/Ltd"}, **scan)
        content = contents.keep(b"%PDF-1.7 " + bytes([one]) * 300_000, acme.pk)
        content.save(force_insert=True)
        Document.objects.filter(pk=document.pk).update(original=content)
        document.refresh_from_db()
        attempts.start(document, by=builders.owner())
    robots = [keys.create(Principal.system("test", acme.pk), f"robot {n}", "operator")[1] for n in (1, 2)]
    print(json.dumps(robots))
"""
LOOK = """
import json, sys
from collections import Counter
from exports.models import Attempt, ClientTask
attempts = Attempt.unscoped.filter(organization__name=sys.argv[1])
tasks = ClientTask.unscoped.filter(organization__name=sys.argv[1])
print(json.dumps({
    "attempts": Counter(attempts.values_list("state", flat=True)),
    "documents": Counter(attempts.values_list("document__status", flat=True)),
    "starts": Counter(tasks.values_list("starts", flat=True)),
}))
"""
WAITING = {"state": "pending:start_client_action", "client_action": "export"}


class Place:
    """One Waybill of its own: a web server and a worker, spoken to over HTTP."""

    def __init__(self, folder, settings):
        self.port = free_port()
        self.env = processes.environment(folder / "waybill", port=self.port, settings=settings)
        self.url = f"http://127.0.0.1:{self.port}"
        self.base = f"{self.url}/aluma"
        self.name = ""
        self._run("manage.py", "migrate", "--verbosity", "0")

    def _run(self, *words):
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _python(self, code, *arguments):
        told = self._run("-c", f"import django; django.setup()\n{code}", *map(str, arguments))
        return json.loads(told.splitlines()[-1])

    def prepare(self, number):
        """Two robots' keys of a new organization, with so many documents on their way out."""
        self.name = f"Acme {uuid.uuid4().hex[:8]}"
        return self._python(PREPARE, number, self.name)

    def look(self):
        return self._python(LOOK, self.name)


class Robot:
    """The guide's loop in plain requests. `files` holds what it wrote, by path."""

    def __init__(self, base, key):
        self.base = base
        self.files = {}
        self.started = []
        self.refused = 0
        self.session = requests.Session()
        login = {"client_id": key.split("_")[1], "client_secret": key}
        token = self.session.post(f"{base}/oauth/token", json=login, timeout=60).json()
        self.session.headers["Authorization"] = f"{token['token_type']} {token['access_token']}"

    def until(self, state, number):
        """Until that many tasks are in this state, and none in another."""
        end = time.monotonic() + 120
        while (seen := self.states()) != [state] * number:
            assert time.monotonic() < end, f"not {number} × {state}: {seen}"
            time.sleep(0.2)

    def states(self):
        return [task["state"] for task in self.session.get(f"{self.base}/tasks", timeout=60).json()["tasks"]]

    def waiting(self):
        reply = self.session.get(f"{self.base}/tasks", params=WAITING, timeout=60)
        assert (reply.status_code, reply.history) == (200, [])
        return reply.json()["tasks"]

    def act(self, task, name, **more):
        url = f"{self.base}/tasks/{task['id']}/{name}_client_action"
        return self.session.put(url, params={"action": "export"}, timeout=60, **more)

    def export(self, task):
        started = self.act(task, "start")
        if started.status_code != 202:
            assert started.status_code == 409, started.text
            self.refused += 1
            return
        self.started.append(task["id"])
        for file in (file for document in started.json()["documents"] for file in document["files"]):
            path = f"{file['folder']}/{file['filename']}".lstrip("/")
            assert path not in self.files
            self.files[path] = file["content"].encode() if file["source"] == "content" else self.fetch(file["url"])
        assert self.act(task, "complete").status_code == 202

    def fetch(self, url):
        """Below the base and at the host's root: clients resolve it either way."""
        below = self.session.get(self.base + url, timeout=60)
        root = self.session.get(urljoin(self.base, url), timeout=60)
        assert (below.status_code, root.status_code, below.content) == (200, 200, root.content)
        return below.content

    def work_off(self, more):
        """While there is `more` to come; idle for a moment where nothing waits."""
        end = time.monotonic() + 120
        while more():
            assert time.monotonic() < end, "not everything was offered"
            for task in self.waiting():
                self.export(task)
            time.sleep(0.2)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request, tmp_path_factory):
    settings = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    folder = tmp_path_factory.mktemp("aluma")
    made = Place(folder, settings)
    with Children(env=made.env, logs=folder / "logs") as children:
        processes.web(children, made.port)
        made.children, made.worker = children, processes.worker(children)
        yield made


def all_well(number):
    return {"attempts": {"succeeded": number}, "documents": {"exported": number}, "starts": {"1": number}}


def expected(number):
    files = {f"INV-{one}.csv": f"PO,Qty\nINV-{one},3".encode() for one in range(number)}
    return files | {f"scans/ACME_Ltd/INV-{one}.pdf": b"%PDF-1.7 " + bytes([one]) * 300_000 for one in range(number)}


def digests(files):
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def test_two_robots_share_the_work_and_never_a_task(place):
    number = 12
    robots = [Robot(place.base, key) for key in place.prepare(number)]

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(robot.work_off, lambda: sum(len(one.started) for one in robots) < number)
                     for robot in robots]:  # fmt: skip
            done.result()
    robots[0].until("completed", number)

    assert place.look() == all_well(number)
    assert not set(robots[0].started) & set(robots[1].started)
    assert digests(robots[0].files | robots[1].files) == digests(expected(number))


def test_of_many_starts_at_once_one_gets_the_task(place):
    keys = place.prepare(5)
    robots = [Robot(place.base, keys[index % 2]) for index in range(6)]
    robots[0].until(WAITING["state"], 5)

    with ThreadPoolExecutor(6) as pool:
        answers = [
            sorted(pool.map(lambda robot, task=task: robot.act(task, "start").status_code, robots))
            for task in robots[0].waiting()
        ]

    assert answers == [[202, 409, 409, 409, 409, 409]] * 5
    assert place.look()["starts"] == {"1": 5}


def test_a_robot_that_loses_the_answer_to_its_start_asks_again_with_its_key(place):
    keys = place.prepare(1)

    with forgetful(place.url) as proxy:
        robot = Robot(f"{proxy.url}/aluma", keys[0])
        robot.until(WAITING["state"], 1)
        (task,) = robot.waiting()
        proxy.lose.append("PUT /aluma/tasks")
        with pytest.raises(requests.RequestException):
            robot.act(task, "start", headers={"Idempotency-Key": "k-1"})
        without, again = robot.act(task, "start"), robot.act(task, "start", headers={"Idempotency-Key": "k-1"})
        proxy.lose.append("PUT /aluma/tasks")
        with pytest.raises(requests.RequestException):
            robot.act(task, "complete")
        assert robot.act(task, "complete").status_code == 202
        robot.until("completed", 1)

    assert [status for _, status in proxy.lost] == [202, 202]
    assert (without.status_code, again.status_code) == (409, 202)
    assert len(again.json()["documents"][0]["files"]) == 2
    assert place.look() == all_well(1)


def test_a_killed_worker_loses_nothing_that_waits(place):
    number = 4
    robot = Robot(place.base, place.prepare(number)[0])
    robot.until(WAITING["state"], number)

    place.worker.kill()
    for task in robot.waiting():
        robot.export(task)
    assert robot.states() == ["running"] * number
    place.worker = processes.worker(place.children)
    robot.until("completed", number)

    assert place.look() == all_well(number)
    assert digests(robot.files) == digests(expected(number))
