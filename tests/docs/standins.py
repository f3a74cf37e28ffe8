"""What stands beside Waybill while a page's examples run: pretend servers of the outside, by page.

A stand-in is a context manager that yields variables, for example `{"ERP_URL": "http://127.0.0.1:4711"}`; the page's
world (tests/docs/worlds.py) and its examples are given them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

STANDINS: dict[str, Callable[[], AbstractContextManager[dict[str, str]]]] = {}
