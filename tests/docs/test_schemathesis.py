"""schemathesis finds no fault with the API: every operation, with data that its description allows and data that it
does not, against a live server. `WAYBILL_FUZZ_SECONDS` gives it longer than CI does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from openapi_spec_validator import validate

from demo import processes
from demo.processes import ROOT, Children, free_port
from tests.docs.site import program

SECONDS = int(os.environ.get("WAYBILL_FUZZ_SECONDS", "30"))
"""For what is made by chance; the examples and the edges of each schema come before, however long they take."""
LONGEST = 900


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a Waybill that counts neither requests nor wrong keys, and an owner's key."""
    folder = tmp_path_factory.mktemp("fuzzed")
    port = free_port()
    free = {"WAYBILL_API_REQUESTS": "0", "WAYBILL_SIGN_IN_TRIES": "1000000"}
    env = processes.environment(folder / "waybill", port=port, settings=free)
    program(env, "manage.py", "migrate", "--verbosity", "0")
    made = json.loads(program(env, "-m", "tests.docs.worlds", "api/attempts.md", given="{}").splitlines()[-1])
    with Children(env=env, logs=folder / "logs") as children:
        processes.web(children, port)
        yield f"http://127.0.0.1:{port}/api/v1/openapi.json", made["variables"]["WAYBILL_KEY"]


def test_the_description_is_valid_openapi(site):
    described = requests.get(site[0], timeout=60).json()

    validate(described)

    assert described["openapi"].startswith("3.1")


@pytest.mark.slow
def test_no_request_finds_a_fault(site, tmp_path):
    address, key = site
    words = [
        str(Path(sys.executable).with_name("st")), "--config-file", str(ROOT / "tests/docs/schemathesis.toml"), "run", address,
        "--header", f"Authorization: Bearer {key}", "--phases", "examples,coverage,fuzzing", "--mode", "all",
        "--max-examples", "3", "--max-time", str(SECONDS * 4), "--generation-deterministic", "--no-shrink",
        "--generation-with-security-parameters", "false", "--continue-on-failure", "--request-timeout", "30",
        "--no-color",
    ]  # fmt: skip

    env = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.docs.fuzzing"}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=LONGEST)

    assert done.returncode == 0, done.stdout.partition("= FAILURES =")[2][:20_000]
    assert "Server error" not in done.stdout
