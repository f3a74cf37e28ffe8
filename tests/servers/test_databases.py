"""The settings that hold: both databases migrate, both brokers carry a task to a real cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
RING = """
import pathlib, sys, django
django.setup()
from django_q.tasks import async_task
async_task("pathlib.Path.write_text", pathlib.Path(sys.argv[1]), "rung")
"""


def environment(folder: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return {**inherited, "WAYBILL_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "config.settings", **settings}


def python(*words: str, env: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def cluster(env: dict[str, str]):
    process = subprocess.Popen([sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=env, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def written(path: Path, *, within: float) -> str:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.05)
    return ""


def test_the_migrations_run_on_postgresql(postgres_url, tmp_path):
    env = environment(tmp_path, DATABASE_URL=postgres_url)

    python("manage.py", "migrate", "--verbosity", "0", env=env)

    with psycopg.connect(postgres_url) as connection:
        tables = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert {"exports_attempt", "exports_document", "pipelines_revision", "accounts_apikey", "audit_event"} <= tables


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("broker", ["orm", "redis"])
def test_a_cluster_runs_a_task(database, broker, tmp_path, request):
    settings = {}
    if database == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    if broker == "redis":
        settings["REDIS_URL"] = request.getfixturevalue("redis_url")
    env = environment(tmp_path, WAYBILL_WORKERS="2", WAYBILL_DRAIN_SECONDS="1", **settings)
    python("manage.py", "migrate", "--verbosity", "0", env=env)
    note = tmp_path / "note"

    with cluster(env):
        python("-c", RING, str(note), env=env)

        assert written(note, within=60) == "rung"
