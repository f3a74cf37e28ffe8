"""A strict stand-in for Rossum: a real HTTP server on loopback with logins, annotations, exports, documents, relations.

It refuses what the real one refuses, counts calls, limits their rate, and can be told to answer wrongly, to forget its
tokens, or to lose an answer after it did what was asked.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers import http, rossumfiles
from tests.servers.http import Answer, HttpServer, Seen, reply
from tests.servers.rossumobjects import (
    MOVES,
    WRITABLE,
    Annotation,
    Document,
    Refusal,
    Relation,
    body_of,
    fields,
    stamp,
)

LOGIN = ("robot@acme.example", "rossum-hush")
FILTERS = {"id", "status", "queue", "page", "page_size", "ordering", "sideload", "include_total", "modified_at_after"}
EXPORTS = FILTERS | {"format", "to_status", "columns"}
ROUTES = {
    "login": r"auth/login", "logout": r"auth/logout", "user": r"auth/user", "queue": r"queues/(\d+)",
    "queues": r"queues", "export": r"queues/(\d+)/export", "annotations": r"annotations",
    "annotation": r"annotations/(\d+)", "content": r"annotations/(\d+)/content",
    "operations": r"annotations/(\d+)/content/operations", "documents": r"documents", "document": r"documents/(\d+)",
    "file": r"documents/(\d+)/content", "relations": r"document_relations", "relation": r"document_relations/(\d+)",
}  # fmt: skip


@dataclass
class Rossum:
    """What the account holds, and how it will behave. `calls` counts by "GET annotations", "POST export", …"""

    http: HttpServer
    annotations: dict[int, Annotation] = field(default_factory=dict)
    documents: dict[int, Document] = field(default_factory=dict)
    relations: dict[int, Relation] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, int]] = field(default_factory=list)
    rate: int | None = None
    """Requests in any one second; more are answered with 429."""
    tokens: set[str] = field(default_factory=set)
    to_lose: Counter[str] = field(default_factory=Counter)
    to_answer: defaultdict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    left_out: set[int] = field(default_factory=set)
    """Annotations that the next export leaves out of its reply, as if somebody had moved them."""
    patched_to_exported: list[int] = field(default_factory=list)
    """What nobody should do."""
    moments: deque[float] = field(default_factory=lambda: deque(maxlen=5000))
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """The root with the version, as clients are given it."""
        return f"{self.http.url}/api/v1"

    # What a test tells it

    def add(self, values: dict[str, Any], *, name: str = "", data: bytes = b"%PDF-1.4 x", **more: Any) -> Annotation:
        with self.lock:
            document = Document(name or f"{len(self.annotations) + 1}.pdf", data)
            self.documents[document.id] = document
            made = Annotation(document.id, content=fields(values), **more)
            document.annotations.append(made.id)
            self.annotations[made.id] = made
        return made

    def confirm_again(self, annotation: Annotation, values: dict[str, Any]) -> None:
        """A person corrects it and confirms it once more."""
        with self.lock:
            annotation.go("to_review")
            annotation.content = fields(values)
            annotation.go("confirmed")

    def lose(self, call: str, times: int = 1) -> None:
        """Do what is asked, and cut the connection instead of answering."""
        self.to_lose[call] += times

    def answer(self, call: str, status: int, headers: Mapping[str, str] | None = None, times: int = 1) -> None:
        """Answer so, and do nothing."""
        answer = reply(status, {"detail": f"Told to answer {status}."}, headers=dict(headers or {}))
        self.to_answer[call].extend([answer] * times)

    def expire_tokens(self) -> None:
        with self.lock:
            self.tokens.clear()

    def token(self) -> str:
        """One as a hook's payload brings it."""
        with self.lock:
            made = secrets.token_hex(16)
            self.tokens.add(made)
        return made

    def states(self) -> Counter[str]:
        with self.lock:
            return Counter(one.status for one in self.annotations.values())

    def busiest_second(self) -> int:
        """The most requests that came in any one second."""
        with self.lock:
            moments = list(self.moments)
        return max((sum(1 for other in moments if 0 <= other - at < 1.0) for at in moments), default=0)

    # How it answers

    def handle(self, seen: Seen) -> Answer:
        address = urlsplit(seen.target)
        with self.lock:
            name, ids = _route(address.path)
            call = f"{seen.method} {name}"
            self.calls[call] += 1
            self.moments.append(time.monotonic())
            try:
                self._limit()
                if self.to_answer[call]:
                    return self.to_answer[call].popleft()
                answer = self._do(name, seen, ids, parse_qs(address.query))
            except Refusal as refusal:
                self.refused.append((call, refusal.status))
                return reply(
                    refusal.status, refusal.body, headers={"Retry-After": "1"} if refusal.status == 429 else {}
                )
            if self.to_lose[call]:
                self.to_lose[call] -= 1
                return http.cut()
        return answer

    def _limit(self) -> None:
        now = time.monotonic()
        if self.rate and sum(1 for at in self.moments if now - at < 1.0) > self.rate:
            raise Refusal(429, "Request was throttled.")

    def _do(self, name: str, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        if name == "login":
            return self._login(seen)
        scheme, _, token = (seen.header("Authorization") or "").partition(" ")
        if scheme not in {"Bearer", "Token"} or token not in self.tokens:
            raise Refusal(401, "Invalid token.")
        handler = getattr(self, f"_{seen.method.lower()}_{name}", None) or getattr(
            rossumfiles, f"{seen.method.lower()}_{name}", None
        )
        if name == "nowhere":
            raise Refusal(404, "Not found.")
        if handler is None:
            raise Refusal(405, f'Method "{seen.method}" not allowed.')
        answer: Answer = handler(*([self] if handler.__module__ == rossumfiles.__name__ else []), seen, ids, query)
        return answer

    def _login(self, seen: Seen) -> Answer:
        if seen.method != "POST":
            raise Refusal(405, "Method not allowed.")
        media_type = (seen.header("Content-Type") or "").partition(";")[0]
        given: Any = {}
        if media_type == "application/json":
            given = body_of(seen)
        elif media_type == "application/x-www-form-urlencoded":
            given = {name: values[-1] for name, values in parse_qs(seen.body.decode()).items()}
        if (given.get("username"), given.get("password")) != LOGIN:
            raise Refusal(401, "Unable to log in with provided credentials.")
        return reply(200, {"key": self.token(), "domain": "acme.rossum.app"})

    def _post_logout(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        self.tokens.discard((seen.header("Authorization") or "").partition(" ")[2])
        return reply(200, {"detail": "Successfully logged out."})

    def _get_user(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        return reply(200, {"id": 9, "username": LOGIN[0], "organization": f"{self.url}/organizations/1"})

    def _get_queue(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        if ids[0] not in self._queues():
            raise Refusal(404, "Not found.")
        counts = Counter(one.status for one in self.annotations.values() if one.queue == ids[0])
        url = f"{self.url}/queues/{ids[0]}"
        told = {"id": ids[0], "name": f"Queue {ids[0]}", "url": url, "schema": f"{self.url}/schemas/301"}
        return reply(200, {**told, "counts": dict(counts), "use_confirmed_state": True})

    def _get_annotations(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        found = sorted(self._matching(query), key=lambda one: one.times["modified_at"] or "")
        page, rows = self._page(found, query, most=100)
        return reply(200, {"pagination": page, "results": [one.told(self.url) for one in rows]})

    def _get_annotation(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        return reply(200, self.found(ids[0]).told(self.url))

    def _patch_annotation(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        annotation, given = self.found(ids[0]), body_of(seen)
        if unknown := sorted(set(given) - WRITABLE):
            raise Refusal(400, {unknown[0]: ["This field is read-only."]})
        to = given.get("status", annotation.status)
        if to != annotation.status:
            if to not in MOVES.get(annotation.status, ()):
                raise Refusal(400, {"status": [f"Transition from {annotation.status} to {to} is not allowed."]})
            if to == "exported":
                self.patched_to_exported.append(annotation.id)
            annotation.go(to)
        if "messages" in given:
            annotation.messages = given["messages"]
        annotation.times["modified_at"] = stamp()
        return reply(200, annotation.told(self.url))

    def _get_content(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        content = self.found(ids[0]).content
        return reply(200, {"content": content, "results": content})

    def _get_export(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        if "to_status" in query:
            raise Refusal(400, {"to_status": ["Only with POST."]})
        return self._exported(ids[0], query, "")

    def _post_export(self, seen: Seen, ids: list[int], query: dict[str, list[str]]) -> Answer:
        if unknown := sorted(set(query) - EXPORTS):
            raise Refusal(400, {unknown[0]: ["Unknown filter."]})
        to = query.get("to_status", [""])[0]
        if to not in {"exported", "exporting"}:
            raise Refusal(400, {"to_status": [f'"{to}" is not a valid choice.']})
        return self._exported(ids[0], query, to)

    def _exported(self, queue: int, query: dict[str, list[str]], to: str) -> Answer:
        if queue not in self._queues():
            raise Refusal(404, "Not found.")
        if query.get("format", ["json"])[0] != "json":
            raise Refusal(400, {"format": ["The stand-in speaks JSON."]})
        found = [one for one in self._matching(query) if one.queue == queue and one.id not in self.left_out]
        page, rows = self._page(found, query, most=100)
        for one in rows if to else ():
            if one.status not in {"exporting", "exported"}:
                one.go(to)
        if to:
            self.left_out.clear()
        told = [one.exported(self.url, self.documents[one.document].name) for one in rows]
        return reply(200, {"pagination": page, "results": told})

    def _matching(self, query: dict[str, list[str]]) -> list[Annotation]:
        def wanted(name: str) -> set[str]:
            return {part for value in query.get(name, []) for part in value.split(",") if part}

        ids, states, queues = wanted("id"), wanted("status"), wanted("queue")
        return [
            one
            for one in self.annotations.values()
            if (not ids or str(one.id) in ids)
            and (not states or one.status in states)
            and (not queues or str(one.queue) in queues)
        ]

    def _page(self, found: list[Any], query: dict[str, list[str]], *, most: int) -> tuple[dict[str, Any], list[Any]]:
        size = min(int(query.get("page_size", ["20"])[0]), most)
        number = int(query.get("page", ["1"])[0])
        pages = max(ceil(len(found) / size), 1)
        if not 1 <= number <= pages:
            raise Refusal(404, "Invalid page.")
        following = f"{self.url}/?page={number + 1}" if number < pages else None
        told = {"total": len(found), "total_pages": pages, "next": following, "previous": None}
        return told, found[(number - 1) * size : number * size]

    def _queues(self) -> set[int]:
        return {205, *(one.queue for one in self.annotations.values())}

    def found(self, annotation_id: int) -> Annotation:
        if annotation_id not in self.annotations:
            raise Refusal(404, "Not found.")
        return self.annotations[annotation_id]


def _route(path: str) -> tuple[str, list[int]]:
    for prefix in ("/api/v1/", "/v1/"):
        if path.startswith(prefix):
            for name, pattern in ROUTES.items():
                if found := re.fullmatch(pattern, path.removeprefix(prefix)):
                    return name, [int(number) for number in found.groups()]
    return "nowhere", []


@contextmanager
def running(*, rate: int | None = None) -> Iterator[Rossum]:
    with http.running() as server:
        account = Rossum(server, rate=rate)
        server.otherwise = account.handle
        yield account
