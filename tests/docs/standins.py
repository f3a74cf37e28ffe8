"""What stands beside Waybill while a page's examples run: pretend servers of the outside, by page.

A stand-in is a context manager that yields variables, for example `{"ERP_URL": "http://127.0.0.1:4711"}`; the page's
world (tests/docs/worlds.py) and its examples are given them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.docs import client
from tests.servers import aluma
from tests.servers.aluma import File


@contextmanager
def _aluma() -> Iterator[dict[str, str]]:
    """An account with one task, of two documents."""
    with aluma.running() as account:
        scan = File("scans/2026", "delivery-0007.pdf", data=b"%PDF-1.7 searchable")
        task = account.add([File("", "delivery-0007.csv", "PO,Qty\n4711,3")], [scan], name="delivery-0007.pdf")
        yield {"ALUMA_URL": account.url, "TASK": task.id}


STANDINS: dict[str, Callable[[], AbstractContextManager[dict[str, str]]]] = {
    "api/client.md": client.generated,
    "sources/aluma.md": _aluma,
}
