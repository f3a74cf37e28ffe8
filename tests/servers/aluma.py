"""A strict stand-in for Aluma: a real HTTP server on loopback with tokens, tasks, files and the 30-minute clock.

It refuses what the real one refuses, counts calls, and can be told to answer wrongly or to lose an answer after it did
what was asked. Time passes by `pass_time` too, so that half an hour takes no time.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers import http
from tests.servers.alumatasks import STARTABLE, STARTED, File, Task, new_id
from tests.servers.http import Answer, HttpServer, Seen, reply

CLIENT = ("waybill-robot", "aluma-hush")
FINAL = frozenset({"completed", "failed", "timed-out", "canceled"})
STATES = FINAL | {"queued", "running", STARTABLE, STARTED}
ACTS = ("start", "complete", "cancel", "fail")
HALF_AN_HOUR = 30 * 60.0


@dataclass
class Aluma:
    """What the account holds, and how it will behave."""

    http: HttpServer
    tasks: dict[str, Task] = field(default_factory=dict)
    also_listed: list[dict[str, Any]] = field(default_factory=list)
    """Rows that the list shows besides: the seed's second row with an id that stood there before."""
    calls: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, int]] = field(default_factory=list)
    """Calls that it turned down, and how."""
    token_life: float = 86400
    tells_token_type: bool = True
    tokens: dict[str, float] = field(default_factory=dict)
    ahead: float = 0.0
    """Seconds that the clock was put forward."""
    to_lose: Counter[str] = field(default_factory=Counter)
    to_answer: defaultdict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        return self.http.url

    # What a test tells it

    def add(self, *documents: list[File], **values: Any) -> Task:
        task = Task(list(documents) or [[File("", "delivery.csv", "PO,Qty\n4711,3")]], **values)
        with self.lock:
            self.tasks[task.id] = task
        return task

    def lose(self, call: str, times: int = 1) -> None:
        """Do what is asked, and cut the connection instead of answering."""
        self.to_lose[call] += times

    def answer(self, call: str, status: int, headers: Mapping[str, str] | None = None, times: int = 1) -> None:
        """Answer so, and do nothing."""
        body = {"message": f"Told to answer {status}."}
        self.to_answer[call].extend([reply(status, body, headers=dict(headers or {}))] * times)

    def pass_time(self, seconds: float) -> None:
        with self.lock:
            self.ahead += seconds
            self._tick()

    def started_elsewhere(self, task: Task) -> None:
        """Another robot of the same account takes it."""
        with self.lock:
            self._start(task)

    def expire_tokens(self) -> None:
        with self.lock:
            self.tokens.clear()

    # What a test asks it

    def hanging(self) -> list[str]:
        """Tasks that somebody started and nobody has finished."""
        with self.lock:
            return [task.id for task in self.tasks.values() if task.state == STARTED]

    def states(self) -> Counter[str]:
        with self.lock:
            self._tick()
            return Counter(task.state for task in self.tasks.values())

    # How it answers

    def handle(self, seen: Seen) -> Answer:
        address = urlsplit(seen.target)
        words = [unquote(word) for word in address.path.split("/")[1:]]
        query = parse_qs(address.query, keep_blank_values=True)
        with self.lock:
            self._tick()
            call, answer, status = self._route(seen, words, query)
            self.calls[call] += 1
            if 400 <= status < 500:
                self.refused.append((call, status))
            if self.to_lose[call] and status < 300:
                self.to_lose[call] -= 1
                return http.cut()
        return answer

    def _route(self, seen: Seen, words: list[str], query: dict[str, list[str]]) -> tuple[str, Answer, int]:
        call, method = _named(seen.method, words)
        if not call:
            return "unknown", *_problem(405 if method else 404, "There is nothing here.")
        if self.to_answer[call]:
            return call, self.to_answer[call].popleft(), 0
        if call == "token":
            return call, *self._token(seen)
        if not self._known(seen.header("Authorization") or ""):
            return call, *_problem(401, "The access token is missing, wrong or expired.")
        if call == "list":
            return call, *self._list(query)
        if call == "file":
            return call, *self._file(words[1], words[3])
        task = self.tasks.get(words[1])
        if task is None:
            return call, *_problem(404, "There is no such task.")
        if call == "get":
            return call, reply(200, task.told()), 200
        return call, *self._act(call, task, seen, query)

    def _token(self, seen: Seen) -> tuple[Answer, int]:
        media_type = (seen.header("Content-Type") or "").partition(";")[0]
        given: dict[str, Any] = {}
        if media_type == "application/json":
            given = json.loads(seen.body)
        elif media_type == "application/x-www-form-urlencoded":
            given = {name: values[-1] for name, values in parse_qs(seen.body.decode()).items()}
        if (seen.header("Authorization") or "").startswith("Basic "):
            pair = base64.b64decode((seen.header("Authorization") or "")[6:]).decode().partition(":")
            given |= {"client_id": pair[0], "client_secret": pair[2]}
        if given.get("grant_type", "client_credentials") != "client_credentials":
            return _problem(400, "The grant type is not supported.")
        if (given.get("client_id"), given.get("client_secret")) != CLIENT:
            return _problem(400, "The client is not known.", {"client_id": ["unknown or wrong secret"]})
        token = secrets.token_urlsafe(24)
        self.tokens[token] = self._now() + self.token_life
        told: dict[str, Any] = {"access_token": token, "expires_in": int(self.token_life)}
        if self.tells_token_type:
            told["token_type"] = "Bearer"
        return reply(200, told), 200

    def _known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and self.tokens.get(token, 0.0) > self._now()

    def _list(self, query: dict[str, list[str]]) -> tuple[Answer, int]:
        states, actions = query.get("state", []), query.get("client_action", [])
        if any(state not in STATES for state in states):
            return _problem(422, "There is no such state.")
        told = [task.told() for task in self.tasks.values()]
        for row in self.also_listed:
            listed = self.tasks.get(row["id"])
            told.append({**row, "state": listed.state if listed else row["state"]})
        wanted = [
            row
            for row in told
            if (not states or row["state"] in states) and (not actions or row["client_action"] in actions)
        ]
        return reply(200, {"tasks": wanted}), 200

    def _file(self, collection: str, name: str) -> tuple[Answer, int]:
        for task in self.tasks.values():
            if task.collection != collection or task.state != STARTED:
                continue
            for file in (file for document in task.documents for file in document):
                if file.id == name and file.data is not None:
                    return _bytes(file.data), 200
        return _problem(404, "There is no such file.")

    def _act(self, act: str, task: Task, seen: Seen, query: dict[str, list[str]]) -> tuple[Answer, int]:
        action = query.get("action", [""])[-1]
        if not action:
            return _problem(400, "The parameter action is missing.")
        if action != task.client_action:
            return _problem(422, "The task waits for another action.")
        if seen.body and act != "fail":
            return _problem(400, "A body is not expected here.")
        if act == "start":
            if task.state != STARTABLE:
                return _problem(409, f"Task is not waiting for this action: state is {task.state}.")
            self._start(task)
            told = task.specification or {
                "documents": [{"files": [file.told(task.collection) for file in files]} for files in task.documents]
            }
            return reply(202, told), 202
        if act in {"complete", "fail"} and task.acts and task.acts[-1] == act:
            return reply(202), 202
        if task.state != STARTED:
            return _problem(409, f"Task is not waiting for this action: state is {task.state}.")
        if act == "fail":
            given = json.loads(seen.body) if seen.body else {}
            task.message = given.get("message", "")
        task.acts.append(act)
        task.state = {"complete": "completed", "cancel": STARTABLE, "fail": "failed"}[act]
        if act != "cancel":
            task.specification, task.documents = None, []  # the data is deleted: this was the only copy
        return reply(202), 202

    def _start(self, task: Task) -> None:
        task.state, task.started_at = STARTED, self._now()
        task.acts.append("start")

    def _tick(self) -> None:
        for task in self.tasks.values():
            if task.state == STARTED and self._now() - task.started_at >= HALF_AN_HOUR:
                task.state = STARTABLE
                task.acts.append("requeue")

    def _now(self) -> float:
        return time.monotonic() + self.ahead


