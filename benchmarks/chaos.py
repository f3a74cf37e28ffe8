"""Kill the worker with SIGKILL, again and again, and count what became of the documents.

    python -m benchmarks.chaos [--kills 20] [--points] [--documents FOLDER] [--seed N] [--sources 200] [--postgres]

One run with `--kills` kills at random instants, then, with `--points`, one run for each marked point of a send
(exports/crashpoints.py). After the last kill a worker finishes what is left. The ERP does not deduplicate; it counts by
external document id and by Idempotency-Key. Every run begins with an empty database: SQLite, or with `--postgres` a
PostgreSQL and a Redis of its own. Printed for each run, and 1 is the exit code unless the first three are 0 and each
point was reached:

lost         a document whose attempt has not ended, or that is exported and not booked
duplicates   booked more than once, or booked and told as not accepted
unrecorded   requests that reached the ERP and that Waybill has no exchange of
unconfirmed  attempts that wait for a person, beyond those whose connection the ERP cuts anyway"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from demo import processes
from demo.processes import ROOT, Child, Children

POINTS = ("before-mark", "after-mark", "after-reply", "before-commit")

SLOW = {
    "WAYBILL_LEASE_SECONDS": "2",
    "WAYBILL_ATTEMPTS_AT_ONCE": "6",
    "WAYBILL_WORKERS": "2",
    "WAYBILL_LOG_LEVEL": "WARNING",
}
"""Few at once, so that the run lasts long enough to be killed in, and short leases, so that it goes on soon."""


@dataclass(frozen=True, slots=True)
class Found:
    run: str
    kills: int
    documents: int
    lost: int
    duplicates: int
    unrecorded: int
    unconfirmed: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Nothing is wrong; and somebody died at the point, for else it shows nothing."""
        reached = self.kills > 1 or self.run not in POINTS
        return reached and self.lost == self.duplicates == self.unrecorded == 0


class Run:
    """One set of documents, its receivers, and workers that come and go."""

    def __init__(self, folder: Path, documents: Path, children: Children, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = dict(env)
        self.erp_ledger = folder / "erp.jsonl"
        erp = children.start(
            "ERP", "-m", "demo", "erp", "--ledger", str(self.erp_ledger), "--latency", "0.1", "--slow", "1"
        )
        sftp = children.start("SFTP", "-m", "demo", "sftp", "--root", str(folder / "sftp"))
        (self.erp,) = erp.lines(1)
        place, key = sftp.lines(2)
        self.documents = documents
        self._python(
            "-m", "demo", "prepare", "--erp", self.erp, "--sftp", place.rpartition(":")[2], "--host-key", key,
            "--documents", str(documents), "--queue", "Complex API",
        )  # fmt: skip

    def _python(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], env=self.env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
        return done.stdout

    def worker(self, **more: str) -> Child:
        return Child("worker", ["manage.py", "qcluster"], env={**self.env, **more}, logs=self.folder / "logs")

    def received(self) -> int:
        return sum(1 for _ in self.erp_ledger.open()) if self.erp_ledger.exists() else 0

    def count(self) -> dict[str, int]:
        asked = json.dumps({"erp": self.erp, "documents": str(self.documents), "ledger": str(self.erp_ledger)})
        counted: dict[str, int] = json.loads(self._python("-m", "benchmarks.counting", asked).splitlines()[-1])
        return counted

    def finish(self, patience: float = 180) -> None:
        """A worker that nobody kills, until nothing is under way."""
        worker = self.worker()
        try:
            until = time.monotonic() + patience
            while self.count()["active"] and time.monotonic() < until:
                time.sleep(0.5)
        finally:
            worker.stop()


def kill_at_random(run: Run, kills: int, chance: random.Random) -> int:
    done = 0
    while done < kills and (done == 0 or run.count()["active"]):
        before = run.received()
        worker = run.worker()
        until = time.monotonic() + 15
        while run.received() == before and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.8))
        worker.kill()
        done += 1
    return done


def kill_at_point(run: Run, point: str, chance: random.Random) -> int:
    """Each of the two worker processes dies at the point; the cluster's own reviving ones die there too."""
    worker = run.worker(WAYBILL_CRASH_AT=f"{point}:{chance.randint(2, 9)}")
    until = time.monotonic() + 30
    while "after death" not in worker.log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    died = worker.log.read_text().count("after death")
    worker.kill()
    return died + 1


def one(name: str, documents: Path, kill, *, database: Mapping[str, str]) -> Found:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as made:
        folder = Path(made)
        env = processes.environment(folder, port=processes.free_port(), settings={**SLOW, **database})
        with Children(env=env, logs=folder / "logs") as children:
            run = Run(folder, documents, children, env)
            kills = kill(run)
            run.finish()
            counted = run.count()
    counted.pop("active")
    return Found(name, kills, seconds=round(time.monotonic() - began, 1), **counted)


def runs(given: argparse.Namespace):
    """(name, function that kills) of everything that was asked for."""
    chance = random.Random(given.seed)
    if given.kills:
        yield "random", lambda run: kill_at_random(run, given.kills, chance)
    for point in POINTS if given.points else ():
        yield point, lambda run, point=point: kill_at_point(run, point, chance)


@contextmanager
def settings(*, postgres: bool) -> Iterator[dict[str, str]]:
    """Where one run keeps its rows and rings its bells. Bells of a run before, sealed by another key, would keep the
    next one's from ringing."""
    if not postgres:
        yield {}
        return
    from tests.servers import postgres as database
    from tests.servers import redis

    with database.running(durable=True) as url, redis.running() as bells:
        yield {"DATABASE_URL": url, "REDIS_URL": bells}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--points", action=argparse.BooleanOptionalAction, default=True)
    options.add_argument("--documents", type=Path, default=ROOT / "demo" / "invoices")
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument(
        "--sources", type=int, default=0, help="also kill at each step of a source, with so many things"
    )
    options.add_argument("--postgres", action="store_true", help="PostgreSQL and Redis instead of SQLite")
    given = options.parse_args()
    where = "PostgreSQL + Redis" if given.postgres else "SQLite"
    print(f"seed {given.seed}, documents {given.documents.name}, {where}", flush=True)
    clean = True
    for name, kill in runs(given):
        with settings(postgres=given.postgres) as database:
            found = one(name, given.documents.resolve(), kill, database=database)
        clean &= found.clean
        print(json.dumps(asdict(found)), flush=True)
    if given.sources:
        clean &= pull(given.sources, postgres=given.postgres)
    return 0 if clean else 1


def pull(things: int, *, postgres: bool) -> bool:
    """The same for what a source takes from a stand-in Rossum, and from a stand-in Aluma (benchmarks/pulled.py)."""
    from benchmarks import pulled

    clean = True
    for side in (pulled.rossum, pulled.aluma):
        with side() as (other, _), pulled.erp() as erp, settings(postgres=postgres) as database:
            found = pulled.one(other, erp, things, database=database)
        print(json.dumps({"run": f"{other.kind} source", **asdict(found)}), flush=True)
        clean &= not (found.lost or found.twice or found.unreached or set(found.states) - other.over)
    return clean


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
