"""Every marked example of the docs does what its page says, against a live web server and a worker."""

from __future__ import annotations

import contextlib
import json
import os
import textwrap

import pytest

from demo import processes
from demo.processes import Children, free_port
from tests.docs import examples
from tests.docs.examples import DOCS, Example, Reader
from tests.docs.site import program
from tests.docs.standins import STANDINS


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a Waybill of its own, and the environment that its programs run in."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    env = processes.environment(folder / "waybill", port=port)
    program(env, "manage.py", "migrate", "--verbosity", "0")
    with Children(env=env, logs=folder / "logs") as children:
        processes.worker(children)
        processes.web(children, port)
        yield f"http://127.0.0.1:{port}", env


@pytest.mark.parametrize("page", examples.pages())
def test_every_example_does_what_its_page_says(site, tmp_path, page):
    url, env = site
    with contextlib.ExitStack() as beside:
        given = {"WAYBILL_URL": url}
        if standin := STANDINS.get(page):
            given |= beside.enter_context(standin())
        made = json.loads(program(env, "-m", "tests.docs.worlds", page, given=json.dumps(given)).splitlines()[-1])
        reader = Reader(tmp_path / "reader", {**given, **made["variables"]}, made["files"], os.environ["PATH"])

        for example in examples.of_page(DOCS / page):
            reader.follow(example)


def test_a_page_without_a_world_of_its_own_finds_a_document_that_is_exported(site, tmp_path):
    url, env = site
    made = json.loads(program(env, "-m", "tests.docs.worlds", "any.md", given="{}").splitlines()[-1])
    reader = Reader(tmp_path, {"WAYBILL_URL": url, **made["variables"]}, {}, os.environ["PATH"])
    wait = """
        import os, time, requests
        for _ in range(200):
            address = "{WAYBILL_URL}/api/v1/documents/{DOCUMENT}".format(**os.environ)
            reply = requests.get(address, headers={"Authorization": "Bearer " + os.environ["WAYBILL_KEY"]}, timeout=30)
            if reply.json()["status"] == "exported":
                print("exported")
                break
            time.sleep(0.2)
    """

    reader.follow(Example("python", textwrap.dedent(wait), "exported"))


def test_an_example_that_is_answered_otherwise_is_found(site, tmp_path):
    reader = Reader(tmp_path, {"WAYBILL_URL": site[0]}, {}, os.environ["PATH"])

    reader.follow(Example("sh", 'curl "$WAYBILL_URL/api/v1/me"\n# 401\n'))
    reader.follow(Example("sh", "SEEN=once\n"))
    reader.follow(Example("python", 'import os\nprint(os.environ["SEEN"], 4711)\n', "once …\n"))

    for wrong in (
        Example("sh", 'curl "$WAYBILL_URL/api/v1/me"\n'),
        Example("sh", 'curl "$WAYBILL_URL/api/v1/me"\n# 200\n'),
        Example("sh", "false\n"),
        Example("sh", 'echo "$NEVER_SET"\n'),
        Example("python", "assert False\n"),
        Example("python", "print(1)\n", "2\n"),
    ):
        with pytest.raises(AssertionError, match="printed"):
            reader.follow(wrong)
