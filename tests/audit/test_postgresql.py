"""The ground floor once more, on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAME = (
    "tests/audit/on_postgresql.py",
    "tests/audit/test_trail.py",
    "tests/audit/test_sealing.py",
    "tests/pipelines/test_vault.py",
    "tests/pipelines/test_tokens.py",
    "tests/accounts/test_scope.py",
)


def test_trail_chain_secrets_and_scope_hold_there_too(postgres_url, tmp_path):
    environment = {**os.environ, "DATABASE_URL": postgres_url, "WAYBILL_DATA": str(tmp_path)}
    for name in [name for name in environment if name.startswith("PYTEST_XDIST")]:
        del environment[name]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *SAME],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
