"""A running Waybill that stands in for Rossum's extensions, a stand-in Rossum whose hooks call it, and an ERP."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from demo import processes
from demo.processes import ROOT, Child, Children, free_port
from tests.servers import http, postgres, rossum
from tests.servers.http import HttpServer
from tests.servers.rossum import Rossum
from tests.servers.rossumobjects import Annotation

SECRETS = ("the-signing-secret-of-one", "the-signing-secret-of-two")
TIMES = (
    "created_at", "modified_at", "exported_at", "confirmed_at", "assigned_at", "export_failed_at", "deleted_at",
    "rejected_at", "purged_at",
)  # fmt: skip


@dataclass
class World:
    """`keys` are the API keys of the two organizations. `wait`: seconds that a hook is kept waiting here."""

    url: str
    rossum: Rossum
    erp: HttpServer
    oauth: HttpServer
    keys: list[str]
    children: Children
    port: int
    web: Child
    hooks: Iterator[int] = field(default_factory=lambda: iter(range(615, 100_000)))

    def kill_the_web_server(self) -> None:
        """As a power cut would, and another one in its place."""
        self.web.kill()
        self.children._started.remove(self.web)
        self.web = processes.web(self.children, self.port)

    def annotation(self, **values: Any) -> Annotation:
        return self.rossum.add({"document_id": "INV-7", "vendor": "Žižkov & Co", **values}, status="exporting")

    def hook(self, extension: str, settings: dict[str, Any], **values: Any) -> Hook:
        return Hook(self, extension, settings, next(self.hooks), **values)

    def files(self, annotation: Annotation) -> dict[str, bytes]:
        """What Rossum keeps under keys for an annotation."""
        return {
            str(one.key): self.rossum.documents[one.documents[0]].data
            for one in self.rossum.relations.values()
            if one.annotation == annotation.id and one.documents
        }

    def store(self, annotation: Annotation, key: str, data: bytes, name: str = "file.txt") -> None:
        """A file under a key, as an earlier hook left it."""
        from tests.servers.rossumobjects import Document, Relation

        document = Document(name, data, "text/plain")
        relation = Relation(annotation.id, key, [document.id])
        with self.rossum.lock:
            self.rossum.documents[document.id] = document
            self.rossum.relations[relation.id] = relation

    def api(self, path: str, *, key: int = 0, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[key]}"}
        reply = requests.get(f"{self.url}/api/v1/{path}", params=query, headers=headers, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def documents(self, annotation: Annotation, *, key: int = 0) -> list[dict[str, Any]]:
        """What stands for an annotation here, by hook."""
        rows = self.api("documents", key=key, page_size=200)["results"]
        return [row for row in rows if f"/annotations/{annotation.id}/" in row["external_id"]]

    def attempts(self, annotation: Annotation) -> list[dict[str, Any]]:
        """Of all its documents, the newest first."""
        ids = [row["id"] for row in self.documents(annotation)]
        rows = [one for pk in ids for one in self.api("attempts", document=pk, page_size=200)["results"]]
        return sorted(rows, key=lambda row: -row["id"])


@dataclass
class Hook:
    """A hook of the stand-in account, calling Waybill."""

    world: World
    extension: str
    settings: dict[str, Any]
    id: int
    secrets: dict[str, str] = field(default_factory=dict)
    secret: str = SECRETS[0]
    schema: tuple[str, ...] = ("document_id", "vendor", "api_gate", "code", "erp_id")
    host: str = ""

    def payload(self, annotation: Annotation, /, **changes: Any) -> dict[str, Any]:
        """As TxScript-based receivers need it, sideloaded schema included."""
        base = self.world.rossum.url
        told = annotation.told(base)
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        document = self.world.rossum.documents[annotation.document]
        children = [{"category": "datapoint", "id": name, "type": "string", "label": name} for name in self.schema]
        return {
            "request_id": str(uuid.uuid4()),
            "timestamp": now,
            "base_url": self.world.rossum.http.url,
            "rossum_authorization_token": self.world.rossum.token(),
            "hook": f"{base}/hooks/{self.id}",
            "settings": self.settings,
            "secrets": self.secrets,
            "action": "export",
            "event": "annotation_content",
            "annotation": {
                **dict.fromkeys(TIMES),
                **told,
                "previous_status": "confirmed",
                "automatically_rejected": False,
                "einvoice": False,
                "time_spent": 0,
                "content": annotation.content,
            },
            "document": {key: value for key, value in document.told(base).items() if key != "annotations"},
            "updated_datapoints": [],
            "schemas": [
                {
                    "id": 301, "url": f"{base}/schemas/301",
                    "content": [{"category": "section", "id": "header", "children": children}],
                }
            ],
            **changes,
        }  # fmt: skip

    def send(self, payload: Any, *, path: str | None = None, **headers: str) -> requests.Response:
        """The call as it goes over the wire, and the first answer to it."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        given = {
            "Content-Type": "application/json",
            "X-Rossum-Signature-SHA256": f"sha256={signature}",
            **({"Host": self.host} if self.host else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        address = self.world.url + (f"/extensions/{self.extension}" if path is None else path)
        return requests.post(address, data=body, headers=given, timeout=60, allow_redirects=False)

    def call(self, annotation: Annotation, **changes: Any) -> dict[str, Any]:
        """One whole call, polled to its end where it takes longer, its operations applied as Rossum applies them."""
        reply = self.finished(self.send(self.payload(annotation, **changes)))
        self.apply(annotation, reply)
        return reply

    def finished(self, answer: requests.Response, *, seconds: float = 60) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while answer.status_code == 202 and time.monotonic() < until:
            if answer.headers.get("Location"):
                place = answer.headers["Location"]
            time.sleep(0.2)
            answer = requests.get(place, timeout=30, allow_redirects=False)
        assert answer.status_code in {200, 201}, f"{answer.status_code} {answer.text[:500]}"
        reply: dict[str, Any] = answer.json()
        return reply

    @staticmethod
    def apply(annotation: Annotation, reply: dict[str, Any]) -> None:
        """Refuses what Rossum would leave undone: an id that is no datapoint's, a value too long."""
        points = {
            node["id"]: node for section in annotation.content for node in section["children"]
            if node["category"] == "datapoint"
        }  # fmt: skip
        for operation in reply.get("operations", ()):
            assert operation["op"] == "replace"
            assert set(operation["value"]["content"]) <= {"value", "position", "page"}
            text = operation["value"]["content"]["value"]
            assert len(text) <= 1500
            points[operation["id"]]["content"] |= {"value": text, "normalized_value": text}


def kinds(reply: dict[str, Any]) -> list[tuple[str, str]]:
    return [(said["type"], said["content"]) for said in reply["messages"]]


@contextmanager
def running(folder: Path, *, settings: dict[str, str] | None = None) -> Iterator[World]:
    port = free_port()
    given = {"WAYBILL_EXTENSION_SECONDS": "3", "WAYBILL_HOSTS": "127.0.0.1,localhost,.pipelines.example"}
    server = os.environ.get("DATABASE_URL", "")
    with (
        postgres.database(server) if server.startswith("postgres") else nullcontext("") as url,
        rossum.running() as account,
        http.running() as erp,
        http.running() as oauth,
        Children(env=_environment(folder, port, {**given, **(settings or {})}, url), logs=folder / "logs") as children,
    ):
        env = children._env
        words = [sys.executable, "-m", "tests.exports.extensions.prepare", account.http.url, *SECRETS]
        done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        keys = json.loads(done.stdout.splitlines()[-1])
        processes.worker(children)
        web = processes.web(children, port)
        yield World(f"http://127.0.0.1:{port}", account, erp, oauth, keys, children, port, web)


def _environment(folder: Path, port: int, settings: dict[str, str], url: str) -> dict[str, str]:
    """On PostgreSQL where the tests are, as `make test-postgres` has them."""
    own = {**settings, "DATABASE_URL": url} if url else settings
    return processes.environment(folder / "waybill", port=port, settings=own)
