"""The Python client as `make client` writes it, for the examples of docs/api/client.md."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def generated() -> Iterator[dict[str, str]]:
    """Where Python finds it."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["make", "--old-file=.venv/.dev", "client", f"CLIENT={folder}/client"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        yield {"PYTHONPATH": f"{folder}/client"}
