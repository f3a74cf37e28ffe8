"""The pretend ERP as a process of its own, and in a thread for tests."""

from __future__ import annotations

import argparse
from pathlib import Path

from demo.door import Terms
from demo.erp import Erp
from demo.ledger import Ledger
from demo.serving import InThread, until_told
from demo.wire import starter


def in_thread(*, ledger: Path | None = None, terms: Terms | None = None, port: int = 0) -> tuple[Erp, InThread]:
    """An ERP on loopback and the thread that serves it; close that when done."""
    erp = Erp(Ledger(ledger), terms)
    return erp, InThread(starter(erp, port=port))


def run(given: argparse.Namespace) -> int:
    """Serve until told to stop. The first line on stdout is the address."""
    terms = Terms(
        token_life=given.token_life,
        token_says=given.token_says,
        slow=given.slow,
        latency=given.latency,
        faults=not given.no_faults,
        open=given.open,
    )
    ledger = Ledger(given.ledger)
    try:
        until_told(starter(Erp(ledger, terms), port=given.port), lambda port: f"http://127.0.0.1:{port}")
    finally:
        ledger.close()
    return 0
