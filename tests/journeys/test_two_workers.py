"""Two worker processes on one database never run an attempt twice."""

from __future__ import annotations

import json
import shutil
import sqlite3

import pytest

from demo.door import Terms
from demo.write_invoices import FOLDER
from tests.journeys.site import running

pytestmark = pytest.mark.slow
COPIES = 5


@pytest.fixture
def documents(tmp_path):
    """Five of each demo invoice, each copy a document of its own."""
    folder = tmp_path / "documents"
    shutil.copytree(FOLDER, folder)
    rows = json.loads((folder / "index.json").read_text())
    many = [{**row, "name": f"{row['name']}-{number}"} for row in rows for number in range(COPIES)]
    (folder / "index.json").write_text(json.dumps(many))
    return folder


def test_two_workers_share_the_work_and_never_run_an_attempt_twice(documents, tmp_path):
    terms = Terms(faults=False, latency=0.02)
    few = {"WAYBILL_WORKERS": "1", "WAYBILL_ATTEMPTS_AT_ONCE": "4"}

    with running(tmp_path, documents, queues=["Complex API"], terms=terms, workers=2, settings=few) as site:
        ended = site.settle(seconds=240)
        attempts = list(site.all("attempts"))
        summary = site.ledger.summary()

    assert [document["status"] for document in ended] == ["exported"] * 24 * COPIES
    assert [attempt["number"] for attempt in attempts] == [1] * 24 * COPIES
    assert {count["received"] for count in summary["external_ids"].values()} == {1}
    assert summary["duplicates"] == {"external_ids": [], "idempotency_keys": []}
    with sqlite3.connect(f"file:{tmp_path}/waybill/waybill.sqlite3?mode=ro", uri=True) as database:
        workers = database.execute("SELECT DISTINCT worker FROM exports_attempt").fetchall()
        tries = database.execute("SELECT DISTINCT tries FROM exports_stagerun").fetchall()
    assert len(workers) == 2
    assert tries == [(1,)]
