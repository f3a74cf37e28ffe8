"""How a bulk job of 100,000 goes: the preview, the gathering, the requests a second, and the memory it takes.

    python -m benchmarks.bulk [--many 100000] [--sqlite]

Nothing is sent: the attempts that the job makes stay queued. Printed are seconds, subjects a second, and by how much the
process grew, which must not depend on how many there are."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--many", type=int, default=100_000, help="open failures")
    options.add_argument("--sqlite", action="store_true")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")))
        os.environ |= {"WAYBILL_DATA": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        os.environ.pop("DATABASE_URL", None)
        if not given.sqlite:
            from tests.servers import postgres

            os.environ["DATABASE_URL"] = stack.enter_context(postgres.running())
        import django

        django.setup()
        return _measure(given.many)


def _measure(many: int) -> int:
    from django.core.management import call_command
    from django.db import connection

    from accounts import scope
    from benchmarks.filling import Filling
    from exports.bulk import asking, results, working
    from exports.bulk.options import Options
    from exports.models import Job
    from exports.predicate import Predicate
    from exports.states import JobState
    from tests import builders

    call_command("migrate", verbosity=0)
    known = Filling(int(many * 2.0), open_share=1.0).run()
    with scope.to(known["organization"].pk):
        by, predicate = builders.owner(), Predicate.read({"open": "1"})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        seen = asking.preview("requeue", predicate, by=by, options=Options())
        print(f"{connection.vendor}: {seen.total:,} match, preview {time.perf_counter() - began:.2f} s", flush=True)
        job = asking.ask("requeue", predicate, by=by, why="bench", token="bench", expected=seen.count)
        began = time.perf_counter()
        while Job.objects.get(pk=job.pk).state == JobState.GATHERING:
            working.slice_of(job.pk)
        print(f"  gathered in {time.perf_counter() - began:.1f} s", flush=True)
        began = time.perf_counter()
        while Job.objects.get(pk=job.pk).state == JobState.RUNNING:
            working.slice_of(job.pk)
        took = time.perf_counter() - began
        report = results.report(job)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(
            f"  {report.awaited:,} sent again in {took:.0f} s, {report.awaited / took:.0f} a second; {grown // 1024} MB more"
        )
        agree = report.total == seen.total and report.awaited + sum(report.refused.values()) == seen.count
        print(f"  the figures agree: {agree}")
        return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
