"""The only module that speaks to django-q2. A bell says "look at the work list"; losing one, doubling one, or ringing
with nothing to do is harmless (docs/decisions: the database is the truth)."""

from __future__ import annotations

import logging
import multiprocessing
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Schedule
from django_q.tasks import async_task

from exports.models import Loop

log = logging.getLogger(__name__)

TASK = "exports.tasks.drain"

LISTENING = timedelta(seconds=6)
"""A loop not seen for this long is taken for dead."""

ONCE_IN = 0.5
"""Seconds: a bell that rang just now was heard, or the schedule is the net."""

_rang_at = -ONCE_IN

stopping = multiprocessing.Event()
"""Set in every process of a cluster when it is told to stop: a drain loop then claims nothing more."""


def ring() -> None:
    """Wake a worker when the present transaction is durable; a thousand new attempts in it ring once. A loop that
    listens finds new work by itself."""
    if not any(waiting[1] is _ring_if_nobody_listens for waiting in connection.run_on_commit):
        transaction.on_commit(_ring_if_nobody_listens)


def _ring_if_nobody_listens() -> None:
    global _rang_at  # noqa: PLW0603  # one a process
    if time.monotonic() - _rang_at < ONCE_IN:
        return
    if not listeners():
        _rang_at = time.monotonic()
        _ring()


def ring_for_help() -> None:
    """From a drain loop with more work than it can take: wake another worker process, if one is idle."""
    _ring()


def listeners() -> int:
    """Drain loops that live now."""
    return Loop.objects.filter(seen_at__gt=timezone.now() - LISTENING).count()


def _ring() -> None:
    try:
        if get_broker().queue_size() < settings.WORKERS:
            async_task(TASK)
    except Exception:  # the bell is a convenience: the schedule finds the work
        log.warning("the doorbell did not ring; the schedule will", exc_info=True)


def install_schedule(**_: Any) -> None:
    """The net under the bells: at least one drain loop a minute. Runs after every migration."""
    Schedule.objects.update_or_create(
        name="waybill: drain", defaults={"func": TASK, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
    )
