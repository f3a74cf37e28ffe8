"""`make demo-check` as a person types it: everything started, one line said, nothing left behind."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest

from demo.processes import ROOT
from demo.write_invoices import FOLDER

KEYS = ["documents", "exported", "failed", "unconfirmed", "sent", "duplicates", "files", "seconds"]


def check(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", "run", "--check", *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )


@pytest.fixture
def few(tmp_path):
    """A folder of three documents: one that passes, one that is refused, one that meets maintenance."""
    names = {"harbour-lights-2031", "unknown-supplier-1", "maintenance-window-1"}
    rows = [row for row in json.loads((FOLDER / "index.json").read_text()) if row["name"] in names]
    for row in rows:
        shutil.copy(FOLDER / row["original"], tmp_path)
        shutil.copy(FOLDER / row["fields"], tmp_path)
    (tmp_path / "index.json").write_text(json.dumps(rows))
    return tmp_path


@pytest.mark.slow
def test_the_check_of_a_folder_says_one_line_and_leaves_nothing(few):
    before = set((ROOT / "var").glob("demo-check-*"))

    done = check("--real", str(few))

    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert list(told) == KEYS
    assert told.pop("seconds") > 0
    assert told == {
        "documents": 9,
        "exported": 7,
        "failed": {"rejected": 2},
        "unconfirmed": 0,
        "sent": 16,
        "duplicates": 0,
        "files": 8,
    }
    assert set((ROOT / "var").glob("demo-check-*")) <= before


def test_a_folder_without_an_index_is_refused_in_words(tmp_path):
    done = check("--real", str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"The demo stopped: {tmp_path} has no index.json.")


def test_a_second_demo_beside_the_first_is_refused_in_words(few):
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / ".demo.lock").open("w") as lock:
        with contextlib.suppress(BlockingIOError):  # whoever tests beside a running demo has it locked already
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

        second = subprocess.run(
            [sys.executable, "-m", "demo", "run", "--real", few], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert second.returncode == 1
    assert second.stderr.startswith("The demo stopped: Another demo is running from this folder.")
