"""Kill the worker at every marked step of a source's turn and of a send, and count what became of what waited there.

The other side is a strict stand-in in this process, and so is the ERP: both outlive every worker. It books what comes,
counts by number, and says no to the numbers that begin with "bad". What is unconfirmed in the end is settled as a person
would, by looking. `make chaos ARGS="--sources 200"`; the tests do it with 20."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo import processes
from demo.processes import ROOT, Child, Children
from tests.servers import aluma as aluma_server
from tests.servers import http
from tests.servers import rossum as rossum_server
from tests.servers.http import Seen, reply

POINTS = (
    "after-claim", "before-take", "after-take", "before-mark", "after-mark", "after-reply", "before-commit",
    "before-tell", "after-tell",
)  # fmt: skip
SLOW = {
    "WAYBILL_LEASE_SECONDS": "2", "WAYBILL_WORKERS": "1", "WAYBILL_LOG_LEVEL": "WARNING",
    "WAYBILL_BREAKER_FAILURES": "0",
}  # fmt: skip


@dataclass(slots=True)
class Erp:
    """Books what it is sent; what begins with "bad" it refuses."""

    url: str = ""
    booked: Counter[str] = field(default_factory=Counter)
    closed: bool = False
    """Asks everybody to come again later."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, seen: Seen) -> http.Answer:
        number = seen.body.decode()
        if self.closed:
            return reply(503, headers={"Retry-After": "1"})
        if number.startswith("bad"):
            return reply(422, {"error": "Supplier is blocked"})
        with self.lock:
            self.booked[number] += 1
        return reply(201, {"booked": number})


@dataclass(frozen=True, slots=True)
class Other:
    """An other side: how a source reaches it, how something new comes to wait there, and how all of it stands."""

    kind: str
    config: Mapping[str, Any]
    secrets: Mapping[str, str]
    add: Callable[[str], object]
    states: Callable[[], Mapping[str, int]]
    over: frozenset[str]
    """States in which nothing waits any more."""
    points: Sequence[str] = POINTS
    reference_key: str = ""
    """Of the file that holds the number; without one it is a field."""


@dataclass(frozen=True, slots=True)
class Found:
    kills: int
    things: int
    states: dict[str, int]
    lost: list[str]
    """Good numbers that the ERP has not."""
    twice: list[str]
    settled: int
    """Attempts whose outcome nobody could know, looked up in the end."""
    claims: dict[str, int]
    unreached: list[str]
    """Points at which nobody died: then the run shows nothing of them."""
    seconds: float


class Run:
    def __init__(self, folder: Path, env: Mapping[str, str], other: Other, erp: Erp) -> None:
        self.folder, self.env, self.other, self.erp = folder, dict(env), other, erp
        given = {"kind": other.kind, "config": other.config, "secrets": other.secrets, "erp": erp.url}
        given["reference_key"] = other.reference_key
        self.numbers: list[str] = []
        self._python("prepare", json.dumps(given))

    def _python(self, *words: str) -> str:
        command = [sys.executable, "-m", "benchmarks.pulling", *words]
        done = subprocess.run(command, env=self.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def count(self) -> dict[str, Any]:
        counted: dict[str, Any] = json.loads(self._python("count").splitlines()[-1])
        return counted

    def add(self, many: int) -> None:
        for _ in range(many):
            number = f"{'bad' if len(self.numbers) % 5 == 3 else 'good'}-{len(self.numbers)}"
            self.numbers.append(number)
            self.other.add(number)

    def worker(self, **more: str) -> Child:
        return Child("worker", ["manage.py", "qcluster"], env={**self.env, **more}, logs=self.folder / "logs")

    def die_at(self, point: str, patience: float = 120) -> int:
        """How often a process died there before the rest was killed too."""
        worker = self.worker(WAYBILL_CRASH_AT=f"{point}:1")
        until = time.monotonic() + patience
        while "after death" not in worker.log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        died = worker.log.read_text().count("after death")
        worker.kill()
        return died

    def finish(self, patience: float = 240) -> int:
        """A worker that nobody kills, and a person who settles what is unconfirmed. How many were settled."""
        worker, settled = self.worker(), 0
        try:
            until = time.monotonic() + patience
            while time.monotonic() < until:
                time.sleep(1)
                counted = self.count()
                if counted["unconfirmed"] and not counted["active"]:
                    settled += counted["unconfirmed"]
                    self._python("settle", json.dumps({"booked": sorted(self.erp.booked)}))
                elif set(self.other.states()) <= self.other.over and set(counted["claims"]) <= {"reported", "released"}:
                    break
        finally:
            worker.stop()
        return settled


def one(other: Other, erp: Erp, things: int, *, database: Mapping[str, str]) -> Found:
    began = time.monotonic()
    each = max(things // (len(other.points) + 1), 1)
    with tempfile.TemporaryDirectory(prefix="pulled-") as made:
        folder = Path(made)
        env = processes.environment(folder, port=processes.free_port(), settings={**SLOW, **database})
        with Children(env=env, logs=folder / "logs"):
            run = Run(folder, env, other, erp)
            deaths = {}
            for point in other.points:
                run.add(each)
                deaths[point] = run.die_at(point)
            run.add(things - len(run.numbers))
            settled = run.finish()
            claims = run.count()["claims"]
    good = [number for number in run.numbers if number.startswith("good")]
    return Found(
        kills=sum(deaths.values()) + len(other.points),
        things=len(run.numbers),
        states=dict(other.states()),
        lost=[number for number in good if not erp.booked[number]],
        twice=[number for number, times in erp.booked.items() if times > 1],
        settled=settled,
        claims=claims,
        unreached=[point for point, died in deaths.items() if not died],
        seconds=round(time.monotonic() - began, 1),
    )


@contextmanager
def erp() -> Iterator[Erp]:
    with http.running() as server:
        made = Erp(f"{server.url}/book")
        server.otherwise = made.handle
        yield made


@contextmanager
def rossum() -> Iterator[tuple[Other, rossum_server.Rossum]]:
    with rossum_server.running(rate=10) as account:
        user, password = rossum_server.LOGIN
        yield (
            Other(
                "rossum",
                {"base_url": account.url, "queues": [205], "username": user},
                {"rossum_password": password},
                lambda number: account.add({"number": number}),
                account.states,
                frozenset({"exported", "failed_export"}),
            ),
            account,
        )


OF_A_TASK = (
    "after-claim", "before-start", "after-start", "before-cancel", "after-cancel", "after-file", "before-take",
    "after-take", "before-mark", "after-mark", "after-reply", "before-commit", "before-complete", "after-complete",
    "before-fail", "after-fail",
)  # fmt: skip
"""In this order: what a start leaves hanging is what the next worker cancels, and dies while it does."""


@contextmanager
def aluma() -> Iterator[tuple[Other, aluma_server.Aluma]]:
    """Tasks of two documents: the number as text, and a file that is fetched by its url."""
    with aluma_server.running() as account:
        client, secret = aluma_server.CLIENT

        def add(number: str) -> object:
            scan = aluma_server.File("scans", f"{number}.pdf", data=b"%PDF-1.7 " + number.encode())
            return account.add([aluma_server.File("", f"{number}.txt", number)], [scan], name=number)

        yield (
            Other(
                "aluma",
                {"url": account.url, "client_id": client, "first_delay_seconds": 1, "longest_delay_seconds": 2},
                {"aluma_client_secret": secret},
                add,
                account.states,
                frozenset({"completed", "failed"}),
                OF_A_TASK,
                "received.1.1",
            ),
            account,
        )
