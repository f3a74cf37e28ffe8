"""What all attempts of one worker process share: connections, limits, secrets and a way to ask the database.

Threads that drive attempts hold no database connection of their own; they ask through `ask`, so that sixty-four
threads need three connections and not sixty-seven.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from django.db import close_old_connections

from accounts import scope
from exports import breakers
from pipelines import vault
from pipelines.contract import Store
from pipelines.destinations import egress_of, folder_roots
from pipelines.models import Destination
from pipelines.tokens import SharedTokens
from pipelines.transports.guard import Egress
from pipelines.transports.http import Client
from pipelines.transports.stores import open_store

if TYPE_CHECKING:
    from exports.cases import Case
    from exports.ledger import Ledger
    from pipelines.definition import Step

T = TypeVar("T")

FRESH = 2.0
"""Seconds for which a destination's settings and secrets are believed without asking again."""


class Secret(Protocol):
    """How a store asks for its secrets."""

    def __call__(self, name: str, *, place: str = "") -> str: ...


class World:
    """One a process. `asking` false: reads happen in the caller's own thread (one attempt at a time)."""

    def __init__(self, ledger: Ledger, *, asking: bool = False) -> None:
        self.ledger = ledger
        self.http = Client()
        self._readers = ThreadPoolExecutor(2, "reader") if asking else None
        self._known: dict[Any, tuple[float, Any]] = {}
        self.loops = 1
        self._pacers: dict[int, Pacer] = {}
        self._places: dict[tuple[int, int], threading.BoundedSemaphore] = {}
        self._lock = threading.Lock()

    def ask(self, question: Callable[[], T]) -> T:
        """Run `question` where a database connection is."""
        if self._readers is None:
            return question()
        organization_id = scope.current()

        def answer() -> T:
            with scope.to(organization_id):
                return question()

        return self._readers.submit(answer).result()

    def refresh(self) -> None:
        """Drop database connections that have grown old or broken."""
        if self._readers is not None:
            for _ in range(2):
                self._readers.submit(close_old_connections)

    def destination(self, case: Case, step: Step) -> Destination | None:
        if step.destination_id is None:
            return None
        known: Destination = self._kept(
            ("destination", step.destination_id),
            lambda: Destination.unscoped.get(pk=step.destination_id, organization_id=case.organization_id),
        )
        return known

    def barred(self, destination: Destination, case: Case) -> float | None:
        """Seconds until this attempt may look again whether it may send there; None where it may send now."""
        wait = breakers.barred(destination.pk, case.attempt_id)
        if wait == 0.0:  # a probe is due
            taken = self.ask(lambda: breakers.take(destination.pk, case.attempt_id))
            return None if taken else breakers.LOOK
        return wait

    def secrets(self, case: Case, destination: Destination | None) -> Mapping[str, str]:
        destination_id = destination.pk if destination else None
        pipeline_id = case.definition.pipeline_id
        return self._kept(
            ("secrets", case.organization_id, destination_id, pipeline_id),
            lambda: vault.secrets_for(case.organization_id, destination_id=destination_id, pipeline_id=pipeline_id),
        )

    def tokens(self, organization_id: int) -> SharedTokens:
        return SharedTokens(organization_id)

    def egress(self, destination: Destination | None) -> Egress:
        return egress_of(destination)

    def store(self, credentials: Mapping[str, Any], secret: Secret, destination: Destination | None) -> Store:
        organization_id = scope.current()
        assert organization_id is not None, "stages run in their organization's scope"
        roots = self._kept(("folders", organization_id), lambda: folder_roots(organization_id))
        return open_store(credentials, secret, egress=self.egress(destination), folder_roots=roots)

    @contextmanager
    def turn(self, destination: Destination | None) -> Iterator[None]:
        """Hold one of this process's places at a destination while sending, at its rate where it has one.

        A destination's places are shared out evenly to the loops that live (`loops`)."""
        if destination is None:
            yield
            return
        with self._lock:
            share = max(1, destination.concurrency // max(self.loops, 1))
            places = self._places.setdefault((destination.pk, share), threading.BoundedSemaphore(share))
            pacer = self._pacers.setdefault(destination.pk, Pacer())
        with places:
            if destination.rate:
                time.sleep(pacer.turn(destination.rate / max(self.loops, 1), time.monotonic()))
            yield

    def _kept(self, key: Any, read: Callable[[], T]) -> T:
        at, value = self._known.get(key, (0.0, None))
        if time.monotonic() - at > FRESH:
            value = self.ask(read)
            self._known[key] = (time.monotonic(), value)
        return cast("T", value)  # what `read` gave under this key

    def close(self) -> None:
        if self._readers is not None:
            self._readers.shutdown()


class Pacer:
    """Turns at an even rate; a quiet time is not saved up."""

    def __init__(self) -> None:
        self._next = 0.0
        self._lock = threading.Lock()

    def turn(self, rate: float, now: float) -> float:
        """Seconds to wait before sending, at `rate` sends a second."""
        with self._lock:
            at = max(self._next, now)
            self._next = at + 1 / rate
            return at - now
