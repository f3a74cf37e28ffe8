"""The demo's child processes: started with a log, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.processes import Child, Children, DemoError, environment, free_port

SLEEP = "import time; print('up', flush=True); time.sleep(600)"


def gone(pid: int, *, within: float = 10) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_wanted_port_is_kept_when_free_and_given_up_when_taken():
    free = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]

        assert free_port(free) == free
        assert free_port(busy) != busy


def test_leaving_the_block_stops_every_child(tmp_path):
    with Children(env=os.environ, logs=tmp_path) as children:
        first, second = children.start("first", "-c", SLEEP), children.start("second", "-c", SLEEP)
        assert first.lines(1) == second.lines(1) == ["up"]
        assert children.dead() is None

    assert gone(first.pid)
    assert gone(second.pid)


def test_a_child_that_ends_is_reported_with_the_end_of_its_log(tmp_path):
    child = Child("clerk", ["-c", "print('no ink'); raise SystemExit(3)"], env=os.environ, logs=tmp_path)

    with pytest.raises(DemoError) as told:
        child.wait_for(lambda: False, seconds=20, what="did not start")

    assert str(told.value).startswith("The clerk ended with code 3.\nIts log is ")
    assert str(told.value).endswith("\nno ink")


def test_a_child_that_does_not_get_ready_is_reported(tmp_path):
    child = Child("clerk", ["-c", SLEEP], env=os.environ, logs=tmp_path)

    with pytest.raises(DemoError, match="The clerk did not answer within 0 seconds"):
        child.wait_for(lambda: False, seconds=0.1, what="did not answer")

    child.kill()
    assert not child.alive


def test_a_child_that_ignores_the_request_to_stop_is_ended(tmp_path):
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    child = Child("stubborn", ["-c", stubborn], env=os.environ, logs=tmp_path)
    child.lines(1)

    child.stop(seconds=0.2)

    assert gone(child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_children_do_not_outlive_a_parent_that_was_killed(tmp_path):
    start = (
        "import os, pathlib, sys, time; from demo.processes import Child;"
        f"c = Child('orphan', ['-c', {SLEEP!r}], env=os.environ, logs=pathlib.Path(sys.argv[1]));"
        "c.lines(1); print(c.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", start, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        orphan = int(parent.stdout.readline())
        assert not gone(orphan, within=0)

        parent.send_signal(signal.SIGKILL)

        assert gone(orphan)


def test_the_callers_own_waybill_does_not_reach_the_demo(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/waybill")
    monkeypatch.setenv("WAYBILL_KEYS", "secret")

    env = environment(tmp_path, port=8123)

    assert "DATABASE_URL" not in env
    assert "WAYBILL_KEYS" not in env
    assert env["WAYBILL_PUBLIC_URL"] == "http://localhost:8123"
    assert environment(tmp_path, port=1, settings={"DATABASE_URL": "sqlite:///x"})["DATABASE_URL"] == "sqlite:///x"
