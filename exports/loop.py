"""The drain loop: one a worker process. It claims what is due, drives many attempts at once, renews their leases,
sweeps, and hands back before the task's time is over."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from accounts import scope
from exports import cases, doorbell, pushes, sweep, worklist
from exports.cases import Case
from exports.events.post import Post
from exports.ids import uuid7
from exports.ledger import DirectLedger, GroupLedger, LeaseLostError
from exports.models import Attempt, Loop
from exports.runner import Drive
from exports.sources.poller import Poller
from exports.states import State
from exports.world import World

log = logging.getLogger(__name__)

IDLE = 0.5
"""Seconds between two looks at an empty work list."""

SWEEP_EVERY = 1.0
HELP_EVERY = 2.0


class Drain:
    """The state of one loop."""

    def __init__(self) -> None:
        self.ledger = GroupLedger()
        self.world = World(self.ledger, asking=True)
        self.pool = ThreadPoolExecutor(settings.ATTEMPTS_AT_ONCE, "attempt")
        self.post = Post()
        self.poller = Poller()
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.row = Loop(id=uuid7(), worker=self.worker)
        self._changed = threading.Condition()
        self._leases: Counter[UUID] = Counter()
        self._running = 0
        self._alone = False
        self._turn = 0
        self._over = threading.Event()
        self.heart = threading.Thread(target=self._beat, name="heart", daemon=True)

    def run(self, seconds: float) -> None:
        """Until `seconds` are over, the cluster stops, or the parent process is gone."""
        parent = os.getppid()
        until = time.monotonic() + seconds
        swept = helped = 0.0
        self.row.save(force_insert=True)
        self.heart.start()
        self.post.open()
        self.poller.open()
        while time.monotonic() < until and not doorbell.stopping.is_set() and os.getppid() == parent:
            now = time.monotonic()
            try:
                if now - swept >= SWEEP_EVERY:
                    swept = now
                    self._tend()
                if self._alone or now == swept:
                    self._quarantine()
                pushes.begin()
                full = self._take_more()
                if full and now - helped >= HELP_EVERY:
                    helped = now
                    doorbell.ring_for_help()
            except DatabaseError:  # away for a moment: leases outlive that, and so does this loop
                log.warning("the database did not answer the drain loop", exc_info=True)
                connection.close()
                time.sleep(IDLE)
                continue
            self._rest(full=full)
        self._hand_back()

    def _tend(self) -> None:
        close_old_connections()
        self.world.refresh()
        self.world.loops = doorbell.listeners()
        Loop.objects.filter(pk=self.row.pk).update(seen_at=timezone.now())
        self._turn += 1
        sweep.run(self._turn)

    def _take_more(self) -> bool:
        """Claim into the free places; True when the work list had more than they hold."""
        with self._changed:
            free = settings.ATTEMPTS_AT_ONCE - self._running
        if self._alone or (free < max(1, settings.ATTEMPTS_AT_ONCE // 4) and self._running):
            return True
        lease, ids = worklist.claim(self.worker, free)
        if lease is None:
            return False
        self._start(lease, ids)
        return len(ids) == free

    def _start(self, lease: UUID, ids: list[int]) -> None:
        with self._changed:
            self._leases[lease] += len(ids)
            self._running += len(ids)
        loaded, broken = cases.load(ids)
        for case in loaded:
            self.pool.submit(self._drive, case)
        for attempt_id, error in broken.items():
            cases.fail_unreadable(attempt_id, lease, error)
        self._left(lease, len(ids) - len(loaded))

    def _quarantine(self) -> None:
        """When an attempt is suspected of killing workers: let everything else end, then run it alone."""
        if not self._alone:
            self._alone = worklist.suspects()
            return
        with self._changed:
            if self._running:
                return
        lease, ids = worklist.claim_suspect(self.worker)
        self._alone = lease is not None
        if lease is not None:
            self._start(lease, ids)

    def _drive(self, case: Case) -> None:
        drive_one(case, self.world)
        self._left(case.lease, 1)

    def _left(self, lease: UUID, number: int) -> None:
        with self._changed:
            self._leases[lease] -= number
            if self._leases[lease] <= 0:
                del self._leases[lease]
            self._running -= number
            self._changed.notify()

    def _rest(self, *, full: bool) -> None:
        """A full house waits for places, an empty list for work."""
        with self._changed:
            if self._alone:
                self._changed.wait(timeout=0.1)
            elif full:
                enough = settings.ATTEMPTS_AT_ONCE * 3 // 4
                self._changed.wait_for(lambda: self._running <= enough, timeout=0.1)
            else:
                self._changed.wait(timeout=IDLE if not self._running else 0.05)

    def _hand_back(self) -> None:
        """Let what runs come to its end, as long as a task may take; what does not is left to its lease."""
        with self._changed:
            self._changed.wait_for(lambda: not self._running, timeout=settings.HAND_BACK_SECONDS)
        Loop.objects.filter(pk=self.row.pk).delete()  # before the poller asks whether it is the last
        self.poller.close()
        self.post.close()
        self._over.set()
        self.heart.join()
        self.pool.shutdown(wait=False, cancel_futures=True)
        if not self._running:
            self.ledger.close()
            self.world.close()

    def _beat(self) -> None:
        """Renew the leases of what runs, in a thread of its own: a slow sweep must not cost them."""
        try:
            while not self._over.wait(settings.LEASE_SECONDS / 5):
                with self._changed:
                    leases = list(self._leases)
                try:
                    worklist.renew(leases)
                except DatabaseError:
                    log.warning("leases were not renewed", exc_info=True)
                    connection.close()
        finally:
            connection.close()


def drain(seconds: float) -> None:
    """What a worker runs."""
    Drain().run(seconds)


def drive_one(case: Case, world: World) -> None:
    """One claimed attempt to its end or next wait. Never raises: what goes wrong is the attempt's, not the loop's."""
    with scope.to(case.organization_id):
        drive = Drive(case, world)
        try:
            drive.run()
        except LeaseLostError:
            log.warning("another worker has this attempt now", extra={"attempt": case.attempt_id})
        except Exception as error:
            log.exception("an attempt failed outside its stages", extra={"attempt": case.attempt_id})
            try:
                drive.abort(error)
            except Exception:  # its lease will lapse, and after some lapses it is failed without being run
                log.exception("and could not be ended", extra={"attempt": case.attempt_id})


def run_now(attempt_id: int) -> Attempt:
    """Drive one queued attempt in this thread to its end or next wait, and return it as it then stands."""
    attempt: Attempt = Attempt.unscoped.get(pk=attempt_id)
    if attempt.state == State.QUEUED:
        lease = worklist.claim_one(attempt_id, f"{socket.gethostname()}:{os.getpid()}")
        loaded, broken = cases.load([attempt_id])
        world = World(DirectLedger())
        for case in loaded:
            drive_one(case, world)
        for broken_id, error in broken.items():
            cases.fail_unreadable(broken_id, lease, error)
        world.close()
    attempt.refresh_from_db()
    return attempt