def _named(method: str, words: list[str]) -> tuple[str, bool]:
    """The call that this is; empty where there is none, and whether the path is one."""
    match words:
        case ["oauth", "token"]:
            found = {"POST": "token"}
        case ["tasks"]:
            found = {"GET": "list"}
        case ["tasks", task] if task:
            found = {"GET": "get"}
        case ["tasks", task, act] if task and act.removesuffix("_client_action") in ACTS and act.endswith("_action"):
            found = {"PUT": act.removesuffix("_client_action")}
        case ["file_collections", collection, "files", file] if collection and file:
            found = {"GET": "file"}
        case _:
            return "", False
    return found.get(method, ""), True


def _problem(status: int, message: str, wrong: dict[str, list[str]] | None = None) -> tuple[Answer, int]:
    told = {"message": message, "title": message, "status": status, **({"requestErrors": wrong} if wrong else {})}
    return reply(status, told), status


def _bytes(data: bytes | int) -> Answer:
    if isinstance(data, bytes):
        return reply(200, data, headers={"Content-Type": "application/pdf"})

    def write(seen: Seen, send: http.Send, stop: threading.Event) -> bool:
        send(f"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: {data}\r\n\r\n".encode())
        chunk = bytes(1 << 20)
        for left in range(data, 0, -len(chunk)):
            send(chunk[: min(left, len(chunk))])
        return True

    return write


@contextmanager
def running(*, defects: bool = False) -> Iterator[Aluma]:
    """With `defects`, the list has what the vendor's own example has: see `show_defects`."""
    with http.running() as server:
        aluma = Aluma(server)
        server.otherwise = aluma.handle
        if defects:
            show_defects(aluma)
        yield aluma


def show_defects(aluma: Aluma) -> Task:
    """Two rows with one id, a time that no clock shows, and a CSV whose row is wider than its header."""
    task = aluma.add(
        [
            File("", "delivery-0007.csv", "PO,Qty\n,4711,3"),
            File("scans", "delivery-0007.pdf", data=b"%PDF-1.7 searchable"),
        ],
        name="delivery-0007.pdf",
    )
    twin = {**task.told(), "name": "delivery-0008.pdf", "file_collection_id": new_id()}
    aluma.also_listed.append({**twin, "created_at": "2026-03-02T08:01:66Z"})
    return task
