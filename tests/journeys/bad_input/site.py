"""The receivers of the wrong exports: an HTTP server that is told what to do, the pretend ERP, SFTP, a folder."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.door import Terms
from demo.erp_process import in_thread
from exports import attempts, contents, loop
from exports.models import Attempt, Delivery, Exchange, StageRun
from pipelines import publishing, vault
from pipelines.blobs import Blob
from pipelines.transports import sessions
from tests import builders
from tests.journeys.bad_input.cases import Run
from tests.servers import http, sftp

SECRETS = {
    "password": sftp.PASSWORD,
    "token": "token-hush",
    "client_secret": "pretend-client-secret",
}


@dataclass
class Receivers:
    """`there` is the destination that may reach them, `closed` a port at which nobody listens."""

    http: http.HttpServer
    erp: Any
    sftp: sftp.SftpServer
    root: Path
    closed: int
    there: Any = None

    def plain(self, text: str) -> str:
        """Without what differs from run to run."""
        names = {
            f"127.0.0.1:{self.http.port}": "erp.example",
            self.erp.url.removeprefix("http://"): "erp.example",
            f"127.0.0.1:{self.sftp.port}": "sftp.example",
            f"127.0.0.1 cannot be reached at port {self.closed}": "away.example cannot be reached at port 22",
            str(self.root): "/srv/out",
            self.sftp.host_key.split()[1]: "AAAA…",
            _fingerprint(self.sftp): "SHA256:…",
        }
        for found, name in names.items():
            text = text.replace(found, name)
        return text


@contextmanager
def running(folder: Path) -> Iterator[Receivers]:
    root = folder / "out"
    (root / "in").mkdir(parents=True)
    (root / "in" / "taken.pdf").write_bytes(b"somebody else's")
    (folder / "sftp").mkdir()
    with http.running() as server, sftp.in_process(folder / "sftp") as files, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and never listening: nobody else can come to listen there
        server.otherwise = lambda seen: http.reply(201, {"id": 7})
        erp, thread = in_thread(terms=Terms())
        with thread:
            yield Receivers(server, thread, files, root, closed.getsockname()[1])
        erp.ledger.close()
        sessions.close_idle()


def export(site: Receivers, case: Run) -> Attempt:
    """One document through the pipeline of this case, by the real engine."""
    there = builders.destination(allowed_networks=["127.0.0.0/8"])
    for name, value in {**SECRETS, **case.secrets}.items():
        vault.put(name, value, by=builders.owner(), destination=there)
    site.there = there
    site.http.script.clear()
    site.http.will(*case.answers)
    pipeline = builders.pipeline(*case.stages(site))
    publishing.publish(pipeline, by=builders.owner())
    document = builders.document(builders.queue(pipeline=pipeline), case.fields)
    if case.original is not None:
        _give(document, case.original)
    pipeline.refresh_from_db()
    attempt = attempts.start(document, by=builders.owner())
    Attempt.objects.filter(pk=attempt.pk).update(
        tries=pipeline.max_tries - 1
    )  # what waits for another try is not wanted
    return loop.run_now(attempt.pk)


def _give(document: Any, original: bytes) -> None:
    kept = contents.keep(Blob.of(original, name="scan.pdf", media_type="application/pdf"), document.organization_id)
    kept.save(force_insert=True)
    document.original, document.file_name, document.media_type = kept, "scan.pdf", "application/pdf"
    document.save()


def told(site: Receivers, attempt: Attempt) -> tuple[str, str, str]:
    """(reason, place, what the user reads): the attempt's message, or, where it succeeded, what was noted."""
    attempt.refresh_from_db()
    runs = list(StageRun.objects.filter(attempt=attempt).order_by("position"))
    if attempt.reason:
        place = next((run.place for run in runs if run.name == attempt.stage), "")
        return attempt.reason, place, site.plain(attempt.message)
    notes = [message["content"] for run in runs for message in run.messages] + [run.note for run in runs if run.note]
    notes += [f"Put at {delivery.place}" for delivery in Delivery.objects.filter(attempt=attempt)]
    return "", "", site.plain("; ".join(notes))


def kept(attempt: Attempt) -> str:
    """Every text that the pages could show of an attempt."""
    rows: list[Any] = [attempt, attempt.document]
    rows += StageRun.objects.filter(attempt=attempt)
    rows += Exchange.objects.filter(attempt=attempt)
    return "\n".join(str(getattr(row, field.attname)) for row in rows for field in row._meta.concrete_fields)


def _fingerprint(server: sftp.SftpServer) -> str:
    return sessions.fingerprint(base64.b64decode(server.host_key.split()[1]))
