"""The bare loop that everything is compared with: the same chain with nothing around it.

Render, POST, keep the reply, judge, write a file, record; `requests.Session`, two commits a document, no framework. One
process, one thread or many. Synced, it keeps what it commits through a power cut, as the engine does; else nothing waits
for the disk."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jinja2
import requests
from requests.adapters import HTTPAdapter

from benchmarks.chain import TEMPLATE


class Sqlite:
    def __init__(self, folder: Path, *, synced: bool = True) -> None:
        self.path = str(folder / "bare.sqlite3")
        self.synced = synced
        connection = self.connect()
        connection.execute("CREATE TABLE try (id INTEGER PRIMARY KEY, body TEXT, status INT, reply TEXT, ended REAL)")
        connection.close()

    def connect(self):
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if self.synced else 'OFF'}")
        return connection

    def begin(self, connection, number, body):
        connection.execute("INSERT INTO try (id, body) VALUES (?, ?)", (number, body))

    def end(self, connection, number, status, reply):
        connection.execute("UPDATE try SET status=?, reply=?, ended=? WHERE id=?", (status, reply, time.time(), number))


class Postgres:
    def __init__(self, url: str, *, synced: bool = True) -> None:
        self.url = url
        self.synced = synced
        connection = self.connect()
        connection.execute("DROP TABLE IF EXISTS bare_try")
        connection.execute(
            "CREATE TABLE bare_try (id INTEGER PRIMARY KEY, body TEXT, status INT, reply TEXT, ended FLOAT)"
        )
        connection.close()

    def connect(self):
        import psycopg

        connection = psycopg.connect(self.url, autocommit=True)
        if not self.synced:
            connection.execute("SET synchronous_commit = off")
        return connection

    def begin(self, connection, number, body):
        connection.execute("INSERT INTO bare_try (id, body) VALUES (%s, %s)", (number, body))

    def end(self, connection, number, status, reply):
        connection.execute(
            "UPDATE bare_try SET status=%s, reply=%s, ended=%s WHERE id=%s", (status, reply, time.time(), number)
        )


def run(documents: Sequence[dict], url: str, database: Sqlite | Postgres, outbox: Path, *, threads: int) -> float:
    """Documents a second."""
    outbox.mkdir(parents=True, exist_ok=True)
    template = jinja2.Environment().from_string(TEMPLATE)  # JSON, not HTML
    own = threading.local()

    def one(numbered: tuple[int, dict]) -> None:
        number, fields = numbered
        if not hasattr(own, "session"):
            own.session = requests.Session()
            own.session.trust_env = False
            own.session.mount("http://", HTTPAdapter(pool_maxsize=1))
            own.connection = database.connect()
        body = template.render(field=fields)
        database.begin(own.connection, number, body)
        reply = own.session.post(url, data=body.encode(), headers={"Content-Type": "application/json"}, timeout=60)
        assert json.loads(reply.text)["status"] == "booked"
        part = outbox / f".{number}.part"
        with part.open("wb") as file:
            file.write(body.encode())
            file.flush()
            if database.synced:
                os.fsync(file.fileno())
        part.rename(outbox / f"{number}.json")
        database.end(own.connection, number, reply.status_code, reply.text)

    began = time.perf_counter()
    if threads == 1:
        for numbered in enumerate(documents):
            one(numbered)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, enumerate(documents)))
    return len(documents) / (time.perf_counter() - began)
