"""The children behind the sandbox: started when needed, shared by threads, replaced when dead, gone with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines import sandbox
from pipelines.errors import Misconfigured


@pytest.fixture(scope="module")
def pool():
    made = sandbox.Pool(size=2, seconds=0.5, memory_bytes=128 * 1024 * 1024, output_bytes=1024 * 1024)
    yield made
    made.close()


def children(pool) -> list[int]:
    return [process.pid for process in [*pool._idle, *pool._taken]]


def waited(condition, seconds=10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_child_that_is_killed_hurts_no_call(pool):
    assert pool.render("before", {}) == "before"
    for child in children(pool):
        os.kill(child, signal.SIGKILL)

    assert pool.render("after", {}) == "after"


def test_no_more_children_than_asked_for_and_none_before_they_are_needed():
    made = sandbox.Pool(size=2)
    try:
        assert children(made) == []

        with ThreadPoolExecutor(64) as threads:
            results = list(threads.map(lambda n: made.render("{{ n * 2 }}", {"n": n}), range(300)))

        assert results == [str(n * 2) for n in range(300)]
        assert len(children(made)) <= 2
    finally:
        made.close()


def test_a_slow_template_does_not_hold_up_the_others(pool):
    pool.render("warm", {})
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    slow = ThreadPoolExecutor(1).submit(pool.render, endless, {})
    assert waited(lambda: len(pool._taken) == 1)

    assert pool.render("quick", {}) == "quick"
    assert not slow.done()
    assert isinstance(slow.exception(), Misconfigured)


def test_a_closed_pool_leaves_no_child_and_refuses_more():
    made = sandbox.Pool(size=1)
    made.render("x", {})
    [child] = children(made)

    made.close()

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    with pytest.raises(RuntimeError):
        made.render("x", {})


def test_a_child_ends_with_its_parent():
    code = (
        "import os, signal; from pipelines import sandbox; p = sandbox.Pool(size=1); p.render('x', {});"
        "print(p._idle[0].pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    child = int(parent.stdout)

    def gone() -> bool:
        try:
            state = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        return state == "Z"

    assert waited(gone)


def test_after_a_fork_each_side_has_its_own_children():
    code = (
        "import os; from pipelines import sandbox; sandbox.shared().render('x', {});"
        "mine = sandbox.shared()._idle[0].pid; child = os.fork();"
        "print(sandbox.shared().render('{{ n }}', {'n': 'forked' if not child else 'parent'}),"
        " sandbox.shared()._idle[0].pid == mine, flush=True);"
        "child and os.waitpid(child, 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )

    assert sorted(done.stdout.splitlines()) == ["forked False", "parent True"]


def test_the_child_knows_no_django_and_none_of_our_secrets():
    code = (
        "import os, sys; sys.argv = ['x', '1', '1', '1']; import pipelines.sandbox.child;"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'django', 'pydantic', 'requests', 'audit'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_childs_environment_holds_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("WAYBILL_SECRET_KEY", "very secret")
    made = sandbox.Pool(size=1)
    try:
        made.render("x", {})
        [child] = children(made)

        assert b"very secret" not in Path(f"/proc/{child}/environ").read_bytes()
    finally:
        made.close()
