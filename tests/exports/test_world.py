"""What the attempts of one process share: places at a destination, and turns at its rate."""

from __future__ import annotations

import threading
import time

import pytest

from exports.ledger import DirectLedger
from exports.world import Pacer, World
from pipelines.models import Destination

pytestmark = pytest.mark.usefixtures("organization")


def most_at_once(world, destination, number):
    """How many of `number` threads were inside a turn together."""
    inside, most, lock = 0, 0, threading.Lock()

    def send():
        nonlocal inside, most
        with world.turn(destination):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=send) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


@pytest.mark.parametrize(("loops", "most"), [(1, 6), (2, 3), (100, 1)])
def test_a_destinations_places_are_shared_out_to_the_loops_that_live(loops, most):
    world = World(DirectLedger())
    world.loops = loops

    assert most_at_once(world, Destination(pk=1, concurrency=6), 20) == most


def test_turns_come_at_an_even_rate_and_are_not_saved_up():
    pacer = Pacer()

    waits = [pacer.turn(10, now) for now in (100.0, 100.0, 100.05, 200.0, 200.0)]

    assert waits == [0.0, pytest.approx(0.1), pytest.approx(0.15), 0.0, pytest.approx(0.1)]
