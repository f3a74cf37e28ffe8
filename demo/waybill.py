"""Waybill as the demo and the journey tests use it: set up, documents put in, ends read out of the database.

Everything here needs the environment of `demo.processes.environment` before Django is set up, so it is imported late.
"""

from __future__ import annotations

import hashlib
import http.client
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command

from accounts import scope
from accounts.policy import Principal
from demo.pipelines import Made
from demo.tally import End, Subject
from exports import documents
from exports.models import Attempt, Delivery, Document, Exchange
from exports.states import ACTIVE, Status
from pipelines.blobs import Blob
from pipelines.models import Queue


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the documents stand, by status, and how many attempts are under way."""

    statuses: Mapping[str, int]
    active: int
    waiting: int


def prepare() -> None:
    """The tables, and the files that the web server hands out."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of the folder's index.json."""
    found: list[dict[str, Any]] = json.loads((folder / "index.json").read_text())
    return found


def put_in(made: Made, folder: Path) -> list[Subject]:
    """Every document of the folder into every queue, confirmed and on its way at once."""
    by = Principal.system("demo", made.organization_id)
    subjects = []
    with scope.to(made.organization_id):
        queues = {
            name: Queue.objects.select_related("schema", "pipeline").get(pk=pk) for name, pk in made.queues.items()
        }
        for row in rows(folder):
            fields = json.loads((folder / row["fields"]).read_text())
            original = Blob.from_file(folder / row["original"], media_type=row["media_type"])
            for name, queue in queues.items():
                document, _ = documents.receive(
                    queue, by=by, external_id=row["name"], fields=fields, original=original, confirmed=True
                )
                if document.status == Status.CONFIRMED:
                    documents.ask_export(document, by=by, trigger="automatic", why="The demo's import asks for it.")
                subjects.append(Subject(name, row["name"], fields))
    return subjects


def progress(made: Made) -> Progress:
    with scope.to(made.organization_id):
        statuses = Counter(Document.objects.values_list("status", flat=True))
        states = Counter(Attempt.objects.filter(state__in=sorted(ACTIVE)).values_list("state", flat=True))
    return Progress(dict(sorted(statuses.items())), states.total(), states["waiting"])


def ends(made: Made) -> dict[tuple[str, str], End]:
    """By queue and external id: the document's status, and the reason of its last attempt."""
    with scope.to(made.organization_id):
        documents = Document.objects.values_list("pk", "queue__name", "external_id", "status")
        reasons = dict(Attempt.objects.order_by("number").values_list("document_id", "reason"))
        return {(queue, name): End(status, reasons.get(pk, "")) for pk, queue, name, status in documents}


def sent(made: Made) -> int:
    """Requests that Waybill recorded as sent to do something, but for those whose token was refused."""
    with scope.to(made.organization_id):
        statuses = Exchange.objects.filter(purpose="request").values_list("status", flat=True)
        return sum(status != 401 for status in statuses)


def wrong_files(made: Made, files: Sequence[Path], root: Path) -> list[str]:
    """One line for each file at the SFTP server that no receipt proves, byte for byte, and for each missing one."""
    with scope.to(made.organization_id):
        receipts = dict(Delivery.objects.values_list("place", "sha256"))
    proven = {urlsplit(place).path.lstrip("/"): digest for place, digest in receipts.items()}
    there = {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return [
        *(f"{name}: it is at the SFTP server without a receipt." for name in sorted(there.keys() - proven.keys())),
        *(f"{name}: its receipt stands, the file is gone." for name in sorted(proven.keys() - there.keys())),
        *(
            f"{name}: its bytes are not those of the receipt."
            for name in sorted(there.keys() & proven.keys())
            if there[name] != proven[name]
        ),
    ]


def summary(erp: str) -> Any:
    """What the ERP counted."""
    address = urlsplit(erp)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.request("GET", "/ledger/summary")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
