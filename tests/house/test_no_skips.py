"""The rule that nothing skips in CI, tried on a test that skips."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPS = {
    "in the test": "import pytest\ndef test_it():\n    pytest.skip('no sshd')\n",
    "by a mark": "import pytest\n@pytest.mark.skipif(True, reason='no sshd')\ndef test_it(): pass\n",
    "the whole module": "import pytest\npytest.skip('no sshd', allow_module_level=True)\n",
}


def run(folder: Path, source: str, *, strict: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.house.no_skips",
        "-p",
        "no:django",
        "-c",
        "/dev/null",
        folder,
    ]
    env = {**os.environ, "WAYBILL_NO_SKIPS": strict, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS)
def test_a_skip_fails_where_skips_are_forbidden(source, tmp_path):
    done = run(tmp_path, source, strict="1")

    assert done.returncode != 0
    assert "no sshd" in done.stdout


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS)
def test_a_skip_is_a_skip_elsewhere(source, tmp_path):
    done = run(tmp_path, source, strict="")

    assert "1 skipped" in done.stdout
    assert "failed" not in done.stdout
