"""Programs of the Waybill that the examples, and the fuzzer, speak to."""

from __future__ import annotations

import subprocess
import sys

from demo.processes import ROOT


def program(env: dict[str, str], *words: str, given: str = "") -> str:
    """What a Python program printed; AssertionError with its errors where it failed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=env, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
