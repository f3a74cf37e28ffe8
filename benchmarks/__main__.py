"""Documents a second, as ratios to the bare loop in the same run.

    python -m benchmarks [--quick] [--only sqlite|postgres] [--latency MS …]

Each line: the engine under its default settings (`manage.py qcluster`), the bare loop with one thread, the same
without waiting for the disk, the bare loop with 64 threads, and the ratios. Absolute numbers depend on the machine; the ratios are what is kept."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks import chain

ROOT = Path(__file__).resolve().parent.parent

SIZES = {0: (3000, 1500, 3000), 50: (3000, 100, 3000), 500: (1500, 12, 1000)}
"""Documents for the engine, the bare loop and the bare loop with threads, by latency in ms."""


def child(stack: ExitStack, *words: str, env: dict[str, str], wait: bool = True) -> str:
    """Start a process that ends with the stack; returns the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, *words], env=env, cwd=ROOT, stdout=subprocess.PIPE if wait else None, text=True,
        start_new_session=True,
    )  # fmt: skip

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    stack.callback(end)
    return process.stdout.readline().strip() if wait else ""


def measure(database: str, latency: int, *, scale: float) -> dict:
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")))
        )
        env = {**os.environ, "WAYBILL_DATA": str(folder), "WAYBILL_FOLDER_ROOTS": str(folder / "outbox")}
        env.pop("DATABASE_URL", None)
        env.pop("REDIS_URL", None)
        if database == "postgres":
            from tests.servers import postgres, redis

            env["DATABASE_URL"] = stack.enter_context(postgres.running(durable=True))
            env["REDIS_URL"] = stack.enter_context(redis.running())
        port = child(stack, "-m", "benchmarks.receiver", "0", str(latency), env=env)
        url = f"http://127.0.0.1:{port}/orders"
        documents = [max(int(size * scale), 10) for size in SIZES[latency]]
        asked = json.dumps({
            "documents": documents, "url": url, "folder": str(folder), "database": env.get("DATABASE_URL", "")
        })  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.one", asked],
            env=env,
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a tenth of the documents")
    options.add_argument("--only", choices=["sqlite", "postgres"])
    options.add_argument("--latency", type=int, nargs="*", default=list(SIZES))
    given = options.parse_args()
    print("pipeline:", chain.shown())
    columns = (
        "database",
        "latency",
        "engine/s",
        "bare/s",
        "unsynced",
        "×64/s",
        "of bare",
        "of unsynced",
        "of ×64",
        "CPU/doc",
    )
    print(f"{columns[0]:18}", *(f"{column:>11}" for column in columns[1:]), " workers")
    for database in [given.only] if given.only else ["sqlite", "postgres"]:
        for latency in given.latency:
            found = measure(database, latency, scale=0.1 if given.quick else 1.0)
            speeds = [found[name] for name in ("engine", "bare", "unsynced", "threads")]
            ratios = [found["engine"] / found[name] for name in ("bare", "unsynced", "threads")]
            print(
                f"{found['database']:18} {latency:>8} ms",
                *(f"{speed:11.1f}" for speed in speeds),
                *(f"{ratio:11.2f}" for ratio in ratios),
                f"{found['cpu']:8.1f} ms  {found['workers']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
