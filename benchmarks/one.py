"""One measurement, in its own process with its own settings: `benchmarks/__main__.py` calls it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("WAYBILL_LOG_LEVEL", "WARNING")

import django  # settings first

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Max  # noqa: E402

from accounts import scope  # noqa: E402
from accounts.models import Organization  # noqa: E402
from accounts.policy import Principal  # noqa: E402
from benchmarks import bare, chain  # noqa: E402
from exports import worklist  # noqa: E402
from exports.models import Attempt, Document, FieldsVersion, Loop  # noqa: E402
from exports.states import ENDED, State, Status  # noqa: E402
from pipelines import publishing, shapes  # noqa: E402
from pipelines.models import Destination, Pipeline, Queue, Stage  # noqa: E402


def prepare(number: int, url: str, outbox: str) -> None:
    """One pipeline and `number` documents, exporting, with attempts that are paused."""
    organization = Organization.objects.create(name="Bench", slug="bench")
    by = Principal.system("bench", organization.pk)
    with scope.to(organization.pk):
        destination = Destination.own(name="Loopback", allowed_hosts=["127.0.0.1"], allowed_networks=["127.0.0.0/8"])
        destination.save()
        pipeline = Pipeline.own(name="Bench")
        pipeline.save()
        before: list[str] = []
        for position, stage in enumerate(chain.stages(url, outbox)):
            row = Stage.own(
                pipeline=pipeline, name=stage["name"], kind=stage["kind"], config=json.dumps(stage["config"]),
                run_after=before, position=position, destination=destination if stage["kind"] == "rest_api" else None,
            )  # fmt: skip
            row.save()
            before = [stage["name"]]
        queue = Queue.own(name="Bench", pipeline=pipeline)
        queue.save()
        revision = publishing.publish(pipeline, by=by)
        lane = worklist.lane(organization.pk, destination.pk)
        for begin in range(0, number, 500):
            documents = Document.unscoped.bulk_create(
                Document.own(queue=queue, external_id=str(n), status=Status.EXPORTING)
                for n in range(begin, min(begin + 500, number))
            )
            versions = FieldsVersion.unscoped.bulk_create(
                FieldsVersion.own(
                    document=document,
                    number=1,
                    content=list(shapes.parse(chain.fields(document.pk)).sections),
                    by="bench",
                )
                for document in documents
            )
            for document, version in zip(documents, versions, strict=True):
                document.fields = version
            Document.unscoped.bulk_update(documents, ["fields"])
            Attempt.unscoped.bulk_create(
                Attempt.own(
                    document=document, revision=revision, number=1, trigger="robot", requested_by=by.name,
                    state=State.PAUSED, lane=lane,
                )
                for document in documents
            )  # fmt: skip


def engine(number: int) -> dict[str, float]:
    """Documents a second from the moment that all are queued to the end of the last, and processor ms a document."""
    worker = subprocess.Popen([sys.executable, "manage.py", "qcluster"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while Loop.objects.count() < min(settings.WORKERS, 2) and time.monotonic() < deadline:
            time.sleep(0.2)
            if Loop.objects.count() == 1 and time.monotonic() > deadline - 50:
                break
        spent = _spent(worker.pid)
        began = datetime.now(UTC)
        Attempt.unscoped.filter(state=State.PAUSED).update(state=State.QUEUED, due_at=began)
        deadline = time.monotonic() + 900
        while Attempt.unscoped.filter(state__in=ENDED).count() < number:
            if time.monotonic() > deadline:
                raise SystemExit(f"still running: {list(Attempt.unscoped.values_list('state', 'message')[:3])}")
            time.sleep(0.2)
        spent = _spent(worker.pid) - spent
        ended = Attempt.unscoped.aggregate(at=Max("finished_at"))["at"]
        succeeded = Attempt.unscoped.filter(state=State.SUCCEEDED).count()
        if succeeded != number:
            failed = Attempt.unscoped.exclude(state=State.SUCCEEDED).values_list("reason", "message").first()
            raise SystemExit(f"only {succeeded} of {number} succeeded: {failed}")
        return {"engine": number / (ended - began).total_seconds(), "cpu": 1000 * spent / number}
    finally:
        worker.terminate()
        worker.wait(60)


def main() -> None:
    asked = json.loads(sys.argv[1])
    folder = Path(asked["folder"])
    for_engine, for_bare, for_threads = asked["documents"]
    (folder / "outbox").mkdir(exist_ok=True)
    call_command("migrate", verbosity=0)
    prepare(for_engine, asked["url"], str(folder / "outbox"))
    found = {
        "database": "SQLite" if connection.vendor == "sqlite" else "PostgreSQL+Redis",
        "workers": f"{settings.WORKERS} processes × {settings.ATTEMPTS_AT_ONCE} threads",
        **engine(for_engine),
    }
    database = bare.Postgres(asked["database"]) if asked["database"] else bare.Sqlite(folder)
    documents = [chain.fields(n) for n in range(max(for_bare, for_threads))]
    found["bare"] = bare.run(documents[:for_bare], asked["url"], database, folder / "bare", threads=1)
    database = bare.Postgres(asked["database"]) if asked["database"] else bare.Sqlite(_fresh(folder, "threads"))
    found["threads"] = bare.run(documents[:for_threads], asked["url"], database, folder / "bare64", threads=64)
    unsynced = _fresh(folder, "unsynced")
    database = (
        bare.Postgres(asked["database"], synced=False) if asked["database"] else bare.Sqlite(unsynced, synced=False)
    )
    found["unsynced"] = bare.run(documents[:for_bare], asked["url"], database, unsynced / "out", threads=1)
    print(json.dumps(found))


def _spent(root: int) -> float:
    """Processor seconds so far of a process and all below it (Linux; 0 elsewhere)."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after = stat.read_text().rpartition(")")[2].split()
            pid = int(stat.parent.name)
            parents[pid], ticks[pid] = int(after[1]), int(after[11]) + int(after[12])
    below = {root}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return sum(ticks.get(pid, 0) for pid in below) / os.sysconf("SC_CLK_TCK")


def _fresh(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


if __name__ == "__main__":
    main()
