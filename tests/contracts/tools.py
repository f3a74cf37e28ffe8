"""`contract.Tools` in memory, for a stage on its own: answers are scripted, whatever was sent is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines import sandbox
from pipelines.blobs import Blob
from pipelines.contract import Proof, Recovery
from pipelines.errors import Rejected
from pipelines.transports.http import Reply, Request

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Tokens:
    """A TokenStore in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, token: str, expires_in: float | None) -> None:
        self.kept[name] = token

    def drop(self, name: str, token: str) -> None:
        if self.kept.get(name) == token:
            del self.kept[name]


class MemoryStore:
    """A Store in a dict."""

    def __init__(self, files: dict[str, bytes], fail: Exception | None) -> None:
        self.files = files
        self.fail = fail

    def address(self, path: str) -> str:
        return f"memory://there/{path}"

    def put(self, path: str, blob: Blob, *, replace: bool) -> Proof:
        if self.fail:
            raise self.fail
        if path in self.files and self.files[path] != blob.read() and not replace:
            raise Rejected(f"{path} is there already and differs.")
        self.files[path] = blob.read()
        return self._proof(path, blob)

    def find(self, path: str, blob: Blob) -> Proof | None:
        return self._proof(path, blob) if self.files.get(path) == blob.read() else None

    def _proof(self, path: str, blob: Blob) -> Proof:
        return Proof(self.address(path), blob.size, blob.sha256, "kept in memory")

    def check(self) -> str:
        return "memory is there"

    def close(self) -> None:
        return None


def answer(status: int = 200, body: bytes = b"{}", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, headers or (("Content-Type", "application/json"),), body, len(body))


class ScriptedTools:
    """Each request gets `reply(request)`, which may raise."""

    def __init__(
        self,
        reply: Callable[[Request], Reply] = lambda _: answer(),
        *,
        store_fails: Exception | None = None,
        judged_downstream: bool = False,
        every_status_counts: bool = False,
    ) -> None:
        self.sandbox = sandbox.shared()
        self.tokens = Tokens()
        self.judged_downstream = judged_downstream
        self.every_status_counts = every_status_counts
        self.sent: list[Request] = []
        self.delivered: list[str] = []
        self.files: dict[str, bytes] = {}
        self._reply = reply
        self._store_fails = store_fails

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0

    def secret(self, name: str, *, place: str = "") -> str:
        return f"secret-of-{name}"

    def call(self, request: Request, *, purpose: str = "request") -> Reply:
        self.sent.append(request)
        if purpose == "auth":
            return answer(body=b'{"access_token": "token-1", "expires_in": 3600}')
        return self._reply(request)

    def store(self, credentials: Mapping[str, Any]) -> MemoryStore:
        return MemoryStore(self.files, self._store_fails)

    def deliver(self, key: str, blob: Blob, place: str, put: Callable[[], Proof]) -> Proof:
        self.delivered.append(place)
        return put()


def recovery_of(module: Any) -> Recovery:
    return Recovery(module.RECOVERY)
