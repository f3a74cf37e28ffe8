"""`make demo` and `make demo-check`: everything started, every document exported, what came of it told.

The web server, the worker, the ERP and the SFTP server are child processes; this process sets Waybill up, puts the
documents in, watches, and holds what it sees against what the ERP's rules imply.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from demo import processes, tally
from demo.addresses import Addresses
from demo.processes import ROOT, Children, DemoError, free_port
from demo.tally import Subject
from demo.told import Screen

INVOICES = Path(__file__).parent / "invoices"
PATIENCE = 120
"""Seconds without any progress after which the demo gives up."""


def run(given: argparse.Namespace) -> int:
    """0 when all is as it should be; with `--check` that is all, without it after Ctrl-C."""
    began = time.monotonic()
    screen = Screen(quiet=given.check)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children are stopped on the way out
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & had it ignored
    try:
        documents = (given.real or INVOICES).resolve()
        _readable(documents)
        with _folder(check=given.check) as folder:
            return _run(folder, documents, given, screen, began)
    except DemoError as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        screen.say("Stopped.")
        return 130


def prepare(given: argparse.Namespace) -> int:
    """Set up the Waybill that the environment names, and put the documents in. Prints what was made, as JSON."""
    waybill = _waybill({"DJANGO_SETTINGS_MODULE": "config.settings", **os.environ})
    from demo import pipelines

    addresses = Addresses(given.erp, given.sftp, given.host_key)
    made = pipelines.make(addresses, names=given.queues or list(tally.FILES))
    waybill.put_in(made, given.documents)
    print(json.dumps({"key": made.key, "queues": made.queues, "password": made.password}))
    return 0


def _readable(documents: Path) -> None:
    if not (documents / "index.json").is_file():
        raise DemoError(
            f"{documents} has no index.json. It is a list of objects with name, original, fields, media_type."
        )


@contextmanager
def _folder(*, check: bool) -> Iterator[Path]:
    """A fresh data folder. A check has one of its own, kept only when it fails; the demo's stays for a look."""
    var = ROOT / "var"
    folder = var / (f"demo-check-{os.getpid()}" if check else "demo")
    var.mkdir(exist_ok=True)
    with (var / f".{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError("Another demo is running from this folder. Stop it with Ctrl-C first.") from None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            if check:
                Path(lock.name).unlink(missing_ok=True)


def _run(folder: Path, documents: Path, given: argparse.Namespace, screen: Screen, began: float) -> int:
    port = free_port(given.port)
    env = processes.environment(folder, port=port)
    with Children(env=env, logs=folder / "logs") as children:
        screen.say("Starting the pretend ERP and the SFTP server …")
        erp, addresses = _receivers(children, folder)
        screen.say("Preparing the database …")
        waybill = _waybill(env)
        from demo import pipelines

        made = pipelines.make(addresses)
        screen.say("Starting the web server and the worker …")
        web = processes.web(children, port)
        processes.worker(children)
        screen.say(
            f"Putting in {len(waybill.rows(documents))} documents, once for each of {len(made.queues)} pipelines …"
        )
        subjects = waybill.put_in(made, documents)
        _watch(waybill, made, children, screen)
        summary = waybill.summary(erp)
        files = tally.files_below(folder / "sftp")
        ends = waybill.ends(made)
        found = tally.counted(ends.values(), sent=waybill.sent(made), summary=summary, files=len(files))
        wrong = tally.surprises(subjects, ends, summary) + waybill.wrong_files(made, files, folder / "sftp")
        right = found == tally.foretold(subjects) and not wrong
        if given.check:
            return _report(folder, subjects, found, wrong, right=right, seconds=time.monotonic() - began)
        screen.result(subjects, found, wrong, right=right)
        screen.tour(port=port, erp=erp, made=made, folder=folder)
        _stay(children, web.name)
    return 0


def _waybill(env: Mapping[str, str]) -> ModuleType:
    """Django, set up for the demo's own data."""
    given = dict(env)
    os.environ.clear()
    os.environ.update(given)
    import django

    django.setup()
    logging.getLogger("django-q").setLevel(logging.WARNING)  # says "Enqueued" amid the progress
    from demo import waybill

    waybill.prepare()
    return waybill


def _receivers(children: Children, folder: Path) -> tuple[str, Addresses]:
    # The token endpoint tells an hour and means fifteen seconds: refused tokens are part of the tour.
    terms = ("--token-life", "15", "--token-says", "3600")
    erp = children.start("ERP", "-m", "demo", "erp", "--ledger", str(folder / "erp.jsonl"), *terms)
    sftp = children.start("SFTP server", "-m", "demo", "sftp", "--root", str(folder / "sftp"))
    (url,) = erp.lines(1)
    place, key = sftp.lines(2)
    return url, Addresses(url, int(place.rpartition(":")[2]), key)


def _watch(waybill: Any, made: Any, children: Children, screen: Screen) -> None:
    """Until no attempt is under way any more. Progress is whatever changes the counts."""
    last, moved = None, time.monotonic()
    while True:
        counts = waybill.progress(made)
        if counts != last:
            last, moved = counts, time.monotonic()
            screen.progress(counts)
        if not counts.active:
            return
        if (dead := children.dead()) is not None:
            raise DemoError(f"The {dead.name} ended while documents were on their way.\n{dead.tail()}")
        if time.monotonic() - moved > PATIENCE:
            raise DemoError(
                f"Nothing moved for {PATIENCE} seconds: {counts}. The logs are in {children.logs}; the worker's is the "
                "first to look at."
            )
        time.sleep(0.2)


def _report(
    folder: Path, subjects: list[Subject], found: tally.Tally, wrong: list[str], *, right: bool, seconds: float
) -> int:
    """The one line on stdout; what is wrong goes to stderr."""
    print(json.dumps(found.line(seconds)))
    if right:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    told = tally.foretold(subjects).line(seconds)
    for line in [f"foretold: {json.dumps(told)}", *wrong, f"Everything is kept in {folder}."]:
        print(line, file=sys.stderr)
    return 1


def _stay(children: Children, web: str) -> None:
    while True:
        time.sleep(0.5)
        if (dead := children.dead()) is not None:
            hint = " The other parts are stopped too." if dead.name != web else ""
            raise DemoError(f"The {dead.name} ended.{hint}\n{dead.tail()}")
