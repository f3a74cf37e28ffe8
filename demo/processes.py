"""Child processes of the demo: started with their own log, ended in order, and never left behind.

On Linux the kernel ends a child when its parent is gone, however the parent went (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class DemoError(Exception):
    """The demo cannot go on; the text says why, and what to look at."""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody has it on loopback, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise DemoError("No port is free on 127.0.0.1.")


class Child:
    """One process, in a session of its own, so that Ctrl-C reaches the demo first and children end in order."""

    def __init__(self, name: str, words: Sequence[str], *, env: Mapping[str, str], logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # prctl only
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def lines(self, count: int, *, seconds: float = 20) -> list[str]:
        """The first lines that it printed. Raises DemoError when they do not come."""
        self.wait_for(lambda: self.log.read_text().count("\n") >= count, seconds=seconds, what="did not start")
        return self.log.read_text().splitlines()[:count]

    def wait_for(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Until `ready` says yes. Raises DemoError with the end of the log when the process died or time is over."""
        until = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise DemoError(f"The {self.name} ended with code {self._process.returncode}.\n{self.tail()}")
            if time.monotonic() > until:
                raise DemoError(f"The {self.name} {what} within {seconds:.0f} seconds.\n{self.tail()}")
            time.sleep(0.05)

    def tail(self, count: int = 15) -> str:
        last = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join([f"Its log is {self.log}" + (", which ends:" if last else " and is empty."), *last])

    def kill(self) -> None:
        """End it and everything it started at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in its group
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, *, seconds: float = 15) -> None:
        """Ask it to end; after that many seconds, end it and everything it started."""
        if self.alive:
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()


class Children:
    """All of them; leaving the block stops the last one first."""

    def __init__(self, *, env: Mapping[str, str], logs: Path) -> None:
        self._env = env
        self.logs = logs
        self._started: list[Child] = []

    def start(self, name: str, *words: str) -> Child:
        child = Child(name, words, env=self._env, logs=self.logs)
        self._started.append(child)
        return child

    def dead(self) -> Child | None:
        """The first that has ended by itself."""
        return next((child for child in self._started if not child.alive), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        while self._started:
            self._started.pop().stop()


def environment(folder: Path, *, port: int, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every process of one Waybill is started with: of the caller's own Waybill nothing."""
    own = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    inherited = {
        name: value for name, value in os.environ.items() if name not in own and not name.startswith("WAYBILL_")
    }
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "WAYBILL_DATA": str(folder),
        "WAYBILL_PUBLIC_URL": f"http://localhost:{port}",
        "WAYBILL_BACKOFF_SECONDS": "1",
        **(settings or {}),
    }


def web(children: Children, port: int) -> Child:
    """Gunicorn on loopback."""
    words = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "8", "--no-control-socket"]
    child = children.start("web server", *words)
    child.wait_for(lambda: _answers(port), seconds=60, what="did not answer")
    return child


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/admin/login/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker(children: Children) -> Child:
    return children.start("worker", "manage.py", "qcluster")
