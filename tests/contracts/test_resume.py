"""The promise to long stages: a worker killed in the middle of a thousand chunks costs the chunks since a checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contracts import dummy

ROOT = Path(__file__).resolve().parents[2]
CHUNKS, EVERY = 1000, 20

PREPARE = """
import json, sys
from accounts import scope
from tests import builders
with scope.to(builders.organization("Acme").pk):
    attempt = builders.attempt({"name": "long", "kind": "dummy", "config": json.loads(sys.argv[1])})
    print(attempt.pk)
"""
LOOK = """
import json, sys
from exports import contents
from exports.models import Artifact, Attempt, StageRun
attempt = Attempt.unscoped.select_related("document").get(pk=int(sys.argv[1]))
run = StageRun.unscoped.filter(attempt=attempt).first()
artifact = Artifact.unscoped.select_related("content").filter(attempt=attempt).first()
print(json.dumps({
    "state": attempt.state, "status": attempt.document.status, "lapses": attempt.lapses,
    "progress": run and run.progress, "tries": run and run.tries,
    "lines": contents.blob(artifact.content).read().decode().split() if artifact else [],
}))
"""
WORK = "from exports import loop; loop.drain(120)"


class Place:
    """A database of its own, seen only through processes of their own, as machines would see it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        plugin = dummy.install(folder / "plugin")
        inherited = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        self.env = {
            **inherited,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{plugin}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "WAYBILL_DATA": str(folder / "data"),
            "WAYBILL_LEASE_SECONDS": "2",
            **settings,
        }
        self.python("from django.core.management import call_command; call_command('migrate', verbosity=0)")

    def _command(self, code: str, *arguments: object) -> list[str]:
        return [sys.executable, "-c", f"import django; django.setup()\n{code}", *map(str, arguments)]

    def python(self, code: str, *arguments: object) -> str:
        done = subprocess.run(
            self._command(code, *arguments), cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def look(self, attempt: str) -> dict:
        return json.loads(self.python(LOOK, attempt))

    @contextmanager
    def worker(self):
        process = subprocess.Popen(self._command(WORK), cwd=ROOT, env=self.env)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(condition, *, within: float, what: str):
    end = time.monotonic() + within
    while not (seen := condition()):
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        time.sleep(0.02)
    return seen


def journal(path: Path) -> list[tuple[int, int]]:
    """(process, chunk) in the order in which they were worked; a line that is just being written is left out."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [(int(process), int(chunk)) for process, chunk in (line.split() for line in lines)]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    settings = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    return Place(tmp_path, **settings)


def test_a_killed_worker_costs_the_chunks_since_the_last_checkpoint(place, tmp_path):
    log = tmp_path / "journal"
    config = {"chunks": CHUNKS, "checkpoint_every": EVERY, "seconds_a_chunk": 0.002, "journal": str(log)}
    attempt = place.python(PREPARE, json.dumps(config))

    with place.worker() as first:
        until(lambda: len(journal(log)) >= 300, within=120, what="300 chunks of the first worker")
        first.kill()
        first.wait()
    reached = len(journal(log))
    with place.worker() as second:
        until(lambda: len(journal(log)) > reached, within=120, what="the second worker to take over")
        until(lambda: place.look(attempt)["state"] == "succeeded", within=180, what="the attempt's end")

    worked = journal(log)
    by_first = [chunk for process, chunk in worked if process == first.pid]
    by_second = [chunk for process, chunk in worked if process == second.pid]
    twice = [chunk for chunk, times in Counter(chunk for _, chunk in worked).items() if times > 1]
    assert by_first == list(range(reached))
    assert by_second == list(range(by_second[0], CHUNKS))
    assert by_second[0] % EVERY == 0, "it goes on from a checkpoint"
    assert by_second[0] > 0, "it does not begin again"
    assert len(twice) <= 2 * EVERY, "at most what the last checkpoint did not cover, and the one being committed"
    assert place.look(attempt) == {
        "state": "succeeded",
        "status": "exported",
        "lapses": 1,
        "progress": {"done": CHUNKS, "total": CHUNKS, "unit": "chunks"},
        "tries": 2,
        "lines": [str(chunk) for chunk in range(CHUNKS)],
    }
