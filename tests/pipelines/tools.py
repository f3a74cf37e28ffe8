"""Tools for testing stages that send: a real client on loopback, everything written down in lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.blobs import Blob
from pipelines.contract import DocumentFacts, Inbox, Proof, Store
from pipelines.errors import Misconfigured
from pipelines.shapes import from_flat
from pipelines.transports.guard import Egress
from pipelines.transports.http import Client, Reply, Request
from pipelines.transports.stores import open_store

LOOPBACK = Egress(allowed_networks=("127.0.0.0/8",))
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAP = 1024 * 1024


def post(url: str, body: bytes = b'{"a": 1}', **values: Any) -> Request:
    return Request("POST", url, {"Content-Type": "application/json"}, Blob.of(body), **values)


class MemoryTokens:
    """contract.TokenStore without a database."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.lives: dict[str, float | None] = {}

    def get(self, name: str) -> str | None:
        return self.held.get(name)

    def put(self, name: str, token: str, expires_in: float | None) -> None:
        self.held[name] = token
        self.lives[name] = expires_in

    def drop(self, name: str, token: str) -> None:
        if self.held.get(name) == token:
            del self.held[name]


class LocalTools:
    """contract.Tools on loopback."""

    def __init__(self, *, secrets: Mapping[str, str] | None = None, roots: tuple[Path, ...] = ()) -> None:
        self.sandbox: Any = None
        self.tokens = MemoryTokens()
        self.judged_downstream = False
        self.every_status_counts = False
        self.secrets = dict(secrets or {})
        self.egress = LOOPBACK
        self.http = Client()
        self.roots = roots
        self.destination: Mapping[str, Any] = {}
        self.calls: list[tuple[str, Request]] = []
        self.replies: list[Reply] = []
        self.slept: list[float] = []
        self.deliveries: dict[tuple[str, str], Proof] = {}
        self.cap = 1024 * 1024

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def secret(self, name: str, *, place: str = "") -> str:
        if name not in self.secrets:
            raise Misconfigured(f'There is no secret "{name}".', place=place)
        return self.secrets[name]

    def call(self, request: Request, *, purpose: str = "request") -> Reply:
        if purpose == "request" and request.idempotency_header:
            request = replace(request, headers={**request.headers, request.idempotency_header: "key-1"})
        self.calls.append((purpose, request))
        reply = self.http.send(request, egress=self.egress, cap=self.cap)
        self.replies.append(reply)
        return reply

    def store(self, credentials: Mapping[str, Any]) -> Store:
        merged = {**self.destination, **credentials}
        return open_store(merged, self.secret, egress=self.egress, folder_roots=self.roots)

    def deliver(self, key: str, blob: Blob, place: str, put: Callable[[], Proof]) -> Proof:
        if (key, place) not in self.deliveries:
            self.deliveries[key, place] = put()
        return self.deliveries[key, place]


def inbox(fields: Mapping[str, Any] | None = None, **values: Any) -> Inbox:
    """A document with these flat fields; artifacts may be given as text."""
    artifacts = {
        key: Blob.of(given.encode(), name=f"{key}.json", media_type="application/json")
        if isinstance(given, str)
        else given
        for key, given in values.pop("artifacts", {}).items()
    }
    original = values.pop("original", Blob.of(b"%PDF-1.7 original", name="scan ü.pdf", media_type="application/pdf"))
    facts = DocumentFacts(
        id=70110, external_id="ext-1", file_name=values.pop("file_name", "scan ü.pdf"), media_type="application/pdf",
        status="exporting", queue_id=205, queue_name="AP invoices", created_at=NOW,
    )  # fmt: skip
    return Inbox(
        stage="send", document=facts, fields=from_flat(fields or {}), artifacts=artifacts, original=original, **values
    )
