"""Documents a second, as ratios to the bare loop in the same run.

    python -m benchmarks [--quick] [--only sqlite|postgres] [--latency MS …]

Each line: the engine under its default settings (`manage.py qcluster`), the bare loop with one thread, the bare loop with
64, and the two ratios. Absolute numbers depend on the machine; the ratios are what is kept."""

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
    print(
        f"{'database':18} {'latency':>8} {'engine/s':>9} {'bare/s':>8} {'×64/s':>8} {'of bare':>8} {'of ×64':>7} {'CPU/doc':>8}  workers"
    )
    for database in [given.only] if given.only else ["sqlite", "postgres"]:
        for latency in given.latency:
            found = measure(database, latency, scale=0.1 if given.quick else 1.0)
            print(
                f"{found['database']:18} {latency:>5} ms {found['engine']:9.1f} {found['bare']:8.1f} {found['threads']:8.1f} "
                f"{found['engine'] / found['bare']:8.2f} {found['engine'] / found['threads']:7.2f} {found['cpu']:5.1f} ms  {found['workers']}",
                flush=True,
            )


if __name__ == "__main__":
    main()
