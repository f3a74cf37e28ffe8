"""A whole Waybill for journey tests: real receivers, a real web server and real workers, spoken to over HTTP only."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from demo import processes
from demo.door import Terms
from demo.erp_process import in_thread
from demo.ledger import Ledger
from demo.processes import ROOT, Children, free_port
from demo.serving import InThread
from demo.sftp import Account, host_key, public_line, starter

INVOICES = ROOT.parent / "shared" / "data" / "invoices"
"""100 real documents; a clone elsewhere has none."""


class Site:
    """One running Waybill. `ledger` is the ERP's, `files` the SFTP server's folder."""

    def __init__(self, url: str, ledger: Ledger, files: Path, children: Children) -> None:
        self.url = url
        self.ledger = ledger
        self.files = files
        self.children = children
        self.session = requests.Session()
        self.queues: dict[str, int] = {}

    def get(self, path: str, **query: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.url}/api/v1/{path}"
        reply = self.session.get(url, params=query, timeout=60)
        assert reply.status_code == 200, f"{url}: {reply.status_code} {reply.text[:500]}"
        return reply

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return self.session.post(f"{self.url}/api/v1/{path}", json=body, timeout=60)

    def all(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        page = self.get(path, page_size=200, **query).json()
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self.get(page["next"]).json()

    def settle(self, *, seconds: float) -> list[dict[str, Any]]:
        """Every document, once none is on its way any more."""
        until = time.monotonic() + seconds
        while True:
            documents = list(self.all("documents"))
            if all(document["status"] in {"exported", "failed_export"} for document in documents):
                return documents
            dead = self.children.dead()
            assert dead is None, dead and dead.tail()
            assert time.monotonic() < until, (
                f"still on their way: {[d for d in documents if d['status'] == 'exporting']}"
            )
            time.sleep(0.3)


@contextmanager
def running(
    folder: Path,
    documents: Path,
    *,
    queues: Sequence[str],
    terms: Terms,
    workers: int = 1,
    settings: dict[str, str] | None = None,
) -> Iterator[Site]:
    """A Waybill with `workers` qcluster processes, whose documents are on their way."""
    port = free_port()
    env = processes.environment(folder / "waybill", port=port, settings=settings)
    key = host_key(None)
    erp, erp_thread = in_thread(ledger=folder / "erp.jsonl", terms=terms)
    sftp = InThread(starter(Account(folder / "files"), key))
    with erp_thread, sftp, Children(env=env, logs=folder / "logs") as children:
        site = Site(f"http://127.0.0.1:{port}", erp.ledger, folder / "files", children)
        made = _prepare(env, erp_thread.url, sftp.port, public_line(key), documents, queues)
        site.session.headers["Authorization"] = f"Bearer {made['key']}"
        site.queues = made["queues"]
        for _ in range(workers):
            processes.worker(children)
        processes.web(children, port)
        yield site
        site.session.close()
    erp.ledger.close()


def _prepare(
    env: dict[str, str], erp: str, sftp: int, key: str, documents: Path, queues: Sequence[str]
) -> dict[str, Any]:
    words = ["--erp", erp, "--sftp", str(sftp), "--host-key", key, "--documents", str(documents)]
    for queue in queues:
        words += ["--queue", queue]
    done = subprocess.run(
        [sys.executable, "-m", "demo", "prepare", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made
